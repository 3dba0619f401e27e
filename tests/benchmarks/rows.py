"""Vectors to measure with: those of real texts, or clustered ones, and what an exact search finds among them.

``python -m tests.benchmarks.rows DATA/text --rows 500000 --out rows.npy`` embeds the texts of a folder of
``*.jsonl.gz`` files (objects with ``text`` or ``captions``) with the static model, or ``--model NAME``. Where there
are too few, pairs of them are joined.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import edgeembed

Floats = npt.NDArray[np.float32]
_BATCH = 20_000
_ROUNDING = 1e-5
_LONG = 400
"""Longer texts are cut into pairs of sentences."""


def texts(folder: Path) -> list[str]:
    """The distinct texts of all files, in a random order that is always the same."""
    found = sorted({text for file in sorted(folder.glob("*.jsonl.gz")) for text in _texts_of(file)})
    random.Random(0).shuffle(found)
    return found


def _texts_of(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for text in row.get("captions") or [row.get("text", "")]:
                if len(text) > _LONG:
                    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
                    yield from (" ".join(sentences[i : i + 2]) for i in range(0, len(sentences), 2))
                elif text.strip():
                    yield text.strip()


def embedded(found: list[str], rows: int, model: str) -> Floats:
    """Vectors ``(rows, dim)`` of texts, and of pairs of them where there are not enough; single texts come last."""
    rng = random.Random(1)
    joined = [f"{rng.choice(found)} {rng.choice(found)}" for _ in range(rows - len(found))]
    chosen = joined + found[: rows - len(joined)]
    with edgeembed.Embedder.load(model) as embedder:
        out = np.empty((rows, embedder.manifest.dim), np.float32)
        for start in range(0, rows, _BATCH):
            out[start : start + _BATCH] = embedder.embed_texts(chosen[start : start + _BATCH])
    return out


def clustered(rows: int, dim: int, *, seed: int = 0) -> Floats:
    """Unit vectors ``(rows, dim)`` around one centre for each hundred, in a cone, as those of texts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, rows // 100), dim)).astype(np.float32) + 0.5
    vectors = np.empty((rows, dim), np.float32)
    for start in range(0, rows, _BATCH):
        part = vectors[start : start + _BATCH]
        part[:] = centres[rng.integers(0, len(centres), len(part))]
        part += 0.7 * rng.standard_normal(part.shape).astype(np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def least_similarity(vectors: Floats, queries: Floats, k: int) -> Floats:
    """How similar ``(queries,)`` the ``k``-th best of all rows is to each query, in float32.

    Whatever is found and at least so similar is right: of texts that differ in case only the vectors are the same.
    """
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), 5 * _BATCH):
        part = queries @ np.ascontiguousarray(vectors[start : start + 5 * _BATCH]).T  # (queries, part)
        best = -np.sort(-np.concatenate([best, part], axis=1), axis=1)[:, :k]
    return best[:, -1]


def recall(vectors: Floats, query: Floats, found: npt.NDArray[Any], least: float, k: int) -> float:
    """The share of ``k`` that the rows ``found`` ``(n,)`` get right."""
    right = vectors[np.unique(np.asarray(found, dtype=np.int64))] @ query >= least - _ROUNDING
    return min(1.0, float(right.sum()) / k)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--model", default="minilm-static")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    np.save(options.out, embedded(texts(options.folder), options.rows, options.model))
