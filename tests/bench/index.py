"""The index's stored vectors against FAISS, hnswlib, Annoy and sqlite-vec, in one run, at like recall.

Run ``python -m tests.bench.index`` (10 000 and 100 000 rows of 384 dimensions; ``--rows 1000000`` takes an hour on
two cores). What cannot be imported is left out and said so; ``pip install -e '.[bench]'`` brings all. Vectors are
clustered as those of texts are, or those of ``--vectors FILE.npy``. Each library builds with all cores, answers one
query at a time on one thread, and is asked with growing effort until its recall@10 against an exact float32 search
reaches ``--recall``. Each runs in a process of its own, so that memory is its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeembed.embedder import usable_cores
from edgeembed.stamps import Stamps
from edgeembed.vectors import Segments, to_int8, write_segment

Floats = npt.NDArray[np.float32]
Search = Callable[[Floats, int], Any]
K = 10


def clustered(rows: int, dim: int, *, seed: int = 0) -> Floats:
    """Unit vectors around one centre for each hundred, in a cone, as those of texts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, rows // 100), dim)).astype(np.float32) + 0.5
    vectors = np.empty((rows, dim), np.float32)
    for start in range(0, rows, 50_000):
        part = vectors[start : start + 50_000]
        part[:] = centres[rng.integers(0, len(centres), len(part))]
        part += 0.7 * rng.standard_normal(part.shape).astype(np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def exact(vectors: Floats, queries: Floats) -> npt.NDArray[np.int64]:
    """Rows of the best ``K`` for each query."""
    best = [np.argpartition(-(vectors @ query), K)[:K] for query in queries]
    return np.array(best)


@dataclass
class Library:
    """One way to store and search; ``efforts`` are tried in turn."""

    build: Callable[[Floats, Path], object]
    open: Callable[[Path, int], Callable[[int], Search]]
    efforts: tuple[int, ...] = (0,)


def _ours(exact_scan: bool) -> Library:
    def build(vectors: Floats, folder: Path) -> None:
        limit = 262_144
        facts = []
        for start in range(0, len(vectors), limit):
            rows = to_int8(vectors[start : start + limit])
            keys = np.arange(start, start + len(rows), dtype=np.int64)
            name = f"text-{start:032x}.usearch"
            facts.append(vars(write_segment(folder, name, "text", keys, rows, threads=usable_cores())))
        (folder / "facts.json").write_text(json.dumps(facts))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        from edgeembed.vectors import SegmentFacts

        segments = Segments(folder, dim, stamps=Stamps(folder, read_only=False))
        parts = [segments.open(SegmentFacts(**facts)) for facts in json.loads((folder / "facts.json").read_text())]

        def search(query: Floats, k: int) -> Any:
            found = [part.search(query, k, exact=exact_scan) for part in parts]
            keys, scores = (np.concatenate(column) for column in zip(*found, strict=True))
            return keys[np.argsort(-scores)[:k]]

        return lambda effort: search

    return Library(build, opened)


def _faiss(kind: str) -> Library:
    import faiss

    def build(vectors: Floats, folder: Path) -> None:
        faiss.omp_set_num_threads(usable_cores())
        dim = vectors.shape[1]
        index = faiss.IndexFlatIP(dim) if kind == "flat" else faiss.IndexHNSWFlat(dim, 16, faiss.METRIC_INNER_PRODUCT)
        if kind != "flat":
            index.hnsw.efConstruction = 128
        index.add(vectors)
        faiss.write_index(index, str(folder / "faiss"))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        faiss.omp_set_num_threads(1)
        index = faiss.read_index(str(folder / "faiss"), faiss.IO_FLAG_MMAP if kind == "flat" else 0)

        def at(effort: int) -> Search:
            if kind != "flat":
                index.hnsw.efSearch = effort
            return lambda query, k: index.search(query[None], k)[1][0]

        return at

    return Library(build, opened, (0,) if kind == "flat" else (16, 32, 64, 128, 256, 512, 1024))


def _hnswlib() -> Library:
    import hnswlib

    def build(vectors: Floats, folder: Path) -> None:
        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), M=16, ef_construction=128)
        index.add_items(vectors, num_threads=usable_cores())
        index.save_index(str(folder / "hnswlib"))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        index = hnswlib.Index(space="ip", dim=dim)
        index.load_index(str(folder / "hnswlib"))

        def at(effort: int) -> Search:
            index.set_ef(effort)
            return lambda query, k: index.knn_query(query, k, num_threads=1)[0][0]

        return at

    return Library(build, opened, (16, 32, 64, 128, 256, 512, 1024))


