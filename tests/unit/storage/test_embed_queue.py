"""The background embedding queue: every chunk gets its vector, or its error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeembed import Embedder
from edgeembed.catalog.rows import ChunkRow
from edgeembed.segments.int8 import to_int8
from edgeembed.storage.embed_queue import EmbedQueue, PendingChunk


@pytest.fixture
def both(two_towers: Path) -> Iterator[Embedder]:
    with Embedder.load(two_towers, threads=2) as embedder:
        yield embedder


@pytest.fixture
def queue(both: Embedder) -> Iterator[EmbedQueue]:
    opened = EmbedQueue(lambda kind: both, threads=2)
    yield opened
    opened.close()


def text(number: int) -> PendingChunk:
    words = f"note {number} about a boat"
    return PendingChunk(b"%d" % number, ChunkRow("text", 0, len(words), 1, 1, None, words))


def image_chunk(image: Image.Image | bytes) -> PendingChunk:
    return PendingChunk(b"picture", ChunkRow("image", None, None, None, None, None, None), image=image)


def test_texts_run_in_batches_and_all_have_their_own_vector_at_the_end(queue: EmbedQueue, both: Embedder) -> None:
    chunks = [text(number) for number in range(10)]
    full = [queue.add_text(chunk, batch_size=4) for chunk in chunks]
    assert full == [False, False, False, True] * 2 + [False] * 2
    assert queue.waiting_texts == 2
    queue.finish()
    assert (queue.waiting_texts, queue.embedded) == (0, 10)
    expected = to_int8(both.embed_texts([chunk.row.text or "" for chunk in chunks]))
    assert [chunk.vector for chunk in chunks] == [row.tobytes() for row in expected]
    assert all(chunk.is_done for chunk in chunks)


def test_an_image_that_cannot_be_read_gets_an_error_and_the_others_their_vectors(queue: EmbedQueue) -> None:
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)) for _ in range(9)]
    chunks = [image_chunk(image) for image in [*images, b"no picture"]]
    for chunk in chunks:
        queue.add_image(chunk)
    queue.finish()
    assert [chunk.vector is not None for chunk in chunks] == [True] * 9 + [False]
    assert "not a picture" in str(chunks[-1].error)
    assert queue.embedded == 9
    assert all(chunk.is_done and chunk.image is None for chunk in chunks)


def test_a_queue_without_work_is_finished(queue: EmbedQueue) -> None:
    queue.finish()
    queue.drain()
    assert queue.embedded == 0
