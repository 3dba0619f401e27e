"""OpenDocument: texts, slides and spreadsheets of LibreOffice and others.

https://docs.oasis-open.org/office/OpenDocument/v1.3/
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.spreadsheet import add_sheet, read_spreadsheet
from ..text_builder import TextBuilder
from ..zip_archive import Archive, parse_xml
from .open_sheets import SheetReader
from .paragraphs import Paragraphs

_MOST_BYTES = 8 << 20
"""Of the XML of a spreadsheet that is read cell by cell, some hundred thousand cells."""
_MARGINS = ("header", "footer", "header-left", "footer-left", "header-first", "footer-first")
_DECLARED = ("header-decl", "footer-decl", "date-time-decl")
"""What slides have at their top and bottom, said once for several of them."""


def read_open_document(archive: Archive, data: bytes, kind: str) -> ExtractedText:
    """The text of a document, or the rows of a spreadsheet.

    Args:
        archive: the document.
        data: the same, not opened.
        kind: its media type.

    Raises:
        Unreadable: it is encrypted or damaged.
    """
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.part("META-INF/manifest.xml"):
        raise Unreadable("encrypted: needs a password")
    if kind.endswith((".spreadsheet", ".spreadsheet-template")):
        return _read_sheets(archive, data)
    text = _OpenText()
    archive.parse("content.xml", text)
    if not text.breaks:
        text.builder.forget_pages()
    with suppress(Unreadable):  # damage beside the text costs headers and footers, not the text
        if "styles.xml" in archive:
            aside = _Asides(_MARGINS)
            archive.parse("styles.xml", aside)
            text.builder.add("\n".join(dict.fromkeys(aside.texts)))
            text.builder.end_paragraph()
    return text.builder.extracted()


def _read_sheets(archive: Archive, data: bytes) -> ExtractedText:
    content = archive.part("content.xml")
    if len(content) > _MOST_BYTES:
        return read_spreadsheet(data)
    reader, builder = SheetReader(), TextBuilder()
    parse_xml(content, reader, partial=archive.missing is not None)
    for name, rows in reader.sheets:
        add_sheet(builder, name, rows)
    return builder.extracted()


class _Asides:
    """The handler for what stands in elements of some names, such as the headers of pages: a text for each."""

    def __init__(self, names: Collection[str]) -> None:
        self.texts: list[str] = []
        self._names = names
        self._depth = 0
        self._paragraphs = 0
        self._pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += name in self._names
        self._paragraphs += name in ("p", "h")
        if name in ("p", "h", "s", "tab", "line-break"):
            self._pieces.append(" ")

    def end(self, name: str) -> None:
        self._paragraphs -= name in ("p", "h")
        if name in self._names:
            self._depth -= 1
            if text := " ".join("".join(self._pieces).split()):
                self.texts.append(text)
            self._pieces.clear()

    def data(self, text: str) -> None:
        if self._depth and self._paragraphs:
            self._pieces.append(text)


class _OpenText(Paragraphs):
    HIDDEN = frozenset({"tracked-changes", "note-citation", "forms", "annotation-end"})
    TABLE, ROW, CELLS = "table", "table-row", frozenset({"table-cell", "covered-table-cell"})

    def __init__(self) -> None:
        super().__init__()
        self.breaks = 0
        self._open = 0
        """Paragraphs that are open; those in notes and boxes are within others."""
        self._inline = 0
        """Notes that are open: they stay in the paragraph that they belong to."""
        self._comments = 0
        """Comments that are open. Who made them, and when, is left out; elsewhere a date is a field of the text."""
        self._left_out = ""
        self.builder.new_page()

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Paragraphs, headings, items, notes, and where a page or a slide ends."""
        if name in ("p", "h"):
            if self._open and not self._inline:
                self.end_paragraph()
            self._open += 1
            if name == "h":
                self.mark = "#" * min(6, int(attributes.get("outline-level", "1"))) + " "
        elif name in ("note", "annotation"):
            self._inline += 1
            self._comments += name == "annotation"
            self.add(" (")
        elif name in ("creator", "date") and self._comments:
            self._left_out = name
        elif name in _DECLARED:
            self._open += 1
        elif name in ("s", "tab"):
            self.add(" ")
        elif name == "line-break":
            self.add("\n")
        elif name == "list-item":
            self.mark = "- "
        elif name == "soft-page-break":
            self.breaks += 1
            self.add("\f")
        elif name == "page":
            self.builder.end_paragraph()
            if self.breaks:
                self.builder.new_page()
            self.breaks += 1

    def close_element(self, name: str) -> None:
        """Paragraphs and headings; one inside a note goes on as a part of what the note belongs to."""
        if name in ("p", "h"):
            self._open -= 1
            if self._inline:
                self.add(" ")
            else:
                self.end_paragraph()
        elif name in ("note", "annotation"):
            self._inline -= 1
            self._comments -= name == "annotation"
            self.add(") ")
        elif name == self._left_out:
            self._left_out = ""
        elif name in _DECLARED:
            self._open -= 1
            self.end_paragraph()

    def take_text(self, text: str) -> None:
        if self._open and not self._left_out:
            self.add(re.sub(r"\s+", " ", text))  # line ends in the XML mean nothing
