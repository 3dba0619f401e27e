"""How much of what an exact search finds does an index find, after a fifth of it was removed?

Run ``python -m tests.benchmarks.recall`` (100 000 rows by default). Texts are generated, about subjects that make
clusters; the model is a table of random word-piece vectors, so that embedding takes seconds. With
``--texts FILE.jsonl.gz`` the texts are those of a file and the model is the shipped one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from pathlib import Path

import numpy as np

import edgeembed
from tests.support.tiny import tiny_text_bundle

_SYLLABLES = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]


def texts(count: int, *, seed: int = 0) -> list[str]:
    """Texts of some ten words, each about one of 500 subjects with words of its own."""
    rng = random.Random(seed)
    words = ["".join(rng.sample(_SYLLABLES, rng.randint(1, 3))) for _ in range(20_000)]
    subjects = [rng.sample(words, 40) for _ in range(500)]
    return [" ".join([*rng.sample(rng.choice(subjects), 7), *rng.sample(words, 4), str(i)]) for i in range(count)]


def from_file(path: Path, count: int, *, seed: int = 0) -> list[str]:
    """``count`` distinct texts of a file, in a random order."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        distinct = sorted({json.loads(line)["text"].strip() for line in file} - {""})
    return random.Random(seed).sample(distinct, count)


def measure(documents: list[str], asked: list[str], embedder: edgeembed.Embedder, folder: Path) -> dict[str, float]:
    """Add documents, remove a fifth of them, and compare searches for ``asked`` with exact ones in float32.

    Returns:
        ``recall`` at 10, rows per second of ``add``, and the median ``search_ms`` with the query embedded.
    """
    rows = len(documents)
    with edgeembed.Index.open(folder / "index", model=embedder) as index:
        start = time.perf_counter()
        index.add(edgeembed.Document(str(i), text=text) for i, text in enumerate(documents))
        added = rows / (time.perf_counter() - start)
        rng = np.random.default_rng(1)
        gone = rng.choice(rows, rows // 5, replace=False)
        assert index.remove(map(str, gone)) == len(gone)
        left = np.setdiff1d(np.arange(rows), gone)
        vectors = embedder.embed_texts([documents[i] for i in left])
        hits, times = 0, []
        for query, vector in zip(asked, embedder.embed_texts(asked, role="query"), strict=True):
            best = {str(left[i]) for i in np.argpartition(-(vectors @ vector), 10)[:10]}
            start = time.perf_counter()
            found = {hit.id for hit in index.search(query, k=10, mode="vector")}
            times.append(time.perf_counter() - start)
            hits += len(best & found)
        status = index.status()
    return {
        "rows": len(left),
        "segments": status.segments,
        "recall": hits / (10 * len(asked)),
        "added_per_second": added,
        "search_ms": float(np.median(times)) * 1000,
        "bytes_per_row": status.size_bytes / len(left),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--texts", type=Path, help="jsonl.gz of objects with `text`; distinct ones are taken")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = None if options.texts else tiny_text_bundle(Path(scratch, "bundle"), dim=384)
        pool = from_file(options.texts, options.rows + 200) if options.texts else texts(options.rows + 200)
        result = measure(pool[:-200], pool[-200:], edgeembed.Embedder.load(model), Path(scratch))
        for name, value in result.items():
            print(f"{name:18} {value:,.4g}")
