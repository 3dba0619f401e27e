"""All chunks of an index with their vectors, wherever these lie; for ``verify`` and ``repair``, which look at each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from ..catalog.database import CATALOG_NAME
from ..catalog.rows import ChunkRow, SegmentInfo
from ..catalog.sqlite import Connection
from ..errors import IndexCorruptError
from ..segments.int8 import Keys
from ..segments.segment import Segment

_BATCH = 4096


def chunk_batches(
    db: Connection, segments: dict[str, Segment], dims: Mapping[str, int]
) -> Iterator[tuple[list[int], list[ChunkRow], list[bytes], list[bytes | None]]]:
    """All chunks in batches: keys, columns, digests, and vectors.

    A vector is empty where the chunk has none, ``None`` where it should have one that is missing or of a wrong size.

    Raises:
        IndexCorruptError: keys do not ascend, as on a page that was cut off; going on behind the last would never end.
    """
    last = -1
    while rows := db.execute(
        'SELECT c.key, c.kind, c.start, c."end", c.start_line, c.end_line, c.page, c.text, c.digest, f.vector, '
        "c.encoder FROM chunks c LEFT JOIN unsegmented f ON f.key = c.key WHERE c.key > ? ORDER BY c.key LIMIT ?",
        (last, _BATCH),
    ).fetchall():
        keys = [row[0] for row in rows]
        if any(after <= before for before, after in pairwise([last, *keys])):
            raise IndexCorruptError(CATALOG_NAME, "the passages are not in the order of their keys")
        chunks = [ChunkRow(*row[1:8]) for row in rows]
        vectors = [_vector(row[9], row[10], dims.get(row[1])) for row in rows]
        _fill(keys, chunks, vectors, segments)
        yield keys, chunks, [row[8] for row in rows], vectors
        last = keys[-1]


def _vector(raw: object, encoder: int | None, dim: int | None) -> bytes | None:
    if encoder is None and raw is None:
        return b""
    return raw if isinstance(raw, bytes) and len(raw) == dim else None


def _fill(keys: list[int], chunks: list[ChunkRow], vectors: list[bytes | None], segments: dict[str, Segment]) -> None:
    """Fetch from segments the vectors that are not among the unsegmented rows."""
    for segment in segments.values():
        places = [i for i, key in enumerate(keys) if vectors[i] is None and _covers(segment.info, chunks[i], key)]
        if not places:
            continue
        missing: Keys = np.array([keys[i] for i in places], dtype=np.int64)
        here = segment.holds(missing)
        rows = segment.rows(missing[here])
        for i, row in zip(np.array(places)[here], rows, strict=True):
            vectors[i] = row.tobytes()


def _covers(info: SegmentInfo, chunk: ChunkRow, key: int) -> bool:
    return info.kind == chunk.kind and info.first_key <= key <= info.last_key
