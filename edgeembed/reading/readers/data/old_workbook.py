"""Excel workbooks of before 2007 (XLS), cell by cell, with errors and comments, however far a stray cell stands away.

``xlrd`` takes some six times as long as ``python_calamine``, and less memory: that one reads a sheet as a rectangle, up
to the last cell that is used, errors as nothing, and no comments. It reads what ``xlrd`` cannot.
"""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from .rows import one_line
from .spreadsheet import (
    Rows,
    add_sheet,
    cell_name,
    cell_text,
    moment_of,
    open_spreadsheet,
    read_spreadsheet,
    sheet_rows,
)

if TYPE_CHECKING:
    from xlrd.sheet import Sheet


def read_old_workbook(data: bytes) -> ExtractedText:
    """The rows of each sheet under its name, comments behind the rows of their cells.

    Raises:
        Unreadable: it needs a password, or is damaged.
    """
    try:
        import xlrd
    except ImportError:
        return read_spreadsheet(data)
    try:
        book = xlrd.open_workbook(file_contents=data, on_demand=True, ragged_rows=True, logfile=io.StringIO())
    except Exception as error:  # of any kind, where a file is not as its author thought
        if isinstance(error, xlrd.XLRDError) and "encrypted" in str(error):
            raise Unreadable("encrypted: needs a password") from error
        return read_spreadsheet(data)
    builder = TextBuilder()
    for number, name in enumerate(book.sheet_names()):
        try:
            sheet = book.sheet_by_index(number)
            rows, comments = _rows(sheet), _comments(sheet)
            book.unload_sheet(number)
        except Exception:  # likewise: a damaged sheet costs itself, not the workbook
            rows, comments = _other_rows(data, name), []
        add_sheet(builder, name, rows, comments)
    return builder.extracted()


def _rows(sheet: Sheet) -> Rows:
    """The rows that have anything in them, without the empty columns before all of them."""
    rows = [
        (number, [_text(sheet, number, at) for at in range(sheet.row_len(number))]) for number in range(sheet.nrows)
    ]
    rows = [(number, row) for number, row in rows if any(row)]
    first = min((next(at for at, cell in enumerate(row) if cell) for _, row in rows), default=0)
    return [(number, row[first:]) for number, row in rows]


def _text(sheet: Sheet, row: int, column: int) -> str:
    import xlrd

    kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
    if kind == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(value, ""))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return str(bool(value))
    if kind == xlrd.XL_CELL_DATE:
        with suppress(OverflowError, ValueError):
            return cell_text(moment_of(value, datetime(1904, 1, 1) if sheet.book.datemode else None))
    return "" if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else cell_text(value)


def _comments(sheet: Sheet) -> list[tuple[str, str]]:
    notes = sorted(sheet.cell_note_map.items())
    return [(cell_name(row, column), text) for (row, column), note in notes if (text := one_line(note.text))]


def _other_rows(data: bytes, name: str) -> Rows:
    try:
        return sheet_rows(open_spreadsheet(data), name) or []
    except Unreadable:
        return []
