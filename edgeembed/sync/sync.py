"""Bringing the index of a folder up to date: what changed, and taking it in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..catalog.snapshot import FileRow
from ..document import Document
from ..reading.entries import UNREADABLE, FileStat, Skipped
from ..reading.read_file import read_document
from ..reading.readers import VERSION as READERS_VERSION
from ..reading.sandbox.process import Worker, WorkerCancelled
from ..storage.store import Store
from ..storage.writer import Taken, Writer
from .plan import _READERS, SyncPlan, plan_sync, source_folder_setting
from .plan import SOURCE_FOLDER_SETTING as ORIGIN
from .walk import check_still_there, identity


@dataclass(frozen=True)
class SyncProgress:
    """How far a sync has come."""

    done_bytes: int
    total_bytes: int
    done_files: int
    total_files: int


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    added: int
    """Files that are in the index and were not before."""
    updated: int
    """Files whose text changed."""
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    """All files that are left out, also those known from earlier syncs."""
    embedded: int
    """Chunks that had to be embedded; a renamed file needs none."""
    cancelled: bool


@dataclass
class _Tally:
    """A report in the making."""

    taken: Counter[Taken] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)


def sync(
    root: Path,
    index: Store,
    *,
    progress: Callable[[SyncProgress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    exclude: Path | None = None,
) -> SyncReport:
    """What :meth:`edgeembed.Folder.sync` does; ``exclude`` is the old index while a new one is made."""
    before = identity(root)
    plan = plan_sync(root, index, exclude=exclude)
    tally = _Tally(skipped=list(plan.skipped))
    if plan.is_empty:
        index.sweep()
        return SyncReport(0, 0, 0, plan.unchanged, tuple(tally.skipped), 0, False)
    with index.writing(cancel=cancel) as writer:
        writer.note(ORIGIN, source_folder_setting(root))
        removed = writer.remove(plan.removed)
        with Worker(cancel=writer.stopped) as worker:
            for step in _take(root, before, index, writer, worker, plan, tally):
                if progress is not None:
                    progress(step)
        if not writer.cancelled:
            writer.note(_READERS, str(READERS_VERSION))
        writer.commit()
    return SyncReport(
        added=tally.taken["new"],
        updated=tally.taken["changed"],
        removed=removed,
        unchanged=plan.unchanged + tally.taken["same"],
        skipped=tuple(tally.skipped),
        embedded=writer.embedded,
        cancelled=writer.cancelled,
    )


def _take(
    root: Path,
    before: tuple[int, int],
    index: Store,
    writer: Writer,
    worker: Worker,
    plan: SyncPlan,
    tally: _Tally,
) -> Iterator[SyncProgress]:
    """Read new and changed files into the writer until all are in or it is cancelled; ``before`` is which root."""
    todo = sorted([*plan.new, *plan.changed, *plan.recheck], key=lambda stat: stat.path)
    total_bytes, done_bytes = sum(stat.size_bytes for stat in todo), 0
    with suppress(WorkerCancelled):
        for number, (stat, row, document) in enumerate(_read_ahead(root, index, worker, todo), 1):
            if isinstance(document, Skipped):
                check_still_there(root, before)
            if not _take_document(writer, stat, row, document, tally):
                return
            done_bytes += stat.size_bytes
            yield SyncProgress(done_bytes, total_bytes, number, len(todo))


def _read_ahead(
    root: Path, index: Store, worker: Worker, todo: Iterable[FileStat]
) -> Iterator[tuple[FileStat, FileRow, Document | Skipped]]:
    """What is in files, in order; the next one is read while the caller is busy with the one before."""
    pictures = index.pictures

    def read(stat: FileStat) -> tuple[FileStat, FileRow, Document | Skipped]:
        row = FileRow(stat.size_bytes, stat.mtime_ns, time.time_ns(), None)
        return stat, row, read_document(root, stat, worker=worker, pictures=pictures)

    with ThreadPoolExecutor(1, thread_name_prefix="edgeembed-read") as pool:
        following = None
        try:
            for stat in todo:
                ready, following = following, pool.submit(read, stat)
                if ready is not None:
                    yield ready.result()
            if following is not None:
                yield following.result()
        finally:
            if following is not None:
                following.cancel()


def _take_document(writer: Writer, stat: FileStat, row: FileRow, document: Document | Skipped, tally: _Tally) -> bool:
    """Hand what was read to the writer; ``False``: it was cancelled."""
    if isinstance(document, Skipped):
        tally.skipped.append(document)
        passing = document.reason.startswith(UNREADABLE)
        writer.skip(stat.path, row._replace(reason=document.reason), keep=passing)
        return not writer.stopped()

    def failed(taken: Taken, reason: str) -> None:  # pictures are decoded on the way into the model
        tally.taken[taken] -= 1
        tally.skipped.append(Skipped(stat.path, reason))

    taken = writer.add(document, file=row, failed=failed)
    if taken is not None:
        tally.taken[taken] += 1
    return taken is not None
