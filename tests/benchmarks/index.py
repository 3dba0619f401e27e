"""The index's stored vectors against FAISS, hnswlib, Annoy and sqlite-vec, in one run, at like recall.

Run ``python -m tests.benchmarks.index`` (10 000 and 100 000 rows of 384 dimensions; ``--rows 1000000`` also goes,
with ``--folder`` in steps: what is built there is not built again, and ``--build`` only builds). Vectors are
clustered as those of texts are, or those of ``--vectors FILE.npy``, see ``tests.benchmarks.rows``. Each library
builds with all cores, answers one query at a time on one thread, and is asked with growing effort; the table shows
the first effort whose recall@10 against an exact float32 search reaches ``--recall``. Each runs in a process of its
own, so that memory is its own. What cannot be imported is left out and said so; ``pip install -e '.[bench]'`` brings
all. ``--out`` writes JSON, Markdown and a figure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .rows import clustered, least_similarity, recall
from .stores import EXACT, STORES, Search

K = 10
_WARM = 20
_COLUMNS = {
    "build_per_s": "rows built a processor second",
    "recall": "recall@10",
    "effort": "effort",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "open_ms": "opening ms",
    "memory_mb": "memory MB",
    "file_mb": "file MB",
}
Result = dict[str, Any]


def _home(name: str) -> str:
    """Where it is built; one that only searches in another way shares that."""
    return name.partition(",")[0]


def build(name: str, folder: Path) -> Result:
    """Build with one library; the vectors lie in ``folder``."""
    store, place = STORES[name](), folder / _home(name)
    shutil.rmtree(place, ignore_errors=True)  # a build that was stopped
    place.mkdir()
    vectors = np.load(folder / "vectors.npy")
    start = time.process_time()  # of all threads: the same however busy the machine is
    store.build(vectors, place)
    result = {"build_per_s": len(vectors) / (time.process_time() - start)}
    (folder / f"{_home(name)}.json").write_text(json.dumps(result))
    return result


def search(name: str, folder: Path, wanted: float) -> Result:
    """Open what was built and ask with growing effort until recall is as wanted."""
    store, place = STORES[name](), folder / _home(name)
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    if name in EXACT and len(vectors) > 200_000:
        queries, truth = queries[:50], truth[:50]
    before = _resident()
    at = store.open(place, queries.shape[1])
    curve = []
    for effort in store.efforts:
        curve.append({"effort": effort, **_asked(at(effort), queries, truth, vectors)})
        if curve[-1]["recall"] >= wanted:
            break
    size = sum(path.stat().st_size for path in place.rglob("*") if path.suffix != ".json") / 1e6
    memory = (_resident() - before) / 1e6
    return {**curve[-1], "open_ms": _opening_ms(name, folder), "memory_mb": memory, "file_mb": size, "curve": curve}


def _opening_ms(name: str, folder: Path) -> float:
    """A later opening: what is imported late, and stamps that are made once on a machine, are not its cost."""
    dim = np.load(folder / "queries.npy").shape[1]
    start = time.perf_counter()
    STORES[name]().open(folder / _home(name), dim)
    return (time.perf_counter() - start) * 1000


def _asked(ask: Search, queries: Any, truth: Any, vectors: Any) -> Result:
    for query in queries[:_WARM]:
        ask(query, K)
    found, times = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(ask(query, K))
        times.append(time.perf_counter() - start)
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    shares = [recall(vectors, *one, K) for one in zip(queries, found, truth, strict=True)]
    return {"recall": float(np.mean(shares)), "p50_ms": p50, "p99_ms": p99}


def _resident() -> int:
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def _apart(step: str, name: str, folder: Path, wanted: float) -> Result | str:
    """One step in a process of its own; the reason if it fails."""
    command = [sys.executable, "-m", "tests.benchmarks.index", "--step", step, "--folder", str(folder), "--only", name]
    run = subprocess.run(
        [*command, "--recall", str(wanted)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
    )
    if run.returncode:
        return run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f"ended with {run.returncode}"
    result: Result = json.loads(run.stdout.splitlines()[-1])
    return result


def built(folder: Path, name: str) -> Result | str:
    """What building with a library took, or why it cannot be; what was built in ``folder`` before stays."""
    made = folder / f"{_home(name)}.json"
    return json.loads(made.read_text()) if made.exists() else _apart("build", name, folder, 0)


def measured(folder: Path, names: list[str], wanted: float) -> Iterator[tuple[str, Result | str]]:
    """Each library's figures, or why there are none."""
    for name in names:
        made = built(folder, name)
        if isinstance(made, str):
            yield name, made
            continue
        found = _apart("search", name, folder, wanted)
        yield name, found if isinstance(found, str) else made | found


