"""Parts of texts that agents read."""

from __future__ import annotations

from typing import Any

import pytest

from edgeembed.document import StoredDocument
from edgeembed.server.mcp.tools import _piece

LINES = StoredDocument("a.md", "text", "one\ntwo\nthree\nfour", {}, (), lines=True)
PAGES = StoredDocument("a.pdf", "text", "first page\n\nthird page", {}, ((1, 0), (3, 12)))


@pytest.mark.parametrize(
    ("fields", "text", "first_line"),
    [
        ({}, "one\ntwo\nthree\nfour", 1),
        ({"first_line": 2, "last_line": 3}, "two\nthree\n", 2),
        ({"first_line": 4}, "four", 4),
        ({"last_line": 1}, "one\n", 1),
        ({"first_line": 9}, "", 4),
        ({"first_line": 3, "last_line": 2}, "", 3),
        ({"start": 4, "max_characters": 3}, "two", 2),
        ({"start": 99}, "", 4),
    ],
)
def test_lines(fields: dict[str, Any], text: str, first_line: int) -> None:
    piece = _piece(LINES, fields)
    assert (piece["text"], piece["first_line"], piece["characters"]) == (text, first_line, 18)


def test_a_long_text_is_read_on_where_it_was_cut() -> None:
    text, start = "", 0
    while True:
        piece = _piece(LINES, {"start": start, "max_characters": 5})
        text += piece["text"]
        if "next_start" not in piece:
            break
        start = piece["next_start"]
    assert text == LINES.text


def test_pages() -> None:
    assert _piece(PAGES, {"page": 1})["text"] == "first page\n\n"
    assert _piece(PAGES, {"page": 3})["text"] == "third page"
    assert _piece(PAGES, {})["pages"] == [1, 3]
    with pytest.raises(ValueError, match="page 2: nothing is indexed there; pages with text: 1, 3"):
        _piece(PAGES, {"page": 2})
    with pytest.raises(ValueError, match="no lines"):
        _piece(PAGES, {"first_line": 1})


def test_a_picture_has_no_text() -> None:
    assert _piece(StoredDocument("a.jpg", "image", None, {}), {}) == {"text": None}
