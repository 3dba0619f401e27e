"""Spreadsheets of all kinds, by ``python_calamine``, and what their other readers share."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias

from ...extracted import ExtractedText
from ...extras import Unreadable, needs
from ..text_builder import TextBuilder
from .rows import SAMPLE_LINES, RowFormatter, header_of, one_line

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

Rows: TypeAlias = list[tuple[int, list[str]]]
"""Rows of a sheet that have anything in them, each with its number, from 0 on."""
MOST_CELLS = 4_000_000
"""Of a sheet up to the last one used, empty ones too; ``python_calamine`` takes some 60 bytes for each."""
_TWO_MONTHS = 60
_CELL = re.compile(r"([A-Z]+)([0-9]+)")


def read_spreadsheet(data: bytes) -> ExtractedText:
    """The rows of each sheet under its name. What knows more is asked before: ``office/workbook.py`` and so on.

    Raises:
        Unreadable: it needs a password, or is damaged.
    """
    book, builder = open_spreadsheet(data), TextBuilder()
    for name in book.sheet_names:
        add_sheet(builder, name, sheet_rows(book, name) or [])
    return builder.extracted()


def open_spreadsheet(data: bytes) -> CalamineWorkbook:
    """Open a spreadsheet.

    Raises:
        Unreadable: it needs a password, or is damaged.
    """
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise needs("spreadsheet") from error
    try:
        with no_panic():
            return calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except calamine.PasswordError as error:
        raise Unreadable("encrypted: needs a password") from error
    except calamine.CalamineError as error:
        raise Unreadable(f"damaged: {error}") from error


@contextmanager
def no_panic() -> Iterator[None]:
    """What Rust raises where it met what its author did not think of is no ``Exception``, and would end the process."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(f"damaged: {one_line(str(error))}") from error


_NO_ERRORS: Mapping[tuple[int, int], str] = {}


def sheet_rows(book: CalamineWorkbook, name: str, errors: Mapping[tuple[int, int], str] = _NO_ERRORS) -> Rows | None:
    """The rows of a sheet; ``None``: it cannot be read, or is a chart.

    Args:
        errors: the errors in its cells, by row and column, which ``python_calamine`` takes for empty.
    """
    import python_calamine as calamine

    try:
        with no_panic():
            sheet = book.get_sheet_by_name(name)
            first, left = sheet.start or (0, 0)
            texts = [[cell_text(value) for value in row] for row in sheet.to_python()]
    except (calamine.CalamineError, OSError, Unreadable):
        return None
    for (number, column), text in errors.items():
        if 0 <= number - first < len(texts) and 0 <= column - left < len(texts[number - first]):
            texts[number - first][column - left] = text
    return [(number, row) for number, row in enumerate(texts, first) if any(row)]


def add_sheet(builder: TextBuilder, name: str, rows: Rows, comments: Sequence[tuple[str, str]] = ()) -> None:
    """Add a sheet under its name.

    Args:
        rows: what is in it; none is added where neither these nor comments are.
        comments: by the name of the cell, such as ``B7``; each stands behind the row of its cell.
    """
    if not rows and not comments:
        return
    builder.add(name)
    builder.end_paragraph("# ")
    by_row: dict[int, list[str]] = {}
    for cell, text in comments:
        place = _CELL.fullmatch(cell)
        by_row.setdefault(int(place[2]) - 1 if place else -1, []).append(f"({cell}: {text})")
    first, header = header_of([row for _, row in rows[:SAMPLE_LINES]], sheet=True)
    labels = RowFormatter(header)
    for index, (number, row) in enumerate(rows):
        builder.add(" ".join([labels.line(row, first=index <= first), *by_row.pop(number, ())]))
        builder.end_line()
    for left in by_row.values():  # on empty cells
        builder.add(" ".join(left))
        builder.end_line()
    builder.end_paragraph()


def moment_of(days: float, epoch: datetime | None = None) -> datetime | time | timedelta:
    """What a number is in a cell whose format is one of dates and times.

    Args:
        days: since ``epoch``; below one they are a time, and below two months how long something takes.
        epoch: ``None``: 1899-12-30, which makes up for a 29 February 1900 that never was.

    Raises:
        OverflowError, ValueError: there is no such day.
    """
    after = timedelta(seconds=round(days * 86400))
    if 1 <= days < _TWO_MONTHS and epoch is None:
        return after
    moment = (epoch or datetime(1899, 12, 30)) + after
    return moment.time() if 0 <= days < 1 else moment


def cell_name(row: int, column: int) -> str:
    """What a cell is called, by its row and column from 0 on: ``B7``."""
    letters, number = "", column + 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row + 1}"


def cell_text(value: object) -> str:
    """The value of a cell as one line: whole numbers without a point, a day without its hour, hours above a day."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return str(value.date())
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 0 else str(value)
    return one_line(str(value))
