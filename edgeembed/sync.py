"""Bringing the index of a folder up to date: what changed, and taking it in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .documents import Document, open_file, read_document
from .files import FileStat, check_still_there, identity, walk
from .formats import may_have_reader
from .origin import SETTING as ORIGIN
from .origin import check_origin, origin, origin_setting
from .readers import VERSION as READERS_VERSION
from .readers.extracted import is_there_now
from .skipped import EMPTIED, FORBIDDEN, NOT_A_FILE, OWN_INDEX, UNREADABLE, Skipped, is_left_out_picture
from .snapshot import FileRow
from .store import Store
from .worker import Worker, WorkerCancelled
from .writer import Taken, Writer

_RACY_NS = 2_000_000_000
"""A file changed this shortly before it was read may have changed again within one tick of the file system's clock."""
_READERS = "readers"
"""Setting: the version of the readers that all files of this index were read with."""


@dataclass(frozen=True)
class SyncPlan:
    """What a sync would do."""

    new: tuple[FileStat, ...]
    changed: tuple[FileStat, ...]
    """Files whose size or time differ from what was seen last, and those that could not be read then and can be now."""
    recheck: tuple[FileStat, ...]
    """Files that look the same, but were so young when they were read that this proves nothing, or could not be read,
    or were read by an older edgeembed, or are pictures from when no model embedded them."""
    removed: tuple[str, ...]
    unchanged: int
    """Files that are in the index as they are."""
    skipped: tuple[Skipped, ...]
    """Folders that cannot be entered, pipes and the like, and files that were skipped before and did not change; the
    whole folder, as ``.``, if it holds no file any more and its index, which lies elsewhere, does: then nothing is
    removed."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.new or self.changed or self.recheck or self.removed)


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


def plan_sync(root: Path, index: Store, *, exclude: Path | None = None) -> SyncPlan:
    """Walk a folder, without what is in ``exclude``, and compare it with its index; changes nothing.

    Raises:
        FolderMismatchError: the index holds the files of another folder, and is not one that is being made anew.
    """
    known, readers, made_from = index.ask(lambda held: (held.files(), held.setting(_READERS), origin(held)))
    known_count = len(known)
    old_readers, sees = readers != str(READERS_VERSION), index.sees
    new, changed, recheck, skipped, others = [], [], [], [], list[Skipped]()
    closed = list[str]()
    unchanged = 0
    for entry in walk(root, exclude=filter(None, (index.path, exclude))):
        if isinstance(entry, Skipped) and entry.reason.startswith(NOT_A_FILE):
            others.append(entry)
            continue  # and a file that had its name is gone
        row = known.pop(entry.path, None)
        if isinstance(entry, Skipped):
            skipped.append(entry)
            if entry.reason != OWN_INDEX:
                closed.append(entry.path.rstrip("/") + "/")
        elif row is None:
            new.append(entry)
        elif _looks_changed(root, entry, row):
            changed.append(entry)
        elif (
            row.mtime_ns > row.checked_ns - _RACY_NS
            or (row.reason or "").startswith(UNREADABLE)
            or (old_readers and _would_read_better(entry, row))
            or (sees and is_left_out_picture(row.reason))
        ):
            recheck.append(entry)
        elif row.reason is None:
            unchanged += 1
        else:
            skipped.append(Skipped(entry.path, row.reason))
    is_empty = not (new or changed or recheck or unchanged or skipped)
    if known and is_empty and not _is_inside(index.path, root):
        # Deleted, or a drive that is not mounted: nothing here tells. An index inside tells that the drive is.
        skipped.append(Skipped(".", EMPTIED))
        closed.append("")
        unchanged = sum(row.reason is None for row in known.values())
    # What cannot be read now, or lies under a folder that cannot, is not gone.
    removed = [path for path in known if not path.startswith(tuple(closed))]
    if exclude is None and not is_empty:
        check_origin(root, index.path, made_from, known=known_count, missing=len(removed))
    return SyncPlan(tuple(new), tuple(changed), tuple(recheck), tuple(removed), unchanged, (*skipped, *others))


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
        writer.note(ORIGIN, origin_setting(root))
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


def _is_inside(place: Path, root: Path) -> bool:
    return place.resolve().is_relative_to(root.resolve())


def _looks_changed(root: Path, stat: FileStat, row: FileRow) -> bool:
    if row.reason is not None and is_there_now(row.reason):
        return True
    if row.reason == FORBIDDEN and _may_be_read(root / stat.path):
        return True
    return (stat.size_bytes, stat.mtime_ns) != (row.size_bytes, row.mtime_ns)


def _may_be_read(path: Path) -> bool:
    """Whether the system lets us read a file; permissions do not tell, on Windows another program may keep it."""
    try:
        open_file(path).close()
    except OSError:
        return False
    return True


def _would_read_better(stat: FileStat, row: FileRow) -> bool:
    """Whether newer readers may find more in a file than older ones did."""
    return row.reason is not None or may_have_reader(stat.path)
