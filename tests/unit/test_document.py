"""A document: a text or an image with a name, checked when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeembed import Document
from edgeembed.document import is_image


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
