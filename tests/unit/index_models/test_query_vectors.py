"""Queries to vectors: weighted sums of words and images, and what cannot be one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeembed import Document, Embedder, ImageError, UnsupportedInputError
from edgeembed.bundle.bundle import read_bundle
from edgeembed.index_models.loaded import LoadedModels
from edgeembed.index_models.query_vectors import (
    document_vectors,
    query_vectors,
    unit,
)
from edgeembed.index_models.records import ModelRecord, NoModel, RecordedModels
from edgeembed.index_models.requests import RequestedModels
from edgeembed.text.chunker import split


def png(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(file, "PNG")
    return file.getvalue()


def assert_close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.fixture
def models(two_towers: Path) -> Iterator[LoadedModels]:
    """Texts and images in one space."""
    record = ModelRecord.of(read_bundle(two_towers))
    loaded = LoadedModels(
        Path("index"), RecordedModels(record, record), RequestedModels(two_towers), has_images=True, threads=1
    )
    yield loaded
    loaded.close()


def test_a_query_of_one_part_is_its_vector_for_both_kinds(models: LoadedModels, two_towers: Path) -> None:
    with Embedder.load(two_towers) as embedder:
        (words,) = embedder.embed_texts(["a boat"], role="query")
        (red,) = embedder.embed_images([png("red")], reduced=True)
    for query, expected in (("a boat", words), (png("red"), red)):
        vectors = query_vectors(models, query)
        assert set(vectors) == {"text", "image"}
        for vector in vectors.values():
            np.testing.assert_array_equal(vector, expected)


def test_meanings_are_added_and_subtracted_by_their_weights(models: LoadedModels, two_towers: Path) -> None:
    with Embedder.load(two_towers) as embedder:
        boat, garden = embedder.embed_texts(["a boat", "a garden"], role="query")
        (red,) = embedder.embed_images([png("red")], reduced=True)
    vectors = query_vectors(models, "a boat", plus=[(2, png("red"))], minus=[(0.5, "a garden")], kinds=["text"])
    assert list(vectors) == ["text"]
    assert_close(vectors["text"], unit(boat + 2 * red - 0.5 * garden))


def test_what_leaves_nothing_is_refused(models: LoadedModels) -> None:
    with pytest.raises(ValueError, match="leaves nothing to search for"):
        query_vectors(models, "a boat", minus=["a boat"])
    with pytest.raises(ImageError) as caught:
        query_vectors(models, "a boat", plus=[b"no image"])
    assert "images[" not in str(caught.value)  # its place in a list means nothing to whoever searches


def test_an_image_needs_a_model_that_embeds_images(tiny_bundle: Path) -> None:
    recorded = RecordedModels(ModelRecord.of(read_bundle(tiny_bundle)), NoModel.LEFT_OUT)
    models = LoadedModels(Path("index"), recorded, RequestedModels(tiny_bundle), has_images=False, threads=1)
    with pytest.raises(UnsupportedInputError):
        query_vectors(models, png("red"))
    assert set(query_vectors(models, "a boat")) == {"text"}
    models.close()


def test_a_document_is_the_mean_of_its_chunks(models: LoadedModels, two_towers: Path) -> None:
    text = "\n\n".join(f"# {title}\n\n{body}" for title, body in (("One", "a boat " * 20), ("Two", "the garden " * 20)))
    with Embedder.load(two_towers) as embedder:
        (one,) = embedder.embed_texts(["a boat"])
        pieces = split(text, limit=embedder.content_tokens, count_tokens=embedder.count_tokens)
        chunks = embedder.embed_texts([chunk.text for chunk in pieces])
    assert len(chunks) > 1
    assert_close(document_vectors(models, Document("x", text="a boat"))["image"], one)
    vectors = document_vectors(models, Document("x", text=text))
    assert vectors["text"] is vectors["image"]  # one space
    assert_close(vectors["text"], unit(chunks.mean(axis=0)))
    with pytest.raises(ValueError, match="x: holds no text to compare"):
        document_vectors(models, Document("x", text=" \n "))


def test_a_vector_of_length_0_has_no_direction() -> None:
    np.testing.assert_array_equal(unit(np.array([3, 4], np.float32)), np.array([0.6, 0.8], np.float32))
    for vector in (np.zeros(2, np.float32), np.full(2, 1e-8, np.float32), np.full(2, np.nan, np.float32)):
        with pytest.raises(ValueError, match="leaves nothing"):
            unit(vector)
