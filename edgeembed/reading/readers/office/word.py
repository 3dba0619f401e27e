"""Word documents of Office Open XML (ECMA-376)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..zip_archive import Archive, Element
from .paragraphs import Paragraphs

# Word


def read_word(archive: Archive, main: str) -> ExtractedText:
    """The text of a document with its headings, then notes, comments, headers and footers, each once."""
    relations = sorted(archive.relations(main).values())
    levels = dict[str, int]()
    for kind, part in relations:
        if kind == "styles" and part in archive:
            with suppress(Unreadable):  # damage beside the text costs headings, not the text
                levels = _heading_levels(archive.elements(part))
    text = _Word(levels)
    archive.parse(main, text)
    if not text.breaks:
        text.builder.forget_pages()  # written by a program that does not say where pages end
    seen = set[str]()
    for kind in ("footnotes", "endnotes", "comments", "header", "footer"):
        for part in [part for other, part in relations if other == kind and part in archive]:
            aside = _Word({})
            with suppress(Unreadable):
                archive.parse(part, aside)
            words = aside.builder.extracted().text
            if words.strip() and words not in seen:  # the first page and the others often have the same
                seen.add(words)
                text.builder.add(words)
                text.builder.end_paragraph(verbatim=True)
    return text.builder.extracted()


def _heading_levels(styles: Sequence[Element]) -> dict[str, int]:
    """Ids of the paragraph styles that are headings. They differ by language; names are always English."""
    levels, id = {}, ""
    for element in styles:
        if element.name == "style":
            id = element.attributes.get("styleId", "")
        elif element.name == "name":
            heading = re.fullmatch(r"heading ([1-9])|title", element.attributes.get("val", "").lower())
            if heading:
                levels[id] = int(heading[1] or 1)
    return levels


class _Word(Paragraphs):
    HIDDEN = frozenset({"Fallback", "del", "moveFrom", "rPr", "sectPr", "tblPr"})

    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__()
        self.breaks = 0
        """Ends of pages, as the program that wrote the file saw them last."""
        self._levels = levels
        self._in_text = False
        self.builder.new_page()

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Runs of text, breaks, and what makes a paragraph a heading or an item of a list."""
        if name == "t":
            self._in_text = True
        elif name in ("tab", "ptab"):
            self.add(" ")
        elif name in ("br", "cr"):
            self.add("\n")
        elif name == "noBreakHyphen":
            self.add("-")
        elif name == "lastRenderedPageBreak":
            self.breaks += 1
            self.add("\f")
        elif name == "pStyle" and attributes.get("val") in self._levels:
            self.mark = "#" * min(6, self._levels[attributes["val"]]) + " "
        elif name == "numPr" and not self.mark:
            self.mark = "- "

    def close_element(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "p":
            self.end_paragraph()

    def take_text(self, text: str) -> None:
        if self._in_text:
            self.add(text)
