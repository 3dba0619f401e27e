"""OpenDocument: texts, slides and spreadsheets of LibreOffice and others.

https://docs.oasis-open.org/office/OpenDocument/v1.3/
"""

from __future__ import annotations

import re

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.spreadsheet import read_spreadsheet
from ..zip_archive import Archive
from .paragraphs import Paragraphs


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
        return read_spreadsheet(data)
    text = _OpenText()
    archive.parse("content.xml", text)
    if not text.breaks:
        text.builder.forget_pages()
    return text.builder.extracted()


class _OpenText(Paragraphs):
    HIDDEN = frozenset({"tracked-changes", "note-citation", "forms", "annotation-end", "creator", "date"})
    TABLE, ROW, CELLS = "table", "table-row", frozenset({"table-cell", "covered-table-cell"})

    def __init__(self) -> None:
        super().__init__()
        self.breaks = 0
        self._open = 0
        """Paragraphs that are open; those in notes and boxes are within others."""
        self._inline = 0
        """Notes that are open: they stay in the paragraph that they belong to."""
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
            self.add(" (")
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
            self.add(") ")

    def take_text(self, text: str) -> None:
        if self._open:
            self.add(re.sub(r"\s+", " ", text))  # line ends in the XML mean nothing
