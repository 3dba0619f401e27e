"""What a power cut may leave: a log of what was written and flushed, and every disk that could come of each prefix.

Killing a process proves nothing about power cuts, for the system writes on. Here every ``fsync``, ``rename`` and
``unlink`` of an undisturbed run is logged with what the file held when it was flushed. A file's content lasts once it
was flushed, a name once its folder was; what was not flushed may have reached the disk or not, so both are tried.
SQLite's own flushes are taken on trust: a commit lasts when it returns. ``python -m tests.robustness.powercut`` tries
every cut.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeembed import Embedder, Index
from tests.robustness.crash import Disk, State, logical_state, small_steps, snapshot_state, steps

CATALOG = "catalog.sqlite"


@dataclass
class Log:
    """A run, as the disk saw it."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    commits: dict[int, State] = field(default_factory=dict)


def record(root: Path, model: Path) -> Log:
    """Run every step undisturbed."""
    log = Log()
    place = root / ".edgeembed"

    def tell(when: str, name: str, args: tuple[Any, ...]) -> None:
        if name == "fsync" and when == "after":
            info = os.fstat(args[0])
            if stat.S_ISDIR(info.st_mode):
                log.events.append(("flush names", None))
            else:
                content = os.pread(args[0], info.st_size, 0)
                log.events.append(("flush", (info.st_ino, content)))
        elif name in ("rename", "replace") and when == "before" and Path(args[0]).parent == place:
            log.events.append(("rename", (Path(args[0]).name, Path(args[1]).name, Path(args[0]).stat().st_ino)))
        elif name == "unlink" and when == "before" and Path(args[0]).parent == place and Path(args[0]).exists():
            log.events.append(("unlink", Path(args[0]).name))
        elif name == "commit" and when == "after":
            with args[0].read() as snapshot:
                log.commits[int(snapshot.setting("generation"))] = snapshot_state(snapshot, place)
                log.events.append(("commit", _copy(snapshot.connection)))

    with small_steps(), Embedder.load(model, threads=1) as embedder:
        for step in steps(root, embedder):
            with Disk(tell).watched():
                step()
    return log


def _copy(db: sqlite3.Connection) -> bytes:
    target = sqlite3.connect(":memory:")
    db.backup(target)
    target.execute("PRAGMA journal_mode = DELETE")
    raw = target.serialize()
    target.close()
    return raw


@dataclass
class Cut:
    """A disk after a power cut."""

    after: str
    files: dict[str, bytes]


def cuts(log: Log) -> Iterator[Cut]:
    """Every disk that a cut after each event could leave, at the two extremes."""
    flushed: dict[int, bytes] = {}  # inode to content that lasts
    lasting: dict[str, int] = {}  # name to inode that lasts
    pending: list[tuple[str, Any]] = []
    catalog: bytes | None = None
    for number, (what, value) in enumerate(log.events):
        if what == "flush":
            flushed[value[0]] = value[1]
        elif what == "commit":
            catalog = value
        elif what == "flush names":
            lasting = _applied(lasting, pending)
            pending = []
        else:
            pending.append((what, value))
        for label, names in (("lost", lasting), ("kept", _applied(lasting, pending))):
            # A file whose name arrived and whose content did not is empty or, worse, full of zeros.
            files = {name: flushed.get(inode, bytes(64)) for name, inode in names.items()}
            if catalog is not None:
                files[CATALOG] = catalog
                yield Cut(f"{number} {what}, names {label}", files)


def _applied(names: dict[str, int], pending: list[tuple[str, Any]]) -> dict[str, int]:
    names = dict(names)
    for what, value in pending:
        if what == "rename":
            names.pop(value[0], None)
            names[value[1]] = value[2]
        else:
            names.pop(value, None)
    return names


def check(cut: Cut, place: Path, model: Path, commits: dict[int, State]) -> None:
    """The disk holds an index that is whole and answers as of a commit."""
    place.mkdir(parents=True)
    for name, content in cut.files.items():
        (place / name).write_bytes(content)
    with small_steps(), Embedder.load(model, threads=1) as embedder:
        with Index.open(place, model=embedder) as index:
            report = index.verify()
            assert report.ok, (cut.after, report.problems)
            generation = index.status().generation
            assert {hit.id for hit in index.search("boat", k=1000)} == set(commits[generation])
        assert logical_state(place) == commits[generation], cut.after


if __name__ == "__main__":
    from tests.support.tiny import tiny_text_bundle

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch, "cache"))
        (Path(scratch) / "notes").mkdir()
        bundle = tiny_text_bundle(Path(scratch, "tiny"))
        recorded = record(Path(scratch) / "notes", bundle)
        tried = 0
        for disk in cuts(recorded):
            check(disk, Path(scratch, "disk"), bundle, recorded.commits)
            shutil.rmtree(Path(scratch, "disk"))
            tried += 1
        print(f"{len(recorded.events)} events, {tried} disks, each whole and as of a commit")
