"""Ways to store and search vectors: edgeembed's own, FAISS, hnswlib, Annoy, sqlite-vec, behind two functions each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeembed.catalog.rows import SegmentInfo
from edgeembed.segments.hash_cache import HashCache
from edgeembed.segments.int8 import to_int8
from edgeembed.segments.segment import write_segment
from edgeembed.segments.segment_set import SegmentSet, nearest_rows
from edgeembed.storage.segment_merger import MAX_SEGMENT_ROWS
from edgeembed.system.limits import usable_cores

Floats = npt.NDArray[np.float32]
Search = Callable[[Floats, int], Any]
"""A query ``(dim,)`` and a number to the numbers of the nearest rows."""

_CONNECTIVITY, _EXPANSION_ADD = 16, 128
_EXPANSIONS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 1024)


@dataclass(frozen=True)
class Store:
    """One way to store and search."""

    build: Callable[[Floats, Path], object]
    """Vectors ``(rows, dim)`` of length 1 into a folder."""
    open: Callable[[Path, int], Callable[[int], Search]]
    """What was built, and the length of vectors, to a search at some effort."""
    efforts: tuple[int, ...] = (0,)
    """From the least to the greatest."""


def _edgeembed(efforts: tuple[int, ...] = (0,), *, exact: bool = False) -> Store:
    """``efforts`` are rows in view in each graph; 0: as many as a search takes by itself."""

    def build(vectors: Floats, folder: Path) -> None:
        facts = []
        for start in range(0, len(vectors), MAX_SEGMENT_ROWS):
            rows = to_int8(np.ascontiguousarray(vectors[start : start + MAX_SEGMENT_ROWS]))
            keys = np.arange(start, start + len(rows), dtype=np.int64)
            name = f"text-{start:032x}.usearch"
            facts.append(vars(write_segment(folder, name, "text", keys, [rows], threads=usable_cores())))
        (folder / "facts.json").write_text(json.dumps(facts))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        segments = SegmentSet(folder, {"text": dim}, hash_cache=HashCache(folder, read_only=False))
        parts = [segments.open(SegmentInfo(**facts)) for facts in json.loads((folder / "facts.json").read_text())]

        # As many as a search for ten documents asks for.
        def at(effort: int) -> Search:
            return lambda query, k: nearest_rows(parts, query, 4 * k + 16, exact=exact, expansion=effort or None)[0][:k]

        return at

    return Store(build, opened, efforts)


def _faiss(kind: str) -> Store:
    import faiss

    def build(vectors: Floats, folder: Path) -> None:
        faiss.omp_set_num_threads(usable_cores())
        dim = vectors.shape[1]
        if kind == "flat":
            index = faiss.IndexFlatIP(dim)
        else:
            index = faiss.IndexHNSWFlat(dim, _CONNECTIVITY, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = _EXPANSION_ADD
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

    return Store(build, opened, (0,) if kind == "flat" else _EXPANSIONS)


def _hnswlib() -> Store:
    import hnswlib

    def build(vectors: Floats, folder: Path) -> None:
        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), M=_CONNECTIVITY, ef_construction=_EXPANSION_ADD)
        index.add_items(vectors, num_threads=usable_cores())
        index.save_index(str(folder / "hnswlib"))

    def opened(folder: Path, dim: int) -> Callable[[int], Search]:
        index = hnswlib.Index(space="ip", dim=dim)
        index.load_index(str(folder / "hnswlib"))

        def at(effort: int) -> Search:
            index.set_ef(effort)
            return lambda query, k: index.knn_query(query, k, num_threads=1)[0][0]

        return at

    return Store(build, opened, _EXPANSIONS)


def _annoy() -> Store:
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

    return Store(build, opened, (1_000, 4_000, 16_000, 32_000, 64_000, 128_000, 256_000))


def _sqlite_vec() -> Store:
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

    return Store(build, opened)


STORES: dict[str, Callable[[], Store]] = {
    "edgeembed": _edgeembed,
    "edgeembed, by effort": lambda: _edgeembed(_EXPANSIONS),
    "edgeembed, exact": lambda: _edgeembed(exact=True),
    "FAISS HNSW": lambda: _faiss("hnsw"),
    "FAISS flat": lambda: _faiss("flat"),
    "hnswlib": _hnswlib,
    "Annoy": _annoy,
    "sqlite-vec": _sqlite_vec,
}
"""Calling one imports what it needs. Those whose names are alike up to a comma share what is built."""
EXACT = ("edgeembed, exact", "FAISS flat", "sqlite-vec")
"""Those that compare every row."""
