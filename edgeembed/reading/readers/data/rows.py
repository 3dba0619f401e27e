"""Rows of tables that make sense by themselves, because each value comes with its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ...decode import decode
from ...extras import Unreadable

SAMPLE_LINES = 40


class RowFormatter:
    """Formats rows as ``name: value``; rows up to the header, or all if there is none, as bare values."""

    def __init__(self, header: Sequence[str]) -> None:
        self._names = [f"{name}: " if name else "" for name in header]

    def line(self, row: Sequence[str], *, first: bool = False) -> str:
        """A row as a line; ``first``: it is the header or above it."""
        cells = [" ".join(cell.split()) for cell in row]
        if first or not self._names:
            return " | ".join(filter(None, cells))
        pairs = zip_longest(self._names, cells, fillvalue="")
        return ", ".join([name + cell for name, cell in pairs if cell])


def header_of(rows: Sequence[Sequence[str]], *, sheet: bool) -> tuple[int, list[str]]:
    """Which of the first rows holds the names of the columns, and these; ``(0, [])``: none does.

    Args:
        rows: the first rows, some more than one.
        sheet: of a spreadsheet, where two columns are often names and values without a header.
    """
    for number, row in enumerate(rows[:-1]):
        cells = [" ".join(cell.split()) for cell in row]
        named = [cell for cell in cells if cell]
        if len(named) < 2:
            continue  # a title above the table
        unfit = len(named) * 2 <= len(cells) or len(set(named)) < len(named) or max(map(len, named)) > 60
        if unfit or any(map(_is_number, named)):
            break
        if sheet and len(cells) == 2:
            numbers = sum(len(row) > 1 and _is_number(row[1]) for row in rows[number + 1 :])
            if numbers * 2 <= len(rows) - number - 1:
                break
        return number, cells
    return 0, []


def text_of(data: bytes) -> str:
    text = decode(data)
    if text is None:
        raise Unreadable("not text")
    return text


def lines_of(text: str) -> Iterator[str]:
    """Its lines with their ends, one by one: a large text is not copied as a whole."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def one_line(text: str) -> str:
    return " ".join(text.split())


def _is_number(text: str) -> bool:
    """Also amounts, dates and shares: digits, and no letters."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
