"""Bytes of a file to text: byte order marks, ends of lines, what is no text."""

from __future__ import annotations

import codecs

import pytest

from edgeembed.reading.decode import decode


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_names_the_encoding_and_is_no_text(mark: bytes, encoding: str) -> None:
    assert decode(mark + "Grüße, 日本".encode(encoding)) == "Grüße, 日本"


def test_two_bytes_that_look_like_a_mark_are_no_proof() -> None:
    assert decode(b"\xff\xfe" + bytes(range(256)) * 8) is None


def test_every_line_ends_with_a_newline_character() -> None:
    assert decode(b"unix\nwindows\r\nmac\rlast") == "unix\nwindows\nmac\nlast"


def test_control_characters_make_binary_data_and_a_stray_nul_a_space() -> None:
    assert decode(b"\x01\x02\x03\x04" * 10) is None
    text = decode(b"a log that broke off \0 and went on".ljust(400, b"."))
    assert text == "a log that broke off   and went on".ljust(400, ".")


def test_utf8_with_some_damage_stays_utf8() -> None:
    assert decode("schöne Grüße und Äpfel ".encode() + b"\xe9") == "schöne Grüße und Äpfel \ufffd"
