"""How many bits a stored component needs: recall@10 and size of float32, float16 and int8, scaled and as USearch casts.

Run ``python -m tests.benchmarks.storage --vectors FILE.npy`` (see ``tests.benchmarks.rows``; without it vectors are
clustered). Each is searched exactly and by its graph; recall is against an exact search of the float32 vectors. Size
is that of the file with its graph.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from usearch.index import Index

from edgeembed.segments import segment as segment_module
from edgeembed.segments.int8 import cosines, to_int8
from edgeembed.system.limits import usable_cores

from .rows import Floats, clustered, least_similarity, recall

K = 10
_BLOCK = 20_000
_KINDS = {"float32": "f32", "float16": "f16", "int8, USearch's own cast": "i8", "int8, scaled (the default)": "i8"}


def measure(rows: Floats, queries: Floats) -> Iterator[tuple[str, float, float, float]]:
    """Name, recall of an exact search, recall by the graph, and bytes a row divided by those of float32."""
    truth = least_similarity(rows, queries, K)
    for name, kind in _KINDS.items():
        scaled = "scaled" in name
        index = Index(
            ndim=rows.shape[1],
            metric="cos",
            dtype=kind,
            connectivity=segment_module._CONNECTIVITY,
            expansion_add=segment_module._EXPANSION_ADD,
            expansion_search=segment_module.EXPANSION_SEARCH,
        )
        for start in range(0, len(rows), _BLOCK):
            part = np.ascontiguousarray(rows[start : start + _BLOCK])
            keys = np.arange(start, start + len(part), dtype=np.uint64)
            index.add(keys, to_int8(part) if scaled else part, threads=usable_cores())
        shares = []
        for exact in (True, False):
            found = [_found(index, query, scaled, exact=exact) for query in queries]
            shares.append(np.mean([recall(rows, *one, K) for one in zip(queries, found, truth, strict=True)]))
        yield name, float(shares[0]), float(shares[1]), index.serialized_length / rows.nbytes


def _found(index: Any, query: Floats, scaled: bool, *, exact: bool) -> Any:
    """Keys of the best; for the default compared once more in float32, as the index does it."""
    if not scaled:
        return index.search(query, K, exact=exact).keys
    keys = index.search(to_int8(query[None])[0], 4 * K + 16, exact=exact).keys
    return keys[np.argsort(-cosines(query, np.stack(index.get(keys))))[:K]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=3000)
    parser.add_argument("--vectors", type=Path, help="float32 rows of length 1; the last ones are the queries")
    options = parser.parse_args()
    if options.vectors:
        source = np.load(options.vectors, mmap_mode="r")
        documents, asked = np.array(source[: options.rows]), np.array(source[-options.queries :])
    else:
        made = clustered(options.rows + options.queries, 384)
        documents, asked = made[: options.rows], made[options.rows :]
    print("| stored as | recall@10, all compared | by the graph | file, of 4 bytes x dim x rows |\n|---|---|---|---|")
    for label, whole, graph, size in measure(documents, asked):
        print(f"| {label} | {whole:.4f} | {graph:.4f} | {size:.3f} |", flush=True)
