"""Word documents of Office Open XML (ECMA-376)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...decode import decode
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..mail.message import read_mail
from ..web.html import decode_html, html_text
from ..zip_archive import Archive, Element
from .drawings import add_drawings
from .paragraphs import Paragraphs
from .rtf import read_rtf

_MAIN = "word/document.xml"


def read_word(archive: Archive, main: str) -> ExtractedText:
    """The text of a document with its headings, then notes, comments, headers and footers, each once."""
    relations = sorted(archive.relations(main).values())
    levels = dict[str, int]()
    for kind, part in relations:
        if kind == "styles" and part in archive:
            with suppress(Unreadable):  # damage beside the text costs headings, not the text
                levels = _heading_levels(archive.elements(part))
    text = _Word(levels, lambda id: _imported(archive, archive.relations(main).get(id, ("", ""))[1]))
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
    add_drawings(text.builder, archive, main)
    return text.builder.extracted()


def _imported(archive: Archive, part: str) -> str:
    """The text of a file of another format that stands in a document (``altChunk``); empty: it cannot be read."""
    suffix = part.rpartition(".")[2].lower()
    with suppress(Unreadable):
        data = archive.part(part)
        if suffix in ("mht", "mhtml", "eml"):
            return read_mail(data).text
        if suffix in ("htm", "html", "xhtml"):
            return html_text(decode_html(data)).text
        if suffix == "rtf":
            return read_rtf(data).text
        if suffix in ("docx", "docm", "dotx"):
            inner = Archive(data)
            return read_word(inner, _MAIN).text if _MAIN in inner else ""
        if suffix in ("txt", "xml"):
            return decode(data) or ""
    return ""


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

    def __init__(self, levels: dict[str, int], imported: Callable[[str], str] = lambda id: "") -> None:
        """``imported``: gives the text of a file that is imported where its id stands."""
        super().__init__()
        self._imported = imported
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
        elif name == "altChunk":
            self.builder.add(self._imported(attributes.get("r:id", "")))
            self.builder.end_paragraph(verbatim=True)
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
