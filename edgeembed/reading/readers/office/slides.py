"""PowerPoint presentations of Office Open XML (ECMA-376)."""

from __future__ import annotations

from contextlib import nullcontext, suppress

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from ..zip_archive import Archive
from .paragraphs import Paragraphs

# PowerPoint


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
                text = _Slide()
                with nullcontext() if part == slide else suppress(Unreadable):
                    archive.parse(part, text)
                builder.add(text.builder.extracted().text)
                builder.end_paragraph(verbatim=True)
    return builder.extracted()


class _Slide(Paragraphs):
    """A slide, its notes, or the texts of a chart or diagram on it."""

    def __init__(self) -> None:
        super().__init__()
        self._text: str = ""
        """The element whose text is read now."""
        self._number = False

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "fld":
            self._number = attributes.get("type") == "slidenum"
        elif name in ("t", "v") and not self._number:
            self._text = name
        elif name == "br":
            self.add("\n")

    def close_element(self, name: str) -> None:
        if name == self._text:
            self._text = ""
        if name == "fld":
            self._number = False
        elif name in ("p", "v", "text"):
            self.end_paragraph()

    def take_text(self, text: str) -> None:
        if self._text:
            self.add(text)
