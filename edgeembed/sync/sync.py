"""Bringing the index of a folder up to date: what changed, and taking it in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..catalog import settings
from ..catalog.rows import FileRow
from ..document import Document
from ..reading.entries import FileStat, Skipped
from ..reading.parts import FileParts, LostPart, PartDocument
from ..reading.read_file import FileDocument, read_document
from ..reading.readers import VERSION as READERS_VERSION
from ..reading.sandbox.process import Worker, WorkerCancelled
from ..storage.store import Store
from ..system.files import file_id
from .parted_file import PartedFile
from .plan import SyncPlan, plan_sync
from .report import SyncProgress, SyncReport
from .retries import counted, keeps_what_is_indexed
from .source_folder import source_folder_setting
from .walk import check_still_there
from .walk_options import WalkOptions, recorded_options

if TYPE_CHECKING:
    from ..storage.commands import Change
    from ..storage.writer import Writer


_SEVERAL = 3
_Read = tuple[FileStat, FileRow, Document | LostPart | Skipped | None]


class _Run:
    """One sync of a folder into its index: reads files, hands them to the writer, and counts."""

    def __init__(self, root: Path, store: Store, plan: SyncPlan) -> None:
        self._root = root
        self._store = store
        self._plan = plan
        self._todo = sorted([*plan.new, *plan.changed, *plan.recheck], key=lambda file: file.path)
        self._total_bytes = sum(file.size_bytes for file in self._todo)
        self.skipped = list(plan.skipped)
        self._renumbered: Counter[Change] = Counter()

    @property
    def has_unstable_inodes(self) -> bool:
        """Whether several files have another inode, and nothing else about them changed: here inodes tell nothing."""
        return self._renumbered["same"] >= _SEVERAL and len(self._renumbered) == 1

    def progress(self, writer: Writer) -> SyncProgress:
        """How far it has come."""
        done = min(round(writer.work.done), self._total_bytes)
        return SyncProgress(done, self._total_bytes, writer.work.documents, len(self._todo))

    def take(self, writer: Writer, worker: Worker, root_id: tuple[int, int]) -> None:
        """Read new and changed files into the writer until all are in or it is cancelled.

        Args:
            root_id: :func:`file_id` of the folder when the sync began: what vanishes with it was not deleted.
        """
        parted: PartedFile | None = None
        with suppress(WorkerCancelled):
            for file, row, item in self._read_ahead(writer, worker):
                if isinstance(item, (Skipped, LostPart)):
                    check_still_there(self._root, root_id)
                if isinstance(item, (PartDocument, LostPart)):
                    parted = parted or PartedFile(self._store, writer, file, row)
                    goes_on = parted.add(item)
                elif parted is not None:
                    goes_on, parted = self._end(parted, file, item), None
                else:
                    goes_on = item is None or self._add(writer, file, row, item)
                if not goes_on:
                    return
                writer.report()

    def count_failed(self, writer: Writer) -> None:
        """Images are decoded on the way into the model: those that could not be read turn out late."""
        for failed in writer.failed_images():
            self.skipped.append(Skipped(failed.id, failed.error.reason))

    def _add(self, writer: Writer, file: FileStat, row: FileRow, document: Document | Skipped) -> bool:
        """Hand what was read to the writer; ``False``: it was cancelled."""
        if isinstance(document, Skipped):
            self.skipped.append(document)
            before = self._store.read(lambda snapshot: snapshot.file(file.path))
            reason = counted(document.reason, before, row)
            keep = keeps_what_is_indexed(reason, before, row)
            writer.skip(file.path, row.skipped(reason), keep=keep)
            self.count_failed(writer)
            return not writer.stopped()
        missing = document.missing if isinstance(document, FileDocument) else None
        change = writer.add(document, file=row if missing is None else row.incomplete(missing))
        if change is not None and file.path in self._plan.renumbered:
            self._renumbered[change] += 1
        self.count_failed(writer)
        return change is not None and not writer.stopped()

    def _end(self, parted: PartedFile, file: FileStat, rest: Document | Skipped | None) -> bool:
        """Record a file of many documents; ``rest``: why what is left of it cannot be read."""
        left_out = parted.end(rest.reason if isinstance(rest, Skipped) else None)
        if left_out is not None:
            self.skipped.append(left_out)
        elif file.path in self._plan.renumbered:
            self._renumbered[parted.change] += 1
        return not parted.writer.stopped()

    def _read_ahead(self, writer: Writer, worker: Worker) -> Iterator[_Read]:
        """What is in files, in order; the next one is read while the caller is busy with the one before."""
        reads = self._reads(worker)
        with ThreadPoolExecutor(1, thread_name_prefix="edgeembed-read") as pool:
            following = pool.submit(next, reads, None)
            try:
                while (ready := writer.wait(following)) is not None:
                    following = pool.submit(next, reads, None)
                    yield ready
            finally:
                following.cancel()

    def _reads(self, worker: Worker) -> Iterator[_Read]:
        """What is in each file; of one with many documents each of them, and at its end ``None``, or why it ends."""
        request = self._store.models.decode_request
        for file in self._todo:
            row = FileRow(file.size_bytes, file.mtime_ns, time.time_ns(), inode=file.inode, ctime_ns=file.ctime_ns)
            found = read_document(self._root, file, worker=worker, images=request)
            if not isinstance(found, FileParts):
                yield file, row, found
                continue
            item: PartDocument | LostPart | Skipped | None = None
            for item in found.items:
                yield file, row, item
            if not isinstance(item, Skipped):
                yield file, row, None


def sync(
    root: Path,
    store: Store,
    *,
    progress: Callable[[SyncProgress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    exclude: Path | None = None,
    checksum: bool = False,
    options: WalkOptions | None = None,
    below: str | Collection[str] = "",
    deep: bool = True,
    later: Collection[str] = (),
) -> SyncReport:
    """What :meth:`edgeembed.Folder.sync` does; ``exclude`` is the old index while a new one is made."""
    root_id = file_id(root)
    plan = plan_sync(
        root, store, exclude=exclude, checksum=checksum, options=options, below=below, deep=deep, later=later
    )
    is_told = options is not None and options != store.read(recorded_options)
    if plan.is_empty and not plan.unstamped and not is_told:
        store.collect_garbage()
        return SyncReport(0, 0, 0, plan.unchanged, plan.skipped, 0, False)
    run = _Run(root, store, plan)
    with store.writing(cancel=cancel) as writer:
        writer.put_setting(settings.SOURCE_FOLDER, source_folder_setting(root))
        if is_told:
            writer.put_setting(settings.WALK, plan.options.to_setting())
        removed = writer.remove(plan.removed)
        for path, row in plan.unstamped:
            writer.put_file(path, row)
        if progress is not None:
            writer.report = lambda: progress(run.progress(writer))
        with Worker(cancel=writer.stopped) as worker:
            run.take(writer, worker, root_id)
        if run.has_unstable_inodes:
            writer.put_setting(settings.UNSTABLE_INODES, "1")
        if not writer.cancelled and plan.is_whole:
            writer.put_setting(settings.READERS_VERSION, str(READERS_VERSION))
        writer.commit()
        run.count_failed(writer)
        writer.report()
    return SyncReport(
        added=writer.applied["new"],
        updated=writer.applied["changed"],
        removed=removed,
        unchanged=plan.unchanged + writer.applied["same"],
        skipped=tuple(run.skipped),
        embedded=writer.embedded,
        cancelled=writer.cancelled,
    )
