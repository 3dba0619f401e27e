"""XLS: errors, comments, dates and stray cells."""

from __future__ import annotations

import resource
import struct
import sys

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.data import old_workbook
from tests.support.documents import compound, reason

DAY, TIME = 1, 2
"""Styles of cells."""


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def label(row: int, column: int, text: str) -> bytes:
    return record(0x204, struct.pack("<4H", row, column, 0, len(text)) + text.encode("cp1252"))


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    return record(0x203, struct.pack("<3Hd", row, column, style, value))


def special(row: int, column: int, value: int, *, is_error: bool) -> bytes:
    return record(0x205, struct.pack("<3H2B", row, column, 0, value, is_error))


def note(row: int, column: int, text: str) -> bytes:
    return record(0x1C, struct.pack("<3H", row, column, len(text)) + text.encode("cp1252"))


def old_workbook_of(*sheets: bytes, since_1904: bool = False) -> bytes:
    """A workbook of Excel 5 with sheets called ``Sheet1`` and so on."""
    styles = b"".join(record(0xE0, struct.pack("<HH12x", 0, form)) for form in (0, 14, 21))
    start = record(0x809, struct.pack("<4H", 0x500, 5, 0, 0)) + record(0x42, struct.pack("<H", 1252))
    start += record(0x22, struct.pack("<H", since_1904)) + styles
    names = [f"Sheet{place}".encode() for place in range(1, len(sheets) + 1)]
    at = len(start) + sum(len(name) + 11 for name in names) + 4
    bodies = [record(0x809, struct.pack("<4H", 0x500, 0x10, 0, 0)) + sheet + record(0x0A) for sheet in sheets]
    for name, body in zip(names, bodies, strict=True):
        start += record(0x85, struct.pack("<IHB", at, 0, len(name)) + name)
        at += len(body)
    return compound({"Book": start + record(0x0A) + b"".join(bodies)})


def test_errors_comments_and_dates() -> None:
    cells = [
        *(label(0, column, name) for column, name in enumerate(("what", "when", "rate"), 1)),
        *(label(1, 1, "roof"), number(1, 2, 46083, DAY), special(1, 3, 0x07, is_error=True)),
        *(label(2, 1, "door"), number(2, 2, 0.5, TIME), number(2, 3, 12)),
        *(label(3, 1, "paint"), number(3, 2, 1.5, TIME), special(3, 3, 1, is_error=False)),
        *(special(5, 2, 0x2A, is_error=True), note(1, 1, "ask\nJane"), note(7, 27, "nothing here")),
    ]
    assert read("ole", old_workbook_of(b"".join(cells), b"")).text == (
        "# Sheet1\n\nwhat | when | rate\nwhat: roof, when: 2026-03-02, rate: #DIV/0! (B2: ask Jane)\n"
        "what: door, when: 12:00:00, rate: 12\nwhat: paint, when: 36:00:00, rate: True\nwhen: #N/A\n"
        "(AB8: nothing here)\n\n"
    )
    assert "2026-03-02" in read("ole", old_workbook_of(number(0, 0, 44621, DAY), since_1904=True)).text


@pytest.mark.skipif(sys.platform == "win32", reason="memory is counted otherwise")
def test_a_stray_cell_costs_nothing() -> None:
    sheet = label(0, 0, "near") + label(65535, 255, "far away")
    data = old_workbook_of(sheet)
    read("ole", data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read("ole", data).text == "# Sheet1\n\nnear\nfar away\n\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000 * (
        1024 if sys.platform == "darwin" else 1
    )


def test_a_damaged_sheet_costs_itself() -> None:
    broken = record(0x204, b"\0")  # a label without its text
    text = read("ole", old_workbook_of(label(0, 0, "first"), broken, label(0, 0, "third"))).text
    assert "first" in text
    assert "third" in text


def test_what_the_reader_does_not_know_is_left_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    data = old_workbook_of(label(0, 0, "tomato"))
    monkeypatch.setitem(sys.modules, "xlrd", None)
    assert read("ole", data).text == "# Sheet1\n\ntomato\n\n"
    monkeypatch.undo()
    assert reason("ole", compound({"Workbook": b"x"})) == "no text in it"
    assert old_workbook.read_old_workbook(data).text == "# Sheet1\n\ntomato\n\n"
