"""Flip bytes and cut files of an index and a bundle: each is found, or changes no answer, and none ends the process.

Run ``python -m tests.robustness.flips --places 4000``. Places are spread evenly over each file, every header byte
included; each is tried in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import edgeembed
from edgeembed import Document, Embedder, Index
from edgeembed.catalog.schema import KINDS
from edgeembed.catalog.where import condition
from edgeembed.index_models.calibration import calibrate
from edgeembed.maintenance import verify as verify_module
from edgeembed.search.hybrid_search import hybrid_search
from edgeembed.search.prepared_query import PreparedQuery, SearchRequest
from tests.robustness.crash import small_steps

_HEADER = 128
_MOST_SECONDS = 60
"""After so much processor time a judge is held to be in a loop without end; it needs a tenth of a second."""
_SCALES = dict.fromkeys(KINDS, calibrate(None, None))
_WORDS = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]


def places(size: int, count: int, rng: random.Random) -> list[int]:
    """Offsets: some of the header, the last byte, and random ones."""
    few = min(size, max(1, count // 4), _HEADER)
    chosen = {*rng.sample(range(min(size, _HEADER)), few), size - 1}
    chosen.update(rng.randrange(size) for _ in range(count - few))
    return sorted(chosen)


def damages(file: Path, count: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Contents of a file with one byte flipped, and cut short."""
    raw = file.read_bytes()
    if not raw:
        return
    for offset in places(len(raw), count, rng):
        bit = 1 << rng.randrange(8)
        yield f"{file.name} byte {offset} bit {bit}", raw[:offset] + bytes([raw[offset] ^ bit]) + raw[offset + 1 :]
    for size in places(len(raw), max(2, count // 5), rng):
        yield f"{file.name} cut to {size}", raw[:size]


def in_child(question: Callable[[], str]) -> str:
    """The answer of a copy of this process: a short word; or how it died."""
    reader, writer_end = os.pipe()
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_PROF, _MOST_SECONDS)  # of its own processor time
        try:
            answer = question()
        except BaseException as error:
            answer = f"FAILED {type(error).__name__}: {error}"
        os.write(writer_end, answer.encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writer_end)
    with os.fdopen(reader, "rb") as file:
        answer = file.read().decode()
    _, status = os.waitpid(child, 0)
    return f"FAILED: died of signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else answer


class Sample:
    """An index with segments and fresh rows, closed, and what it answers."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.model = model
        self.place = folder / "index"
        rng = np.random.default_rng(0)
        with small_steps(), Index.open(self.place, model=model) as index:
            texts = [" ".join(rng.choice(_WORDS, 6)) + f" {i}" for i in range(75)]
            documents = [Document(f"d{i}", text=text, metadata={"i": i % 3}) for i, text in enumerate(texts)]
            index.add(documents[:55])
            index.add(documents[55:])  # a run ends with its segments merged: of two runs there are two
            index.remove([f"d{i}" for i in range(0, 70, 9)])
            self.vectors = index.embedder.embed_texts(_WORDS, role="query")
        self.right = self.answers(self.place)

    def answers(self, place: Path) -> list[Any]:
        with Index.open(place, read_only=True) as index:
            return [
                index._store.read(lambda s, r=request: hybrid_search(s, index._store.segments, _SCALES, r))  # type: ignore[misc]
                for request in self._requests()
            ]

    def _requests(self) -> Iterator[SearchRequest]:
        """By meaning, as a filter allows, and by words: the model itself is not needed."""
        for word, vector in zip(_WORDS, self.vectors, strict=True):
            for words, where in (("", {}), ("", {"i": 1}), (word, {})):
                query = PreparedQuery("text", dict.fromkeys(KINDS, vector), words)
                yield SearchRequest(query, 100, condition(where))

    def judge(self, place: Path) -> str:
        """Whether damage is found, and where."""
        try:
            got = self.answers(place)
        except edgeembed.EdgeEmbedError:
            return "found when opened or searched"
        with Index.open(place, read_only=True) as index:
            try:
                if not index.verify().ok:
                    return "found by verify"
            except edgeembed.EdgeEmbedError:
                return "found by verify"
        return "changes no answer" if got == self.right else "FAILED: answers differ, and verify finds nothing"


def run_index(folder: Path, model: Path, count: int, *, seed: int = 0) -> Counter[str]:
    """Damage every file of an index at about ``count`` places each."""
    sample = Sample(folder, model)
    tally: Counter[str] = Counter()
    rng = random.Random(seed)
    scratch = folder / "damaged"
    # Embedding a sample again takes time, and what it could find is found without it or fails here.
    whole, verify_module._check_sample = verify_module._check_sample, lambda *_: 0
    try:
        for file in sorted(sample.place.iterdir()):
            for name, content in damages(file, count, rng):
                shutil.copytree(sample.place, scratch)
                (scratch / file.name).unlink()
                (scratch / file.name).write_bytes(content)
                _count(tally, name, in_child(lambda: sample.judge(scratch)))
                shutil.rmtree(scratch)
    finally:
        verify_module._check_sample = whole
    return tally


def run_bundle(folder: Path, model: Path, count: int, *, seed: int = 0) -> Counter[str]:
    """Damage every file of a bundle at about ``count`` places each."""
    texts = ["a boat in the harbour", "tomato seedlings"]
    right = in_child(lambda: _embedded(model, texts))
    tally: Counter[str] = Counter()
    rng = random.Random(seed)
    scratch = folder / "bundle"
    for file in sorted(model.iterdir()):
        for name, content in damages(file, count, rng):
            shutil.copytree(model, scratch)
            (scratch / file.name).write_bytes(content)

            def judge() -> str:
                try:
                    got = _embedded(scratch, texts)
                except edgeembed.BundleError:
                    return "found when opened or searched"
                return "changes no answer" if got == right else "FAILED: other vectors"

            _count(tally, name, in_child(judge))
            shutil.rmtree(scratch)
    return tally


def _embedded(model: Path, texts: list[str]) -> str:
    with Embedder.load(model, threads=1) as embedder:
        return embedder.embed_texts(texts).tobytes().hex()


def _count(tally: Counter[str], name: str, answer: str) -> None:
    if answer.startswith("FAILED"):
        raise AssertionError(f"{name}: {answer}")
    tally[answer] += 1


if __name__ == "__main__":
    from tests.support.tiny import tiny_text_bundle

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=4000, help="about so many in all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch_name:
        root = Path(scratch_name)
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        bundle = tiny_text_bundle(root / "tiny")
        for what, run in (("index", run_index), ("bundle", run_bundle)):
            for answer, number in sorted(run(root, bundle, options.places // 16, seed=options.seed).items()):
                print(f"{what:7} {number:6} {answer}")
