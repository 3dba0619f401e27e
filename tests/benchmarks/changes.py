"""What a change costs in an index of 100 000 passages, and what deleting half of it gives back.

Run ``python -m tests.benchmarks.changes`` (a minute or two). The model is a table of random word-piece vectors, so
that what is measured is the index. Bytes are those that this process handed to the system (``/proc/self/io``, Linux
only).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeembed import Document, Embedder, Index
from tests.support.tiny import tiny_text_bundle

from .recall import texts


def written() -> int:
    """Bytes that this process has written so far; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in lines)["wchar"])


def cost(do: Callable[[], object]) -> tuple[float, int]:
    """Seconds and bytes written of something."""
    before, start = written(), time.perf_counter()
    do()
    return time.perf_counter() - start, written() - before


def changed(index: Index, documents: list[Document], word: str, round: int) -> Callable[[], object]:
    """Gives documents another text and finds the first one by it."""
    new = [Document(d.id, text=f"{word}{round} {d.text}") for d in documents]

    def run() -> None:
        index.add(new)
        (hit,) = index.search(f"{word}{round} {documents[0].text}", k=1)
        assert hit.id == documents[0].id, hit

    return run


def measure(folder: Path, rows: int) -> Iterator[tuple[str, float, int]]:
    """What was done, seconds, and bytes written (for ``size`` lines: bytes on the disk)."""
    documents = [Document(str(i), text=text) for i, text in enumerate(texts(rows))]
    with (
        Embedder.load(tiny_text_bundle(folder / "bundle", dim=384)) as embedder,
        Index.open(folder / "index", model=embedder) as index,
    ):
        yield "add all", *cost(lambda: index.add(documents))
        for count in (1, 1, 1, 10, 100, 1000):
            some = documents[rows // 3 : rows // 3 + count]
            name = f"change {count} and find the first"
            yield name, *cost(changed(index, some, "renewed", len(some) + int(time.time_ns() % 1000)))
        yield "compact", *cost(index.compact)
        full = index.status().size_bytes
        yield "size", 0.0, full
        yield "remove half", *cost(lambda: index.remove(str(i) for i in range(0, rows, 2)))
        yield "compact", *cost(index.compact)
        left = index.status().size_bytes
        yield f"size, {1 - left / full:.1%} less", 0.0, left
        assert index.verify().ok


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for what, seconds, size in measure(Path(scratch), options.rows):
            print(f"{what:32} {seconds:8.3f} s {size / 1e6:10.2f} MB", flush=True)