def prepare(folder: Path, rows: int, options: argparse.Namespace) -> None:
    """Put vectors, queries and the right answers into ``folder``, unless they are there."""
    if (folder / "truth.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if options.vectors:
        source = np.load(options.vectors, mmap_mode="r")
        vectors, queries = source[:rows], np.ascontiguousarray(source[-options.queries :])
        if rows + options.queries > len(source):
            raise SystemExit(f"{options.vectors} holds {len(source):,} rows, too few for {rows:,} and the queries")
    else:
        made = clustered(rows + options.queries, options.dim)
        vectors, queries = made[:rows], made[rows:]
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "truth.npy", least_similarity(vectors, queries, K))


def markdown(rows: int, results: dict[str, Result | str]) -> str:
    """A table of one size."""
    lines = [f"| {rows:,} rows | {' | '.join(_COLUMNS.values())} |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for name, result in results.items():
        shown = (
            f"{result} |" + " |" * (len(_COLUMNS) - 1)
            if isinstance(result, str)
            else " | ".join(f"{result[key]:,.4g}" for key in _COLUMNS) + " |"
        )
        lines.append(f"| {name} | {shown}")
    return "\n".join(lines)


def draw(found: dict[int, dict[str, Result | str]], path: Path) -> None:
    """Recall against latency, one panel a size; to the upper left is better."""
    import matplotlib

    matplotlib.use("svg" if path.suffix == ".svg" else "agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(found), figsize=(5.5 * len(found), 4.2), squeeze=False, sharey=True)
    for panel, (rows, results) in zip(panels[0], found.items(), strict=True):
        for number, (name, result) in enumerate(results.items()):
            if isinstance(result, str):
                continue
            points = [(point["p50_ms"], point["recall"]) for point in result["curve"]]
            panel.plot(*zip(*points, strict=True), "o-", label=name, color=f"C{number}", markersize=4)
        panel.set(xscale="log", xlabel="median of one query, ms", title=f"{rows:,} rows", ylim=(0.8, 1.005))
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("recall@10 against exact float32")
    panels[0][-1].legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--vectors", type=Path, help="float32 rows of length 1; the last ones are the queries")
    parser.add_argument("--only", nargs="+", choices=STORES, default=list(STORES), help="some libraries")
    parser.add_argument("--folder", type=Path, help="keep what is built here, a folder for each size")
    parser.add_argument("--build", action="store_true", help="only build, in --folder, and ask in a later run")
    parser.add_argument("--out", type=Path, help="results as OUT.json, OUT.md and OUT.png")
    parser.add_argument("--step", choices=("build", "search"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        (name,) = options.only
        one = build(name, options.folder) if options.step == "build" else search(name, options.folder, options.recall)
        print(json.dumps(one))
        return
    found: dict[int, dict[str, Result | str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for rows in options.rows:
            folder = (options.folder or Path(scratch)) / str(rows)
            prepare(folder, rows, options)
            if options.build:
                for name in options.only:
                    print(rows, name, built(folder, name), flush=True)
                continue
            found[rows] = dict(measured(folder, options.only, options.recall))
            print(markdown(rows, found[rows]) + "\n", flush=True)
    if options.out and found:
        options.out.with_suffix(".json").write_text(json.dumps(found, indent=1))
        options.out.with_suffix(".md").write_text("\n\n".join(markdown(*item) for item in found.items()) + "\n")
        draw(found, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
