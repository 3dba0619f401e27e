"""What a query is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from edgeembed.index_models.meanings import has_image_suffix, kind_of, weighted


@pytest.mark.parametrize("name", ["a.png", "A.JPG", "b/c.jpeg", ".webp"])
def test_names_of_images(name: str) -> None:
    assert has_image_suffix(name)


@pytest.mark.parametrize("name", ["png", "a.png.txt", "a.pngx", "", "a.svg"])
def test_names_of_other_files(name: str) -> None:
    assert not has_image_suffix(name)


def test_a_weight_is_1_unless_it_is_given() -> None:
    assert weighted("boat") == (1.0, "boat")
    assert weighted((2, "boat")) == (2.0, "boat")
    assert weighted((0.5, Path("a.png"))) == (0.5, Path("a.png"))


@pytest.mark.parametrize(
    ("item", "kind"), [("a.png", "text"), (Path("a.png"), "image"), (b"", "image"), (Image.new("L", (1, 1)), "image")]
)
def test_words_are_strings_and_all_else_that_can_be_opened_is_an_image(item: object, kind: str) -> None:
    assert kind_of(item) == kind


@pytest.mark.parametrize("item", [None, 5, ["boat"]])
def test_what_is_neither_is_refused(item: object) -> None:
    with pytest.raises(TypeError, match="cannot search for a"):
        kind_of(item)
