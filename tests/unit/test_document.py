"""A document: a text or an image with a name, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeembed import Document
from edgeembed.document import StoredDocument, is_image


@pytest.mark.parametrize("image", ["a.png", Path("a.png"), b"bytes", Image.new("RGB", (1, 1))])
def test_an_image_is_a_path_bytes_or_a_pillow_image(image: Any) -> None:
    assert is_image(image)
    assert Document("a", image=image).image is image


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, ValueError),
        ({"text": "a", "image": b"b"}, ValueError),
        ({"id": "", "text": "a"}, ValueError),
        ({"image": ""}, ValueError),
        ({"id": 3, "text": "a"}, TypeError),
        ({"text": b"a"}, TypeError),
        ({"image": 3}, TypeError),
        ({"text": "a", "metadata": [("from", "ann")]}, TypeError),
        ({"text": "a", "pages": [0]}, TypeError),
    ],
)
def test_other_fields_are_refused(fields: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="document"):
        Document(**{"id": "a", **fields})


def test_an_empty_text_is_a_text() -> None:
    assert Document("a", text="").text == ""


@dataclass(frozen=True)
class _Piece:
    start: int
    text: str | None
    start_line: int | None = None
    end_line: int | None = None
    page: int | None = None


def test_a_stored_document_keeps_the_offsets_and_lines_of_its_pieces() -> None:
    pieces = [_Piece(2, "One.", 2, 2), _Piece(9, "Two\nlines.", 4, 5)]
    stored = StoredDocument.of("a.md", "text", pieces, {})
    assert stored.text == "\n One.\n\n Two\nlines."
    assert [stored.text[piece.start :][: len(piece.text or "")] for piece in pieces] == ["One.", "Two\nlines."]
    assert stored.lines


def test_a_stored_document_says_where_its_pages_begin() -> None:
    pieces = [_Piece(0, "One", page=1), _Piece(5, "more", page=1), _Piece(11, "Two", page=3)]
    stored = StoredDocument.of("a.pdf", "text", pieces, {"x": 1})
    assert stored.text == "One\n\nmore\n\nTwo"
    assert stored.pages == ((1, 0), (3, 11))
    assert not stored.lines


def test_a_stored_image_has_no_text() -> None:
    assert StoredDocument.of("a.jpg", "image", [_Piece(0, None)], {}).text is None
