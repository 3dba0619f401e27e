"""Which row of a table names its columns, and rows as pairs of name and value."""

from __future__ import annotations

import pytest

from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers.data.rows import RowFormatter, header_of, one_line, text_of


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["name", "age"], ["Ann", "42"]], (0, ["name", "age"])),
        ([["A title"], [], [" first\nname ", "age"], ["Ann", "42"]], (2, ["first name", "age"])),
        ([["name", "age"]], (0, [])),  # nothing below it
        ([["name", "name"], ["Ann", "42"]], (0, [])),
        ([["name", "2024"], ["Ann", "42"]], (0, [])),
        ([["name", "", "", ""], ["name", "", "b", ""], ["Ann", "42"]], (0, [])),  # half of it empty
        ([["name", "x" * 61], ["Ann", "42"]], (0, [])),
        ([], (0, [])),
    ],
)
def test_the_row_with_the_names(rows: list[list[str]], expected: tuple[int, list[str]]) -> None:
    assert header_of(rows, sheet=False) == expected


def test_two_columns_of_a_sheet_are_names_and_values_unless_numbers_follow() -> None:
    assert header_of([["Name", "Ann"], ["City", "Oslo"]], sheet=True) == (0, [])
    assert header_of([["what", "cost"], ["roof", "$2,300"]], sheet=True) == (0, ["what", "cost"])


def test_a_row_makes_sense_alone() -> None:
    rows = RowFormatter(["name", "", "age"])
    assert rows.line(["name", "", "age"], first=True) == "name | age"
    assert rows.line(["Ann\nBø", "tall", "42", "more"]) == "name: Ann Bø, tall, age: 42, more"
    assert rows.line(["", "", ""]) == ""
    assert RowFormatter([]).line(["1", "", "2"]) == "1 | 2"


def test_bytes_that_are_no_text_are_refused() -> None:
    assert text_of("Grüße".encode("cp1252") + b" aus K\xf6ln") == "Grüße aus Köln"
    with pytest.raises(Unreadable, match="not text"):
        text_of(b"\x01\x02\x03\x04" * 9)
    assert one_line(" two\n\tlines ") == "two lines"
