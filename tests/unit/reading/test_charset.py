"""What a declared encoding stands for, and its bytes as text."""

from __future__ import annotations

import pytest

from edgeembed.reading.charset import codec_of, decode_as


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf8mb4", "utf-8"),
        ("us-ascii", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        (' "Latin1" ', "cp1252"),
        ("x-cp1250", "cp1250"),
        ("latin5", "cp1254"),
        ("iso-8859-8-i", "iso8859-8"),
        ("visual", "iso8859-8"),
        ("TIS-620", "cp874"),
        ("windows-874", "cp874"),
        ("koi8", "koi8-r"),
        ("x-mac-ukrainian", "mac-cyrillic"),
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("windows-31j", "cp932"),
        ("x-euc-jp", "euc_jp"),
        ("iso-2022-jp", "iso2022_jp_ext"),
        ("ks_c_5601-1987", "cp949"),
        ("euc-kr", "cp949"),
        ("GB2312", "gb18030"),
        ("big5", "big5hkscs"),
        ("unicodeFFFE", "utf-16-be"),
        ("hz-gb-2312", "hz"),  # refused by browsers for what it may hide, and of use to a reader
        ("cp850", "cp850"),
    ],
)
def test_a_label_means_the_widest_encoding_of_its_family(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label", ["", "x-user-defined", "binary", "rot13", "zip", "punycode", "unicode_escape", "undefined", "a\0b", "../x"]
)
def test_what_names_no_encoding_of_texts_is_none(label: str) -> None:
    assert codec_of(label) is None


def test_a_byte_that_an_encoding_lacks_costs_itself() -> None:
    assert decode_as(b"caf\xe9 \x81 na\xefve", "cp1252") == "café \ufffd naïve"
    assert decode_as("日程".encode("cp932") + b"\x81 " + "調整".encode("cp932"), "cp932") == "日程\ufffd 調整"
    assert decode_as("日程".encode("euc_jp") + b"\xff" + "調整".encode("euc_jp"), "euc_jp") == "日程\ufffd調整"


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode_as("\ufeffGrüße".encode(), "utf-8") == "Grüße"
    assert decode_as("\ufeffGrüße".encode("utf-16-le"), "utf-16-le") == "Grüße"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$B\x2d\x21\x24\x22\x2d\x6a\x1b(B ok \x1b$B\x24\x24", "①あ㈱ ok い"),
        (b"\x1b$B\x24\x22\x1b(I\x31\x32\x1b(B ok", "あｱｲ ok"),
        (b"\x1b$@\x24\x22\x1b(J ok", "あ ok"),
        (b"\x1b$B\x24\x22\x1b(B \xff ok", "あ \ufffd ok"),
    ],
)
def test_japanese_mail_has_the_signs_of_windows_and_narrow_kana(data: bytes, text: str) -> None:
    assert decode_as(data, "iso2022_jp_ext") == text


def test_japanese_unix_texts_have_the_signs_of_windows() -> None:
    assert decode_as(b"\xad\xa1\xa4\xa2\xad\xea\xf9\xa1 ok \xad", "euc_jp") == "①あ㈱纊 ok \ufffd"
