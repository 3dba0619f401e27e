"""CSV and its like: rows of delimited values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice

from ...extracted import ExtractedText
from .rows import SAMPLE_LINES, RowFormatter, header_of, lines_of, text_of

_DELIMITERS = ",;\t|"


def read_csv(data: bytes) -> ExtractedText:
    """Comma, semicolon, tab or bar separated values; a row stays in the line in which it is in the file."""
    text = text_of(data)
    csv.field_size_limit(len(text) + 1)
    try:
        delimiter = _delimiter(text)
        return ExtractedText(text if delimiter is None else _csv_lines(text, delimiter), lines=True)
    except csv.Error:  # it only has the name of a table
        return ExtractedText(text, lines=True)


def _csv_lines(text: str, delimiter: str) -> str:
    first, header = header_of([row for _, row in islice(_csv_rows(text, delimiter), SAMPLE_LINES)], sheet=False)
    labels = RowFormatter(header)
    out: list[str] = []
    written = 0
    for index, (line, row) in enumerate(_csv_rows(text, delimiter)):
        out.append("\n" * (line - written) + labels.line(row, first=index <= first))
        written = line
    return "".join([*out, "\n"])


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of its first line, from 0."""
    reader = csv.reader(lines_of(text), delimiter=delimiter)
    begins = 0
    for row in reader:
        if any(row) and not "".join(row).isspace() and not (begins == 0 and row[0].startswith("sep=")):
            yield begins, row
        begins = reader.line_num


def _delimiter(text: str) -> str | None:
    """What gives most of the first rows the same number of cells, and more than one."""
    lines = text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES]
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
