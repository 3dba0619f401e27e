"""Chunks with their vectors, out of segments and unsegmented rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeembed.catalog.database import Catalog, create_catalog
from edgeembed.catalog.rows import ChunkRow, EncoderInfo
from edgeembed.maintenance import chunk_scan
from edgeembed.maintenance.chunk_scan import chunk_batches
from edgeembed.segments.segment import Segment, write_segment

DIM = 8
ENCODER = EncoderInfo("digest", "model", "space", DIM)
ROWS = np.arange(5 * DIM, dtype=np.int8).reshape(5, DIM)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Five chunks with the keys 1 to 5; the first three are in a segment."""
    create_catalog(tmp_path, {})
    catalog = Catalog(tmp_path)
    facts = write_segment(tmp_path, f"text-{0:032x}.usearch", "text", np.arange(1, 4), [ROWS[:3]], threads=1)
    with catalog.write() as transaction:
        content = transaction.content(b"hash", "text")
        for i, row in enumerate(ROWS):
            chunk = ChunkRow("text", 2 * i, 2 * i + 1, 1, 1, None, str(i))
            transaction.add_chunk(content, chunk, row.tobytes(), b"digest %d" % i, ENCODER)
        transaction.replace_segments([], facts)
    return catalog


def test_every_chunk_comes_with_its_vector_in_batches(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_scan, "_BATCH", 2)
    with catalog.read() as snapshot:
        (facts,) = snapshot.segments()
        segments = {facts.file: Segment(tmp_path, facts, DIM, hash_cache=None)}
        batches = list(chunk_batches(snapshot.connection, segments, {"text": DIM}))
    assert [keys for keys, *_ in batches] == [[1, 2], [3, 4], [5]]
    assert [chunk.text for _, chunks, *_ in batches for chunk in chunks] == list("01234")
    assert [digest for _, _, digests, _ in batches for digest in digests] == [b"digest %d" % i for i in range(5)]
    assert [vector for *_, vectors in batches for vector in vectors] == [row.tobytes() for row in ROWS]


def test_a_vector_that_is_nowhere_or_of_another_size_is_none(catalog: Catalog) -> None:
    with catalog.read() as snapshot:
        ((*_, without_segment),) = chunk_batches(snapshot.connection, {}, {"text": DIM})
        ((*_, of_other_size),) = chunk_batches(snapshot.connection, {}, {"text": DIM + 1})
    assert without_segment == [None, None, None, ROWS[3].tobytes(), ROWS[4].tobytes()]
    assert of_other_size == [None] * 5


def test_a_chunk_that_has_no_vector_comes_with_an_empty_one(catalog: Catalog) -> None:
    with catalog.write() as transaction:
        content = transaction.content(b"hash", "text")
        transaction.add_chunk(content, ChunkRow("text", 10, 11, 1, 1, None, "x"), None, b"digest", None)
        assert transaction.counts()["vectorless"] == 1
    with catalog.read() as snapshot:
        ((*_, vectors),) = chunk_batches(snapshot.connection, {}, {"text": DIM})
    assert vectors[-1] == b""
