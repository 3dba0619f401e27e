"""The cells of a sheet of an Excel workbook (ECMA-376, part 1, 18.3), one by one, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..data.spreadsheet import Rows, cell_text, moment_of
from ..zip_archive import Archive

_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Numbers of the formats for dates and times that need no definition (18.8.30)."""
_NO_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\[(?![hms]+\])[^\]]*\]|general', re.IGNORECASE)
"""What stands in a format without being one: literal text, colours, conditions."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True)
class Styles:
    """What the styles of cells say of their values."""

    dates: frozenset[int] = frozenset()
    """Styles, by their number, in which a number is a date or a time."""


def column_of(letters: str) -> int:
    """The number of a column, from 0 on, by its name: ``A`` is 0, ``XFD`` 16 383."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def read_styles(archive: Archive, part: str) -> Styles:
    """Which styles of cells are dates. Raises as :meth:`Archive.parse`."""
    formats, dates, style, is_cell = dict[int, str](), set[int](), 0, False
    for element in archive.elements(part):
        attributes = element.attributes
        if element.name == "numFmt":
            formats[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif element.name in ("cellXfs", "cellStyles"):
            is_cell = element.name == "cellXfs"
        elif element.name == "xf" and is_cell:
            number = int(attributes.get("numFmtId", "0"))
            if re.search("[dmyhs]", _NO_FORMAT.sub("", formats.get(number, "")).lower()) or number in _DATES:
                dates.add(style)
            style += 1
    return Styles(frozenset(dates))


class _Strings:
    """The handler for the table of strings that cells share."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._pieces: list[str] = []
        self._is_text = False
        self._phonetic = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._phonetic += name == "rPh"  # how a Japanese name is read
        self._is_text = name == "t" and not self._phonetic

    def end(self, name: str) -> None:
        self._phonetic -= name == "rPh"
        self._is_text = False
        if name == "si":
            self.strings.append("".join(self._pieces))
            self._pieces.clear()

    def data(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)


def read_shared_strings(archive: Archive, part: str) -> list[str]:
    """The strings that cells refer to by their place. Raises as :meth:`Archive.parse`."""
    handler = _Strings()
    archive.parse(part, handler)
    return handler.strings


class CellReader:
    """The handler for a sheet: collects its rows that have anything in them."""

    def __init__(self, strings: Sequence[str], styles: Styles, columns: Mapping[int, int] | None) -> None:
        """``columns``: places of columns in a row, by their numbers; of others, the number is the place. ``None``:
        cells stand behind each other, whatever their columns."""
        self.rows: Rows = []
        self._strings = strings
        self._styles = styles
        self._columns = columns
        self._row, self._column = 0, -1
        self._cells: list[str] = []
        self._type, self._style = "", 0
        self._pieces: list[str] = []
        self._takes = False
        self._phonetic = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Rows and cells may lack their names: then each is the next one."""
        if name == "row":
            given = attributes.get("r", "")
            self._row = int(given) - 1 if given.isdecimal() else self._row
            self._column, self._cells = -1, []
        elif name == "c":
            reference = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = column_of(reference[1]) if reference else self._column + 1
            self._type = attributes.get("t", "n")
            self._pieces.clear()
            style = attributes.get("s", "")
            self._style = int(style) if style.isdecimal() else 0
        self._phonetic += name == "rPh"
        self._takes = name in ("v", "t") and not self._phonetic

    def end(self, name: str) -> None:
        """A cell is put into its row, a row among the rows."""
        self._takes = False
        self._phonetic -= name == "rPh"
        if name == "c" and self._pieces:
            place = len(self._cells) if self._columns is None else self._columns.get(self._column, self._column)
            self._cells += [""] * (place + 1 - len(self._cells))
            self._cells[place] = self._text()
        elif name == "row":
            if any(self._cells):
                self.rows.append((self._row, self._cells))
            self._row += 1

    def data(self, text: str) -> None:
        """The value of a cell, in pieces."""
        if self._takes:
            self._pieces.append(text)

    def _text(self) -> str:
        value = "".join(self._pieces)
        if self._type == "s":
            place = int(value) if value.strip().isdecimal() else -1
            value = self._strings[place] if 0 <= place < len(self._strings) else ""
        if self._type == "b":
            return str(value.strip() == "1")
        if self._type == "n":
            return self._number(value)
        return cell_text(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), value))

    def _number(self, value: str) -> str:
        with suppress(ValueError, OverflowError):
            number = float(value)
            if self._style not in self._styles.dates:
                return cell_text(number)
            return cell_text(moment_of(number))
        return value
