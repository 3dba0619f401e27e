"""PowerPoint presentations of Office Open XML (ECMA-376)."""

from __future__ import annotations

from contextlib import nullcontext, suppress

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from ..zip_archive import Archive
from .drawings import DrawingText


def read_slides(archive: Archive, main: str) -> ExtractedText:
    """The slides of a presentation in order, a page each, with charts, diagrams, notes and comments."""
    order = [element.attributes.get("r:id", "") for element in archive.elements(main) if element.name == "sldId"]
    relations = archive.relations(main)
    builder = TextBuilder()
    for key in order:
        kind, slide = relations.get(key, ("", ""))
        builder.new_page()
        if kind != "slide" or slide not in archive:
            continue
        more = sorted(archive.relations(slide).values())
        asides = [part for kind, part in more if kind in ("diagramData", "chart", "notesSlide", "comments")]
        for part in (slide, *asides):
            if part in archive:
                text = DrawingText()
                with nullcontext() if part == slide else suppress(Unreadable):
                    archive.parse(part, text)
                builder.add(text.builder.extracted().text)
                builder.end_paragraph(verbatim=True)
    return builder.extracted()
