"""What XML documents have in common: parts that nobody sees, paragraphs, and tables whose rows become lines."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .extracted import TextBuilder

_SHORT_CELL = 200
"""Paragraphs of a cell with no more characters stay on the line of its row."""


class Paragraphs(ABC):
    """Told of the elements of a document in order, it puts their text together; a format says what each one means."""

    HIDDEN: frozenset[str] = frozenset()
    """Names of elements that are passed over with all that is in them."""

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
        if not self._hidden:
            self.open_element(name, attributes)

    def end(self, name: str) -> None:
        """The end of an element."""
        if name in self.HIDDEN:
            self._hidden -= 1
        elif not self._hidden:
            self.close_element(name)

    def data(self, text: str) -> None:
        """Text between elements."""
        if not self._hidden:
            self.take_text(text)

    @abstractmethod
    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """The beginning of an element that is seen."""

    @abstractmethod
    def close_element(self, name: str) -> None:
        """The end of an element that is seen."""

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

    def start_row(self) -> None:
        """A row of a table begins."""
        self._rows += 1

    def start_cell(self) -> None:
        """A cell of the row at hand begins."""
        self._cell = 0
        if self._rows == 1 and not self.builder.line_is_empty:
            self.builder.add(" | ")

    def end_row(self) -> None:
        """The row at hand ends, and with it its line."""
        self._rows -= 1
        if not self._rows:
            self.builder.end_line()

    def end_table(self) -> None:
        """A table ends."""
        if not self._rows:
            self.builder.end_paragraph()

    def add(self, text: str) -> None:
        """Add text to the paragraph at hand."""
        self._cell += len(text)
        self.builder.add(text)
