"""Fields of messages, and texts by the charset that they declare."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers.mail.headers import header_text, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain  words\n folded", "plain words folded"),
        ("=?ISO-8859-1?Q?s=9Cur?=", "sœur"),
        ("=?x-sjis?B?l1yOWg==?=", "予算"),
        ("=?nonsense?q?caf=E9?=", "café"),
        ("=?utf-8?q?bad=?=", "bad="),
        ("日本 \\u0041", "日本 \\u0041"),
    ],
)
def test_fields(value: str, text: str) -> None:
    assert header_text(value) == text


def test_line_ends_are_of_one_kind() -> None:
    assert text_of(b"a\r\nb\rc", "utf-8") == "a\nb\nc"
    assert text_of(b"a\r\nb", None) == "a\nb"
    assert text_of(b"\0\1\2\3\4\5", None) == "\0\1\2\3\4\5"
