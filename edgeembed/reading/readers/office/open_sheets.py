"""Sheets of OpenDocument, cell by cell: their values, errors and comments, also where a stray cell stands far away.

``python_calamine`` is many times as fast, and takes over where there is much; it reads a sheet as a rectangle, up to
the last cell that is used.
"""

from __future__ import annotations

from contextlib import suppress

from ..data.rows import one_line
from ..data.spreadsheet import MOST_CELLS, Rows, cell_text

_CELLS = ("table-cell", "covered-table-cell")
_MOST_REPEATED = 64
"""Cells beside each other with the same value that are read."""
_NUMBERS = ("float", "percentage", "currency")


class SheetReader:
    """The handler for ``content.xml``: collects sheets by name, and of each the rows that have anything in them."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, Rows]] = []
        self._row, self._column = 0, 0
        self._cells: list[tuple[int, dict[int, str]]] = []
        """Of the sheet at hand the rows that have anything in them: number, and cells by column."""
        self._repeated = 1
        """How often the row, and then the cell, stands there."""
        self._value: tuple[dict[str, str], int] = ({}, 1)
        self._pieces: list[str] = []
        self._comment: list[str] = []
        self._inside: list[str] = []
        """Names of those elements that are open, the innermost last, that decide what a text belongs to."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Sheets, rows, cells, comments and paragraphs."""
        if name == "table":
            self.sheets.append((attributes.get("name", ""), []))
            self._row, self._cells = 0, []
        elif name == "table-row":
            self._column, self._repeated = 0, _count(attributes.get("number-rows-repeated"))
            self._cells.append((self._row, {}))
        elif name in _CELLS:
            self._value = attributes, _count(attributes.get("number-columns-repeated"))
            self._pieces, self._comment = [], []
        if name in ("annotation", "p", "creator", "date", "tracked-changes", *_CELLS):
            self._inside.append(name)
        if name in ("p", "s", "tab", "line-break"):
            (self._comment if "annotation" in self._inside else self._pieces).append(" ")

    def end(self, name: str) -> None:
        """A cell is put into its row, a row among the rows, once, however often it stands there."""
        if self._inside and self._inside[-1] == name:
            self._inside.pop()
        if name in _CELLS and self._cells:
            attributes, repeated = self._value
            comment = one_line("".join(self._comment))
            text = " ".join(filter(None, (self._text(attributes), comment and f"({comment})")))
            if text:
                places = range(self._column, self._column + min(repeated, _MOST_REPEATED))
                self._cells[-1][1].update(dict.fromkeys(places, text))
            self._column += repeated
        elif name == "table-row" and self._cells:
            if not self._cells[-1][1]:
                self._cells.pop()
            self._row += self._repeated
        elif name == "table" and self.sheets:
            self.sheets[-1][1].extend(_rows(self._cells))
            self._cells = []

    def data(self, text: str) -> None:
        """Text of a cell, or of the comment on it; not who wrote that, and when."""
        if self._inside and self._inside[-1] == "p" and "tracked-changes" not in self._inside:
            (self._comment if "annotation" in self._inside else self._pieces).append(text)

    def _text(self, attributes: dict[str, str]) -> str:
        kind = attributes.get("value-type", "")
        with suppress(ValueError):
            if kind in _NUMBERS:
                return cell_text(float(attributes["value"])) if "value" in attributes else ""
        if kind == "date":
            return attributes.get("date-value", "").replace("T", " ").removesuffix(" 00:00:00")
        if kind == "boolean":
            return str(attributes.get("boolean-value") == "true")
        return one_line("".join(self._pieces))


def _rows(cells: list[tuple[int, dict[int, str]]]) -> Rows:
    """Rows as lists, without the empty columns before all of them, and, with stray cells, without those between."""
    used = sorted({column for _, row in cells for column in row})
    is_stray = bool(used) and (used[-1] + 1) * len(cells) > MOST_CELLS
    places = {column: place if is_stray else column - used[0] for place, column in enumerate(used)}
    rows: Rows = []
    is_sparse = is_stray and len(used) * len(cells) > MOST_CELLS  # many are used, each in few rows
    for number, row in cells:
        if is_sparse:
            rows.append((number, [row[column] for column in sorted(row)]))
            continue
        line = [""] * (1 + max(places[column] for column in row))
        for column, text in row.items():
            line[places[column]] = text
        rows.append((number, line))
    return rows


def _count(value: str | None) -> int:
    return int(value) if value is not None and value.isdecimal() else 1
