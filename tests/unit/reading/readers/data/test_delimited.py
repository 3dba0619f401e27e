"""Delimited tables (CSV, TSV) to rows that make sense alone."""

from __future__ import annotations

import csv
import io

import pytest

from edgeembed.reading.readers import read


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv(delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerows([["name", "note", "age"], ["Ann", 'says "hi"\nand leaves', "42"], [], ["Bob", "", "7"]])
    extracted = read("csv", file.getvalue().encode())
    assert extracted.text == (
        'name | note | age\nname: Ann, note: says "hi" and leaves, age: 42\n\n\nname: Bob, age: 7\n'
    )
    assert extracted.lines
    # A row stands in the line in which it begins.
    assert file.getvalue().split("\n")[4].startswith("Bob")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("1,2\n3,4\n", "1 | 2\n3 | 4\n"),
        ("just words\nand more\n", "just words\nand more\n"),
        ("# about\n\na,b,c\n1,2,x\n3,4,y", "# about\n\na | b | c\na: 1, b: 2, c: x\na: 3, b: 4, c: y\n"),
        ("sep=;\na;b\n1;2\n", "\na | b\na: 1, b: 2\n"),
        ("a,b\n1,2,3\n4\n5,6\n7,8\n9,0", "a | b\na: 1, b: 2, 3\na: 4\na: 5, b: 6\na: 7, b: 8\na: 9, b: 0\n"),
    ],
)
def test_csv_of_other_kinds(data: str, expected: str) -> None:
    assert read("csv", data.encode()).text == expected


def test_csv_of_old_encodings() -> None:
    rows = "名前,年齢\n佐藤,30\n" * 3
    assert "名前: 佐藤, 年齢: 30" in read("csv", rows.encode("cp932")).text
