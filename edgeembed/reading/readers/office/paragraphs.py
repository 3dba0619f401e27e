"""What XML documents have in common: parts that nobody sees, paragraphs, and tables whose rows become lines."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..text_builder import TextBuilder

_SHORT_CELL = 200
"""Paragraphs of a cell with no more characters stay on the line of its row."""


class Paragraphs(ABC):
    """Told of the elements of a document in order, it puts their text together; a format says what each one means."""

    HIDDEN: frozenset[str] = frozenset()
    """Names of elements that are passed over with all that is in them."""
    TABLE, ROW, CELLS = "tbl", "tr", frozenset({"tc"})
    """Names of the elements that tables are made of; here those of Office Open XML."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self.mark = ""
        """What the paragraph at hand begins with, such as ``- ``."""
        self._hidden = 0
        """Hidden elements that are open, one within the other."""
        self._rows = 0
        """Rows that are open, one within the other."""
        self._cell = 0
        """Characters of the cell at hand."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """The beginning of an element."""
        if name in self.HIDDEN:
            self._hidden += 1
        if self._hidden:
            return
        if name == self.ROW:
            self._rows += 1
        elif name in self.CELLS:
            self._start_cell()
        else:
            self.open_element(name, attributes)

    def end(self, name: str) -> None:
        """The end of an element."""
        if name in self.HIDDEN:
            self._hidden -= 1
        elif self._hidden:
            return
        elif name == self.ROW:
            self._end_row()
        elif name == self.TABLE:
            if not self._rows:
                self.builder.end_paragraph()
        else:
            self.close_element(name)

    def data(self, text: str) -> None:
        """Text between elements."""
        if not self._hidden:
            self.take_text(text)

    @abstractmethod
    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """The beginning of an element that is seen and is no part of a table."""

    @abstractmethod
    def close_element(self, name: str) -> None:
        """The end of an element that is seen and is no part of a table."""

    @abstractmethod
    def take_text(self, text: str) -> None:
        """Text that is seen, if the element that it stands in is one of text."""

    def end_paragraph(self) -> None:
        """End the paragraph at hand; in a table its text stays on the line of the row, unless the cell is long."""
        if not self._rows:
            self.builder.end_paragraph(self.mark)
        elif self._cell > _SHORT_CELL:
            self.builder.end_line()
        else:
            self.builder.add(" ")
        self.mark = ""

    def add(self, text: str) -> None:
        """Add text to the paragraph at hand."""
        self._cell += len(text)
        self.builder.add(text)

    def _start_cell(self) -> None:
        self._cell = 0
        if self._rows == 1 and not self.builder.line_is_empty:
            self.builder.add(" | ")

    def _end_row(self) -> None:
        """The row at hand ends, and with it its line."""
        self._rows -= 1
        if not self._rows:
            self.builder.end_line()
