"""The inputs of golden data: hard ones, single words, ordinary ones; always the same."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from edgeembed_export.sealing.proof.golden import background_texts, golden_arrays, golden_texts, golden_words
from edgeembed_export.sealing.proof.golden_images import background_images, golden_images
from PIL import Image

from edgeembed import Embedder


class Unused:
    """A reference that must not be asked."""

    def token_ids(self, texts: object, *, role: str = "document") -> list[list[int]]:
        raise AssertionError(texts)

    def embed(self, texts: object, role: str = "document") -> np.ndarray:
        raise AssertionError(texts)


def test_golden_texts_are_hard() -> None:
    texts = golden_texts()
    assert len(texts) == len(set(texts)) >= 40
    assert "" in texts
    assert max(map(len, texts)) > 4000
    assert any(ord(character) > 0xFFFF for text in texts for character in text)
    assert not any(text.endswith("\0") for text in texts)
    scripts = {unicodedata.name(letter).split()[0] for text in texts for letter in text if letter.isalpha()}
    assert {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "HIRAGANA", "CJK"} <= scripts


def test_golden_words_are_forty_single_words_of_the_background() -> None:
    words = golden_words()
    assert len(words) == len(set(words)) == 40
    background = " ".join(background_texts())
    assert all(word.isascii() and word.islower() and len(word) >= 4 and word in background for word in words)


def test_background_texts_are_ordinary_and_no_golden_ones() -> None:
    texts = background_texts()
    assert len(texts) == len(set(texts))
    assert 400 <= len(texts) <= 600
    assert all(text.strip() == text and text for text in texts)
    assert not set(texts) & set(golden_texts())


def test_a_text_that_the_archive_could_not_keep_is_refused(tiny_bundle: Path) -> None:
    with Embedder.load(tiny_bundle) as embedder, pytest.raises(ValueError, match="ends with a NUL"):
        golden_arrays(["a", "b\0"], Unused(), embedder)


def test_no_image_is_there_twice() -> None:
    images = [*golden_images(), *background_images()]
    assert len(set(images)) == len(images)


def test_background_images_are_rgb_and_about_one_size() -> None:
    sizes = set()
    for file in background_images():
        with Image.open(io.BytesIO(file)) as image:
            assert image.mode == "RGB"
            sizes.add(image.size)
    assert sizes == {(224, 160), (160, 224), (192, 192)}
    assert len(background_images()) == 120
