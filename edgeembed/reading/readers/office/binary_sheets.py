"""Binary workbooks (XLSB): errors, comments and stray cells, which ``python_calamine`` leaves out or cannot bear.

Their parts are rows of records, [MS-XLSB] 2.1.4: a number, a size, and the content. The values are left to
``python_calamine``, which reads a sheet as a rectangle, up to the last cell that is used. Where stray cells make that
too large it gets a copy of the workbook in which the rows and columns that nothing uses are taken out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from ...budget import allow_more
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.rows import one_line
from ..data.spreadsheet import MOST_CELLS, Rows, add_sheet, cell_name, open_spreadsheet, sheet_rows
from ..text_builder import TextBuilder
from ..zip_archive import Archive
from .drawings import add_drawings

_ROW, _BLANK, _ERROR, _LAST_CELL, _FORMULA_ERROR, _RICH_CELL = 0, 1, 3, 11, 11, 62
_SHEET, _COMMENT, _COMMENT_TEXT = 156, 635, 637
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
"""2.5.97.2, BErr."""
_MOST_ERRORS = 200_000
"""Of a sheet; what is beyond is left out."""
_SECONDS_PER_BYTE = 1e-6
_NUMBER = struct.Struct("<I")


class _Record(NamedTuple):
    kind: int
    start: int
    """Where its content begins."""
    end: int


def _records(data: bytes) -> Iterator[_Record]:
    """The records of a part, up to where it is cut off."""
    at, size = 0, len(data)
    while at + 2 <= size:
        kind, at = data[at], at + 1
        if kind & 0x80:
            kind, at = kind & 0x7F | (data[at] & 0x7F) << 7, at + 1
        length = 0
        for shift in range(0, 28, 7):
            if at >= size:
                return
            byte, at = data[at], at + 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        if at + length > size:
            return
        yield _Record(kind, at, at + length)
        at += length


@dataclass
class _Sheet:
    """What a look at the cells of a sheet tells."""

    rows: list[int] = field(default_factory=list)
    """Numbers of the rows that are used, ascending, of a sheet that was condensed."""
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    """By row and column."""
    condensed: bytes | None = None
    """The part without what nothing uses; ``None``: it is fine as it is."""

    def read(self, rows: Rows) -> Rows:
        """Rows by their own numbers again."""
        return rows if self.condensed is None else [(self.rows[number], row) for number, row in rows]


def read_binary_workbook(archive: Archive, data: bytes, main: str) -> ExtractedText:
    """As :func:`~edgeembed.reading.readers.office.workbook.read_workbook`, of XLSB."""
    parts = {name: part for name, part in _sheets(archive, main) if part in archive}
    sheets = {name: _look_at(archive, part) for name, part in parts.items()}
    smaller = {parts[name]: sheet.condensed for name, sheet in sheets.items() if sheet.condensed is not None}
    book = open_spreadsheet(archive.replaced(smaller) if smaller else data)
    builder = TextBuilder()
    for name in book.sheet_names:
        sheet, part = sheets.get(name, _Sheet()), parts.get(name, "")
        rows = sheet.read(sheet_rows(book, name, sheet.errors) or [])
        add_sheet(builder, name, rows, _comments(archive, part))
        if part:
            add_drawings(builder, archive, part, values=False)
    return builder.extracted()


def _sheets(archive: Archive, main: str) -> Iterator[tuple[str, str]]:
    """The name of each sheet and of its part."""
    data, relations = archive.part(main), archive.relations(main)
    for record in _records(data):
        if record.kind == _SHEET:
            relation, at = _string(data, record.start + 8, record.end)
            name, _ = _string(data, at, record.end)
            yield name, relations.get(relation, ("", ""))[1]


def _string(data: bytes, at: int, end: int) -> tuple[str, int]:
    """A string with its length before it (2.5.168, XLWideString), and where it ends."""
    if at + 4 > end:
        return "", end
    (length,) = _NUMBER.unpack_from(data, at)
    stop = at + 4 if length == 0xFFFFFFFF else min(end, at + 4 + 2 * length)
    return data[at + 4 : stop].decode("utf-16-le", "replace"), stop


def _look_at(archive: Archive, part: str) -> _Sheet:
    try:
        data = archive.part(part)
    except Unreadable:
        return _Sheet()
    allow_more(len(data) * _SECONDS_PER_BYTE)
    sheet, row, rows, columns = _Sheet(), 0, set[int](), set[int]()
    for kind, start, end in _records(data):
        if end - start < _NUMBER.size:
            continue
        if kind == _ROW:
            (row,) = _NUMBER.unpack_from(data, start)
        elif _BLANK < kind <= _LAST_CELL or kind == _RICH_CELL:
            (column,) = _NUMBER.unpack_from(data, start)
            rows.add(row)
            columns.add(column)
            if kind in (_ERROR, _FORMULA_ERROR) and end - start > 8 and len(sheet.errors) < _MOST_ERRORS:
                sheet.errors[row, column] = _ERRORS.get(data[start + 8], "")
    if rows and (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1) > MOST_CELLS:
        sheet.rows = sorted(rows)
        by_row, by_column = ({number: place for place, number in enumerate(sorted(used))} for used in (rows, columns))
        if len(rows) * len(columns) > MOST_CELLS:  # many are used, each in few rows: cells stand behind each other
            sheet.errors, by_column = {}, {}
        sheet.errors = {(by_row[at], by_column[column]): text for (at, column), text in sheet.errors.items()}
        sheet.condensed = _condensed(data, by_row, by_column)
    return sheet


def _condensed(data: bytes, rows: Mapping[int, int], columns: Mapping[int, int]) -> bytes:
    """A sheet with other numbers of rows and columns; the records of those that nothing uses are left out.

    Args:
        columns: empty: the cells of a row stand behind each other.
    """
    kept, at, is_used_row, column = bytearray(), 0, False, 0
    for kind, start, end in _records(data):
        is_cell = _BLANK <= kind <= _LAST_CELL or kind == _RICH_CELL
        if not is_cell and kind != _ROW:
            kept += data[at:end]
        else:
            number = int.from_bytes(data[start : start + 4], "little")
            if is_cell:
                place = columns.get(number) if columns else None if kind == _BLANK else column
                column += kind != _BLANK
            else:
                place, column = rows.get(number), 0
                is_used_row = place is not None
            if is_used_row and place is not None:
                kept += data[at:start] + _NUMBER.pack(place) + data[start + 4 : end]
        at = end
    return bytes(kept)


def _comments(archive: Archive, part: str) -> list[tuple[str, str]]:
    """Comments on cells: the name of the cell, such as ``B7``, and the text."""
    found = list[tuple[str, str]]()
    related = archive.relations(part).values() if part else ()
    for name in sorted(name for kind, name in related if kind == "comments" and name in archive):
        cell = ""
        with suppress(Unreadable):  # damage beside the cells costs comments, not the cells
            data = archive.part(name)
            for kind, start, end in _records(data):
                if kind == _COMMENT and end - start >= 20:
                    row, _, column, _ = struct.unpack_from("<4I", data, start + 4)
                    cell = cell_name(row, column)
                elif kind == _COMMENT_TEXT:
                    text, _ = _string(data, start + 1, end)
                    found.append((cell, one_line(text)))
    return [(cell, text) for cell, text in found if text]
