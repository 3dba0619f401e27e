"""Compound files (OLE) that are no Outlook message: the reason why they are not read."""

from __future__ import annotations

import struct

import pytest

from tests.support.documents import compound, reason


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("WordDocument", "older format: Word before 2007; save it as .docx"),
        ("PowerPoint Document", "older format: PowerPoint before 2007; save it as .pptx"),
        ("EncryptedPackage", "encrypted: needs a password"),
        ("Workbook", "no text in it"),
        ("Other", "not text"),
    ],
)
def test_other_compound_files(stream: str, expected: str) -> None:
    assert reason("ole", compound({stream: b"x"})).startswith(expected)
    assert reason("ole", compound({stream: b"x"})[:700]).startswith("damaged")


@pytest.mark.parametrize("name", ["Workbook", "Book"])
def test_a_workbook_that_is_locked(name: str) -> None:
    records = struct.pack("<HH4x", 0x809, 4) + struct.pack("<HH2x", 0x2F, 2)
    assert reason("ole", compound({name: records})) == "encrypted: needs a password"
    assert (
        reason("ole", compound({name: struct.pack("<HH", 0x809, 4) + b"\x2f\0\2\0"})) != "encrypted: needs a password"
    )
