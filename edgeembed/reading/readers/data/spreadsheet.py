"""Spreadsheets: XLSX, XLSB, XLS and ODS."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...extracted import ExtractedText
from ...extras import Unreadable, needs
from ..text_builder import TextBuilder
from .rows import SAMPLE_LINES, RowFormatter, header_of, one_line


def read_spreadsheet(data: bytes) -> ExtractedText:
    """XLSX, XLSB, XLS and ODS: the rows of each sheet under its name.

    Raises:
        Unreadable: it needs a password, or is damaged.
    """
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise needs("spreadsheet") from error
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except calamine.PasswordError as error:
        raise Unreadable("encrypted: needs a password") from error
    except calamine.CalamineError as error:
        raise Unreadable(f"damaged: {error}") from error
    builder = TextBuilder()
    for name in book.sheet_names:
        try:
            rows = book.get_sheet_by_name(name).to_python()
        except calamine.CalamineError:
            continue  # a sheet that is a chart
        texts = [[_cell(value) for value in row] for row in rows]
        rows_with_text = [row for row in texts if any(row)]
        if not rows_with_text:
            continue
        builder.add(name)
        builder.end_paragraph("# ")
        _add_rows(builder, rows_with_text)
        builder.end_paragraph()
    return builder.extracted()


def _add_rows(builder: TextBuilder, rows: Sequence[Sequence[str]]) -> None:
    first, header = header_of(rows[:SAMPLE_LINES], sheet=True)
    labels = RowFormatter(header)
    for index, row in enumerate(rows):
        builder.add(labels.line(row, first=index <= first))
        builder.end_line()


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return one_line(str(value))