def _annoy() -> Library:
    import annoy

    def build(vectors: Floats, folder: Path) -> None:
        index = annoy.AnnoyIndex(vectors.shape[1], "dot")
        for i, vector in enumerate(vectors):
            index.add_item(i, vector)
        index.build(100, n_jobs=usable_cores())
        index.save(str(folder / "annoy"))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        index = annoy.AnnoyIndex(dim, "dot")
        index.load(str(folder / "annoy"))
        return lambda effort: lambda query, k: index.get_nns_by_vector(query, k, search_k=effort)

    return Library(build, opened, (1_000, 4_000, 16_000, 64_000, 256_000))


def _sqlite_vec() -> Library:
    import sqlite3

    import sqlite_vec

    def connect(folder: Path) -> sqlite3.Connection:
        db = sqlite3.connect(folder / "vec.sqlite")
        db.enable_load_extension(True)
        sqlite_vec.load(db)
        return db

    def build(vectors: Floats, folder: Path) -> None:
        db = connect(folder)
        db.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{vectors.shape[1]}] distance_metric=cosine)")
        db.executemany("INSERT INTO v(rowid, e) VALUES (?, ?)", ((i, row.tobytes()) for i, row in enumerate(vectors)))
        db.commit()
        db.close()

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        db = connect(folder)
        sql = "SELECT rowid FROM v WHERE e MATCH ? AND k = ?"
        return lambda effort: lambda query, k: [row[0] for row in db.execute(sql, (query.tobytes(), k))]

    return Library(build, opened)


LIBRARIES: dict[str, Callable[[], Library]] = {
    "edgeembed": lambda: _ours(False),
    "edgeembed, exact": lambda: _ours(True),
    "FAISS HNSW": lambda: _faiss("hnsw"),
    "FAISS flat": lambda: _faiss("flat"),
    "hnswlib": _hnswlib,
    "Annoy": _annoy,
    "sqlite-vec": _sqlite_vec,
}


def measure(name: str, folder: Path, wanted: float) -> dict[str, float]:
    """Build or search with one library; vectors, queries and the right answers lie in ``folder``."""
    library = LIBRARIES[name]()
    place = folder / name
    if not place.exists():
        place.mkdir()
        vectors = np.load(folder / "vectors.npy")
        start = time.perf_counter()
        library.build(vectors, place)
        return {"build_per_s": len(vectors) / (time.perf_counter() - start)}
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    before = _resident()
    start = time.perf_counter()
    at = library.open(place, queries.shape[1])
    opened = time.perf_counter() - start
    result: dict[str, float] = {}
    for effort in library.efforts:
        search = at(effort)
        hits, times = 0, []
        for query, best in zip(queries, truth, strict=True):
            start = time.perf_counter()
            found = search(query, K)
            times.append(time.perf_counter() - start)
            hits += len(set(map(int, found)) & set(best.tolist()))
        p50, p99 = np.percentile(times, [50, 99]) * 1000
        result = {"recall": hits / truth.size, "effort": effort, "p50_ms": p50, "p99_ms": p99}
        if result["recall"] >= wanted:
            break
    size = sum(path.stat().st_size for path in place.rglob("*")) / 1e6
    return {**result, "open_ms": opened * 1000, "memory_mb": (_resident() - before) / 1e6, "file_mb": size}


def _resident() -> int:
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def _each(rows: int, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, dict[str, float] | str]]:
    for name in LIBRARIES:
        result: dict[str, float] = {}
        for _ in ("build", "search"):
            command = [sys.executable, "-m", "tests.bench.index", "--library", name, "--folder", str(folder)]
            run = subprocess.run(
                [*command, "--recall", str(options.recall)],
                capture_output=True,
                text=True,
                env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
            )
            if run.returncode:
                yield name, run.stderr.strip().splitlines()[-1]
                break
            result |= json.loads(run.stdout)
        else:
            yield name, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--vectors", type=Path, help="float32 rows of length 1; the last ones are the queries")
    parser.add_argument("--library", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.library:
        print(json.dumps(measure(options.library, options.folder, options.recall)))
        return
    for rows in options.rows:
        total = rows + options.queries
        vectors = np.load(options.vectors)[:total] if options.vectors else clustered(total, options.dim)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            np.save(folder / "vectors.npy", vectors[:rows])
            np.save(folder / "queries.npy", vectors[rows:])
            np.save(folder / "truth.npy", exact(vectors[:rows], vectors[rows:]))
            print(f"\n{rows:,} rows, {vectors.shape[1]} dimensions, {len(vectors) - rows} queries")
            columns = ("build_per_s", "recall", "effort", "p50_ms", "p99_ms", "open_ms", "memory_mb", "file_mb")
            print(f"{'':18}" + "".join(f"{column:>12}" for column in columns))
            for name, result in _each(rows, options, folder):
                shown = result if isinstance(result, str) else "".join(f"{result[c]:12,.4g}" for c in columns)
                print(f"{name:18}{shown}", flush=True)


if __name__ == "__main__":
    main()
