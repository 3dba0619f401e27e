"""Segments of random vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeembed.segments.int8 import to_int8
from edgeembed.segments.segment import Segment, write_segment

DIM = 32


def unit(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(folder: Path, vectors: np.ndarray, first: int = 1) -> Segment:
    keys = np.arange(first, first + len(vectors), dtype=np.int64)
    facts = write_segment(folder, f"text-{first:032x}.usearch", "text", keys, [to_int8(vectors)], threads=2)
    return Segment(folder, facts, DIM, hash_cache=None)
