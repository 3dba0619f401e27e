"""Kill the writer at every step and at random moments; what is left must be whole.

Run ``python -m tests.robustness.crash --runs 2000``: some three deaths a second with ``TMPDIR`` in memory. A folder
of files, and a mailbox, is synced, changed, synced again, half deleted, compacted. First the whole runs undisturbed:
every commit's state is noted, and every step that touches the disk is counted. Then child processes do the same and
die, at step 1, 2, 3 … and at random moments. After each death the index must open, verify, and answer as one of the
noted commits does; and a further sync must end in the same state as the undisturbed run: the same ids, spans, texts and
vectors.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeembed import Embedder, Folder, Index
from edgeembed.catalog.database import Catalog
from edgeembed.catalog.snapshot import Snapshot
from edgeembed.catalog.transaction import Transaction
from edgeembed.index_models.records import recorded_models
from edgeembed.maintenance.chunk_scan import chunk_batches
from edgeembed.segments.segment import Segment
from edgeembed.storage import segment_merger, writer

State = dict[str, tuple[object, ...]]
"""Id of each document to its metadata and chunks, each with span, text and vector."""

_WORDS = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]
_OLD = 1_600_000_000


@contextmanager
def small_steps() -> Iterator[None]:
    """Segments of some tens of rows, and commits by number of chunks alone, so that each run makes the same ones."""
    names = {
        (segment_merger, "FLUSH_ROWS"): 12,
        (writer, "COMMIT_CHUNKS"): 8,
        (writer, "COMMIT_SECONDS"): 1e9,
        (writer, "EMBED_CHUNKS"): 4,
    }
    before = {name: getattr(*name) for name in names}
    for name, value in names.items():
        setattr(*name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(*name, value)


def logical_state(place: Path) -> State:
    """What an index says, whatever its rows are numbered."""
    catalog = Catalog(place, read_only=True)
    with catalog.read() as snapshot:
        state = snapshot_state(snapshot, place)
    catalog.close()
    return state


def snapshot_state(snapshot: Snapshot, place: Path) -> State:
    """As :func:`logical_state`, of one commit."""
    dims = recorded_models(snapshot, place).dims()
    segments = {facts.file: Segment(place, facts, dims[facts.kind], hash_cache=None) for facts in snapshot.segments()}
    db = snapshot.connection
    chunks: dict[int, tuple[object, ...]] = {}
    for keys, rows, _, vectors in chunk_batches(db, segments, dims):
        chunks.update({key: (*row, vector) for key, row, vector in zip(keys, rows, vectors, strict=True)})
    contents: dict[int, list[int]] = {}
    for content, key in db.execute("SELECT content, key FROM chunks"):
        contents.setdefault(content, []).append(key)
    return {
        id: (metadata, *sorted((chunks[key] for key in contents[content]), key=lambda row: row[1] or 0))  # type: ignore[arg-type,return-value]
        for id, metadata, content in db.execute("SELECT id, metadata, content FROM documents")
    }


def write_files(root: Path, numbers: range, seed: int) -> None:
    """Files of one to four paragraphs, old enough not to be looked at twice."""
    rng = random.Random(seed)
    for number in numbers:
        path = root / f"{number:02}.txt"
        words = (" ".join(rng.choices(_WORDS, k=45)) for _ in range(rng.randint(1, 4)))
        path.write_text("\n\n".join(f"{number} {seed}: {text}" for text in words))
        os.utime(path, (_OLD + seed, _OLD + seed))


def write_mailbox(root: Path, numbers: Iterable[int], seed: int) -> None:
    """A mailbox of some messages of one to three paragraphs, as old."""
    messages = []
    for number in numbers:
        rng = random.Random(number)
        words = "\n\n".join(" ".join(rng.choices(_WORDS, k=45)) for _ in range(rng.randint(1, 3)))
        messages.append(f"From ann@example.org Mon Mar  2 10:00:00 2026\nSubject: boat {number}\n\n{words}\n\n")
    (root / "inbox.mbox").write_text("".join(messages))
    os.utime(root / "inbox.mbox", (_OLD + seed, _OLD + seed))


def steps(root: Path, embedder: Embedder) -> Iterator[Callable[[], object]]:
    """The life of a folder, step by step; changes to the files happen between the steps."""
    place = root / ".edgeembed"

    def sync() -> None:
        with Folder.open(root, model=embedder) as folder:
            folder.sync()

    def compact() -> None:
        with Index.open(place, model=embedder) as index:
            index.compact()

    write_files(root, range(20), 0)
    write_mailbox(root, range(12), 0)
    yield sync
    write_files(root, range(0, 20, 3), 1)
    write_mailbox(root, (0, 1, 12, *range(3, 12), 13), 1)
    write_files(root, range(20, 26), 0)
    (root / "04.txt").rename(root / "moved.txt")
    yield sync
    for number in range(8, 22):
        (root / f"{number:02}.txt").unlink()
    write_mailbox(root, (*range(5, 9), 1), 2)
    yield sync
    yield compact


class Disk:
    """Stands in front of the functions by which Python touches the disk, and tells each call before and after."""

    _NAMES = ("fsync", "rename", "replace", "unlink", "mkdir")

    def __init__(self, tell: Callable[[str, str, tuple[Any, ...]], None]) -> None:
        self._tell = tell

    @contextmanager
    def watched(self) -> Iterator[None]:
        real = {name: getattr(os, name) for name in self._NAMES}
        count = Transaction.count_generation
        write = Catalog.write

        def shim(name: str) -> Callable[..., object]:
            def call(*args: Any, **kwargs: Any) -> object:
                self._tell("before", name, args)
                result = real[name](*args, **kwargs)
                self._tell("after", name, args)
                return result

            return call

        @contextmanager
        def committing(catalog: Catalog) -> Iterator[Any]:
            with write(catalog) as transaction:
                yield transaction
            self._tell("after", "commit", (catalog,))

        def counting(transaction: Any) -> None:
            count(transaction)
            self._tell("before", "commit", (transaction,))

        for name in self._NAMES:
            setattr(os, name, shim(name))
        Transaction.count_generation = counting  # type: ignore[method-assign]
        Catalog.write = committing  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            for name, function in real.items():
                setattr(os, name, function)
            Transaction.count_generation = count  # type: ignore[method-assign]
            Catalog.write = write  # type: ignore[method-assign]


class Undisturbed:
    """What the whole run does when nobody kills it."""

    def __init__(self, scratch: Path, model: Path) -> None:
        self.commits: dict[int, State] = {0: {}}
        """State as of each generation."""
        self.names: list[str] = []
        """What each step was; a child can be told to die at any of them."""
        root = scratch / "undisturbed"
        root.mkdir()
        place = root / ".edgeembed"

        def tell(when: str, name: str, args: tuple[Any, ...]) -> None:
            self.names.append(f"{when} {name}")
            if (when, name) == ("after", "commit"):
                with args[0].read() as snapshot:
                    generation = int(snapshot.setting("generation"))
                    self.commits[generation] = snapshot_state(snapshot, place)

        with small_steps(), Embedder.load(model, threads=1) as embedder:
            for step in steps(root, embedder):
                with Disk(tell).watched():
                    step()
        self.final = logical_state(place)


def die_at(number: int) -> Callable[[str, str, tuple[Any, ...]], None]:
    """Counts steps, and kills this process at one of them."""
    seen = 0

    def tell(when: str, name: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def run_child(root: Path, model: Path, *, step: int | None, after_seconds: float | None) -> bool:
    """Do everything in a process that dies on the way; returns whether it did."""
    child = os.fork()
    if child == 0:  # a copy of this process: its imports are done, which makes thousands of runs affordable
        try:
            with small_steps(), Embedder.load(model, threads=1) as embedder:
                disk = Disk(die_at(step or -1))
                for do in steps(root, embedder):
                    with disk.watched():
                        do()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if after_seconds is not None:
        time.sleep(after_seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError(f"the child failed at step {step}, {after_seconds} s")
    return os.WIFSIGNALED(status)


def check_survivor(root: Path, model: Path, expected: Undisturbed) -> str:
    """What a death left: whole, as of some commit, and good to go on. Returns as of which commit."""
    place = root / ".edgeembed"
    with small_steps(), Embedder.load(model, threads=1) as embedder:
        generation = 0
        if (place / "catalog.sqlite").exists():
            with Index.open(place, model=embedder, read_only=True) as index:
                report = index.verify()
                assert report.ok, report.problems
                generation = index.status().generation
                hits = {hit.id for hit in index.search("boat garden", k=1000)}
                by_word = {hit.id for hit in index.search("boat", k=1000, mode="keyword")}
            state = logical_state(place)
            assert state == expected.commits[generation], f"generation {generation} is not what it was"
            assert hits == set(state)
            assert {id for id, row in state.items() if "boat" in str(row)} <= by_word, "full text has lost a passage"
        for path in root.glob("*.txt"):
            path.unlink()
        _finish(root)
        with Folder.open(root, model=embedder) as folder:
            folder.sync()
            assert folder.index.verify().ok
            assert folder.plan().is_empty
        assert logical_state(place) == expected.final
        named = {facts.file for facts in _segments(place)}
        assert {path.name for path in place.glob("*.usearch*")} == named
    return f"generation {generation}"


def _segments(place: Path) -> list[Any]:
    catalog = Catalog(place, read_only=True)
    with catalog.read() as snapshot:
        found = snapshot.segments()
    catalog.close()
    return list(found)


def _finish(root: Path) -> None:
    """The files as they are after the last step."""
    for _ in steps(root, None):  # type: ignore[arg-type]
        pass


def run(scratch: Path, model: Path, *, runs: int, every: int = 1, seed: int = 0) -> Counter[str]:
    """Kill ``runs`` times: at every ``every``-th step first, then at random moments; returns what was hit how often."""
    expected = Undisturbed(scratch, model)
    tally: Counter[str] = Counter({"steps in all": len(expected.names)})
    rng = random.Random(seed)
    (scratch / "whole").mkdir()
    started = time.monotonic()
    run_child(scratch / "whole", model, step=None, after_seconds=None)
    seconds = time.monotonic() - started  # nobody notes its commits, so it is faster than the undisturbed run
    numbers: list[int | None] = [*range(1, len(expected.names) + 1, every)][:runs]
    numbers += [None] * (runs - len(numbers))
    for i, step in enumerate(numbers):
        root = scratch / f"run-{i}"
        root.mkdir()
        moment = None if step is not None else rng.uniform(0, seconds)
        died = run_child(root, model, step=step, after_seconds=moment)
        try:
            check_survivor(root, model, expected)
        except BaseException:
            print(
                f"run {i}: step {step} {expected.names[(step or 1) - 1]}, moment {moment}; left in {root}", flush=True
            )
            raise
        tally[("killed " if died else "finished ") + ("at random" if step is None else expected.names[step - 1])] += 1
        shutil.rmtree(root)
    return tally


if __name__ == "__main__":
    from tests.support.tiny import tiny_text_bundle

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="die at each so manieth step, then at random moments")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    result = run(folder, tiny_text_bundle(folder / "tiny"), runs=options.runs, every=options.every, seed=options.seed)
    for what, count in sorted(result.items()):
        print(f"{count:6} {what}")
    print(f"{options.runs:6} runs, each left an index that was whole and went on", file=sys.stderr)
    shutil.rmtree(folder)
