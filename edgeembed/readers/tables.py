"""Tables and data: rows that make sense by themselves, because each value comes with its name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

from ..documents import decode
from .extracted import Extracted, TextBuilder, Unreadable, needs

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 40
_MOST_NUMBERS = 16
_LONGEST_WORD = 400
"""Longer strings without a blank are data for machines, such as pictures in base64."""


class Labels:
    """Makes rows into ``name: value`` pairs; rows up to that with the names, or all without one, into values."""

    def __init__(self, header: Sequence[str]) -> None:
        self._names = [f"{name}: " if name else "" for name in header]

    def line(self, row: Sequence[str], *, first: bool = False) -> str:
        """A row as a line; ``first``: it is not below the names."""
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


def read_csv(data: bytes) -> Extracted:
    """Comma, semicolon, tab or bar separated values; a row stays in the line in which it is in the file."""
    text = _text(data)
    csv.field_size_limit(len(text) + 1)
    try:
        delimiter = _delimiter(text)
        return Extracted(text if delimiter is None else _csv_lines(text, delimiter), lines=True)
    except csv.Error:  # it only has the name of a table
        return Extracted(text, lines=True)


def _csv_lines(text: str, delimiter: str) -> str:
    first, header = header_of([row for _, row in islice(_csv_rows(text, delimiter), _SAMPLE_LINES)], sheet=False)
    labels = Labels(header)
    out, written = io.StringIO(), 0
    for index, (line, row) in enumerate(_csv_rows(text, delimiter)):
        out.write("\n" * (line - written))
        out.write(labels.line(row, first=index <= first))
        written = line
    out.write("\n")
    return out.getvalue()


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of its first line, from 0."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 0
    for row in reader:
        if any(row) and not "".join(row).isspace() and not (begins == 0 and row[0].startswith("sep=")):
            yield begins, row
        begins = reader.line_num


def _delimiter(text: str) -> str | None:
    """What gives most of the first rows the same number of cells, and more than one."""
    lines = text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    sample = "\n".join(lines)
    best: tuple[float, int, str] | None = None
    for delimiter in _DELIMITERS:
        widths = [len(row) for _, row in _csv_rows(sample, delimiter)]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        agreed = widths.count(usual) / len(widths)
        if usual > 1 and agreed > 0.5 and (best is None or (agreed, usual) > best[:2]):
            best = (agreed, usual, delimiter)
    return best[2] if best else None


def read_json(data: bytes) -> Extracted:
    """JSON: a line for each record of a list, and for each value elsewhere."""
    text = _text(data)
    try:
        value = json.loads(text)
    except ValueError:
        return read_json_lines(data)  # several values in one file, or comments between them
    builder = TextBuilder()
    for line in _lines(value, ""):
        builder.add(line)
        builder.end_line()
    return builder.extracted()


def read_json_lines(data: bytes) -> Extracted:
    """A JSON value in each line."""
    text = _text(data)
    out = io.StringIO()
    for line in io.StringIO(text):
        try:
            out.write(_record(json.loads(line)) if line.strip() else "")
        except ValueError:
            return Extracted(text, lines=True)
        out.write("\n")
    return Extracted(out.getvalue(), lines=True)


def _lines(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for item in value:
            if record := _record(item):
                yield f"{path}: {record}" if path else record
    elif words := _words(value):
        yield f"{path}: {words}" if path else words


def _record(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return ", ".join(_lines(value, ""))
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "; ".join(filter(None, map(_record, value[: _MOST_NUMBERS if _is_numbers(value) else None])))
    return _words(value)


def _is_numbers(value: Any) -> bool:
    """Whether a list holds lists of numbers, as outlines of countries do."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, (int, float))


def _words(value: Any) -> str:
    if isinstance(value, list):
        numbers = sum(isinstance(item, (int, float)) for item in value)
        if numbers > _MOST_NUMBERS:
            return f"{numbers} numbers"
        return ", ".join(filter(None, map(_words, value)))
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = _one_line(str(value))
    return "" if len(text) > _LONGEST_WORD and " " not in text and text.isascii() else text


def read_spreadsheet(data: bytes) -> Extracted:
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
        kept = [row for row in texts if any(row)]
        if not kept:
            continue
        builder.add(name)
        builder.end_paragraph("# ")
        _add_rows(builder, kept)
        builder.end_paragraph()
    return builder.extracted()


def _add_rows(builder: TextBuilder, rows: Sequence[Sequence[str]]) -> None:
    first, header = header_of(rows[:_SAMPLE_LINES], sheet=True)
    labels = Labels(header)
    for index, row in enumerate(rows):
        builder.add(labels.line(row, first=index <= first))
        builder.end_line()


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _one_line(str(value))


def _text(data: bytes) -> str:
    text = decode(data)
    if text is None:
        raise Unreadable("not text")
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_number(text: str) -> bool:
    """Also amounts, dates and shares: digits, and no letters."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
