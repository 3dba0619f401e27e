"""Readers and competing writers in many processes: no wrong answer, no exception but the documented one, no lost row.

Run ``python -m tests.robustness.stress --seconds 180``. Each writer owns some documents and adds, replaces and
removes them; it notes what it committed. Each reader searches, long-lived or freshly opened, and checks that what it
finds is whole.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from edgeembed import Document, EdgeEmbedError, Index, IndexLockedError
from tests.robustness.crash import small_steps

WORDS = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]
OWN = 60
"""Documents of each writer."""


def text_of(id: str, version: int) -> str:
    """What a document says at a version; it names both, so that a reader can tell whether a hit is whole."""
    rng = random.Random(f"{id} {version}")
    return f"{id} version {version} says {' '.join(rng.choices(WORDS, k=5))}"


def write(place: Path, number: int, seconds: float) -> dict[str, object]:
    """Add, replace and remove own documents until the time is up; returns what must be there now."""
    rng = random.Random(number)
    held: dict[str, int] = {}
    tally: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with small_steps(), Index.open(place) as index:
        while time.monotonic() < end:
            ids = [f"w{number}-{i}" for i in rng.sample(range(OWN), 6)]
            version = rng.randrange(1_000_000)
            try:
                if rng.random() < 0.3:
                    index.remove(ids)
                    for id in ids:
                        held.pop(id, None)
                elif rng.random() < 0.05:
                    index.compact()
                else:
                    index.add(
                        Document(id, text=text_of(id, version), metadata={"version": version, "writer": number})
                        for id in ids
                    )
                    held.update(dict.fromkeys(ids, version))
                tally["wrote"] += 1
                time.sleep(rng.uniform(0, 0.05))
            except IndexLockedError:
                tally["locked"] += 1
                time.sleep(rng.uniform(0, 0.01))
    return {"held": held, **tally}


def read(place: Path, number: int, seconds: float) -> dict[str, object]:
    """Search until the time is up; half of the readers open the index anew each time."""
    rng = random.Random(1000 + number)
    tally: Counter[str] = Counter()
    end = time.monotonic() + seconds
    keep = Index.open(place, read_only=number % 4 < 2) if number % 2 else None
    while time.monotonic() < end:
        index = keep or Index.open(place, read_only=number % 4 < 2)
        where = {"writer": rng.randrange(2)} if rng.random() < 0.3 else None
        start = time.monotonic()
        hits = index.search(" ".join(rng.choices(WORDS, k=3)), k=500, where=where)
        if tally["searched"] or keep is None:  # the first search of a long-lived reader loads the model
            tally["ms"] += round(1000 * (time.monotonic() - start))
        for hit in hits:
            assert hit.snippet == text_of(hit.id, hit.metadata["version"]), hit
        assert len({hit.id for hit in hits}) == len(hits)
        tally["searched"] += 1
        tally["hits"] += len(hits)
        if keep is None:
            index.close()
    if keep is not None:
        keep.close()
    return dict(tally)


def run(place: Path, *, seconds: float, readers: int = 8, writers: int = 2) -> list[dict[str, object]]:
    """Let them loose on the index in ``place``, which must exist; then check that nothing was lost."""
    roles = [("write", i) for i in range(writers)] + [("read", i) for i in range(readers)]
    options = ["--place", str(place), "--seconds", str(seconds), "--role"]
    command = [sys.executable, "-m", "tests.robustness.stress", *options]
    processes = [
        subprocess.Popen([*command, f"{role}-{i}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for role, i in roles
    ]
    results = []
    for (role, i), process in zip(roles, processes, strict=True):
        out, err = process.communicate()
        if process.returncode:
            raise AssertionError(f"{role} {i} ended with {process.returncode}: {err[-3000:]}")
        results.append({"role": f"{role}-{i}", **json.loads(out)})
    held: dict[str, int] = {}
    for result in results:
        held.update(result.pop("held", {}))  # type: ignore[call-overload]
    with Index.open(place) as index:
        report = index.verify()
        assert report.ok, report.problems
        found = {hit.id: hit.metadata["version"] for hit in index.search("boat", k=10_000)}
        assert found == held, "a row was lost or came back"
        index.compact()
        assert not [path for path in place.glob("*.usearch*") if path.name not in _named(index)]
    return results


def _named(index: Index) -> set[str]:
    return index._store.read(lambda snapshot: {facts.file for facts in snapshot.segments()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--role", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        what, _, which = options.role.partition("-")
        try:
            result = {"read": read, "write": write}[what](options.place, int(which), options.seconds)
        except EdgeEmbedError as error:
            sys.exit(f"{type(error).__name__}: {error}; caused by {error.__cause__!r}")
        print(json.dumps(result))
    else:
        from tests.support.tiny import tiny_text_bundle

        with tempfile.TemporaryDirectory() as scratch:
            os.environ["XDG_CACHE_HOME"] = str(Path(scratch, "cache"))
            Index.open(Path(scratch, "index"), model=tiny_text_bundle(Path(scratch, "tiny"))).close()
            for line in run(Path(scratch, "index"), seconds=options.seconds):
                print(line)
