"""What a sync would do: the files of a folder compared with those that its index knows."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path, PurePosixPath

from ..catalog import settings
from ..catalog.rows import BEGUN, CHANGING, FileRow
from ..catalog.snapshot import Snapshot
from ..reading.detect import HEAD_BYTES, may_have_reader
from ..reading.entries import (
    EMPTIED,
    FORBIDDEN,
    NOT_A_FILE,
    OWN_INDEX,
    UNREADABLE,
    FileStat,
    Skipped,
    is_left_out_image,
)
from ..reading.extras import is_broken_build, is_there_now
from ..reading.mail_files import mail_reader, may_be_mail
from ..reading.read_file import open_file
from ..reading.readers import VERSION as READERS_VERSION
from ..storage.store import Store
from .companions import with_companions
from .retries import is_due
from .source_folder import check_source_folder, source_folder
from .walk import walk
from .walk_options import LeftOut, WalkOptions, recorded_options

_RACY_NS = 2_000_000_000
"""A file changed this shortly before it was read may have changed again within one tick of the file system's clock."""


@dataclass(frozen=True)
class SyncPlan:
    """What a sync would do."""

    new: tuple[FileStat, ...]
    changed: tuple[FileStat, ...]
    """Files whose size or time differ from what was seen last, and those that could not be read then and can be now."""
    recheck: tuple[FileStat, ...]
    """Files that look the same, but were so young when they were read that this proves nothing, or have another inode
    or ctime, or could not be read in time, or were read by an older edgeembed, or are images from when no model
    embedded them."""
    removed: tuple[str, ...]
    unchanged: int
    """Files that are in the index as they are."""
    skipped: tuple[Skipped, ...]
    """Folders that cannot be entered, pipes and the like, and files that were skipped before and did not change; the
    whole folder, as ``.``, if it holds no file any more and its index, which lies elsewhere, does: then nothing is
    removed."""
    unstamped: tuple[tuple[str, FileRow], ...] = ()
    """Paths and rows of unchanged files of which an older edgeembed did not record inode and ctime, with them."""
    renumbered: frozenset[str] = frozenset()
    """Of ``recheck``, paths of files that have another inode, and nothing else that is new."""
    options: WalkOptions = field(default_factory=WalkOptions)
    """What was taken in."""
    left_out: tuple[LeftOut, ...] = ()
    """What was left out on purpose, if that was asked for."""
    is_whole: bool = True
    """Whether the whole folder was looked at."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.new or self.changed or self.recheck or self.removed)


class _State(IntEnum):  # and no Enum, whose hash is computed in Python: there may be a hundred thousand files
    """A file beside what the index knows of it."""

    NEW = 0
    CHANGED = 1
    RECHECK = 2
    UNCHANGED = 3
    SKIPPED = 4


@dataclass(frozen=True)
class _Circumstances:
    """What decides, besides the file itself, whether it is read again."""

    root: Path
    has_old_readers: bool
    embeds_images: bool
    unstable_inodes: bool
    checksum: bool
    """Whether every file is read, however it looks."""

    @classmethod
    def of(cls, snapshot: Snapshot, root: Path, *, embeds_images: bool, checksum: bool) -> _Circumstances:
        """As an index records them."""
        has_old_readers = snapshot.setting(settings.READERS_VERSION) != str(READERS_VERSION)
        unstable_inodes = snapshot.setting(settings.UNSTABLE_INODES) == "1"
        return cls(root, has_old_readers, embeds_images, unstable_inodes, checksum)

    def state(self, file: FileStat, row: FileRow | None) -> _State:
        """What a file is to an index that knows ``row`` of it; ``None``: nothing."""
        if row is None or row.reason_kind == BEGUN:
            return _State.NEW
        if row.reason_kind == CHANGING or self._looks_changed(file, row):
            return _State.CHANGED
        if self._may_differ(file, row):
            return _State.RECHECK
        return _State.SKIPPED if row.state == "skipped" else _State.UNCHANGED

    def _looks_changed(self, file: FileStat, row: FileRow) -> bool:
        if row.reason is not None and is_there_now(row.reason):
            return True
        if row.reason == FORBIDDEN and _may_be_read(self.root / file.path):
            return True
        return (file.size_bytes, file.mtime_ns) != (row.size_bytes, row.mtime_ns)

    def _may_differ(self, file: FileStat, row: FileRow) -> bool:
        """Whether a file that looks the same may have other content, or may be read better now."""
        return (
            self.checksum
            or self._is_replaced(file, row)
            or row.mtime_ns > row.checked_ns - _RACY_NS
            or (row.reason or "").startswith(UNREADABLE)
            or is_broken_build(row.reason)
            or (row.reason is not None and is_due(row, time.time_ns()))
            or (self.has_old_readers and (row.reason is not None or self._has_reader(file.path)))
            or (self.embeds_images and is_left_out_image(row.reason))
        )

    def _has_reader(self, path: str) -> bool:
        """Whether a file may be read otherwise by newer readers; of mail without a suffix its content tells."""
        if may_have_reader(path) or not may_be_mail(path):
            return may_have_reader(path)
        try:
            with open_file(self.root / path) as file:
                return mail_reader(file.read(HEAD_BYTES), path) is not None
        except OSError:
            return False

    def _is_replaced(self, file: FileStat, row: FileRow) -> bool:
        """Whether another file, perhaps of the same content, may have taken the place of the one that was read."""
        if row.ctime_ns is not None and file.ctime_ns is not None and row.ctime_ns != file.ctime_ns:
            return True
        return not self.unstable_inodes and has_other_inode(file, row)


def has_other_inode(file: FileStat, row: FileRow) -> bool:
    """Whether both inodes are known, and differ."""
    return row.inode is not None and file.inode is not None and row.inode != file.inode


class _Stamps:
    """What inodes and ctimes say of files, beside whether these are read again."""

    def __init__(self) -> None:
        self.unstamped: list[tuple[str, FileRow]] = []
        self.renumbered: list[str] = []

    def compare(self, file: FileStat, row: FileRow, state: _State) -> None:
        """Look at one file."""
        if row.ctime_ns is None and state in (_State.UNCHANGED, _State.SKIPPED):
            self.unstamped.append((file.path, row._replace(inode=file.inode, ctime_ns=file.ctime_ns)))
        elif state is _State.RECHECK and row.ctime_ns == file.ctime_ns and has_other_inode(file, row):
            self.renumbered.append(file.path)


class _Compared:
    """The files of a folder, sorted by what they are to its index."""

    def __init__(self) -> None:
        self.files: list[list[FileStat]] = [[] for _ in _State]
        self.skipped: list[Skipped] = []
        self.not_files: list[Skipped] = []
        self.closed: list[str] = []
        """Prefixes of paths below which nothing counts as gone."""
        self.stamps = _Stamps()

    def compare(
        self, entries: Iterable[FileStat | Skipped], rows: dict[str, FileRow], circumstances: _Circumstances
    ) -> None:
        """Sort what a walk yields; what is known of it is taken out of ``rows``."""
        for entry in entries:
            if isinstance(entry, Skipped) and entry.reason.startswith(NOT_A_FILE):
                self.not_files.append(entry)  # and a file that had its name is gone
                continue
            row = rows.pop(entry.path, None)
            if isinstance(entry, FileStat):
                state = circumstances.state(entry, row)
                self.files[state].append(entry)
                if row is not None:
                    self.stamps.compare(entry, row, state)
                if state is _State.SKIPPED and row is not None:
                    self.skipped.append(Skipped(entry.path, row.reason or ""))
            else:
                self.skipped.append(entry)
                if entry.reason != OWN_INDEX:
                    self.closed.append(entry.path.rstrip("/") + "/")

    def plan(self, later: Collection[str]) -> SyncPlan:
        """What is to be done about what a walk yielded, without the files that stay as they are for now."""
        new, changed, recheck = (
            tuple(file for file in self.files[state] if file.path not in later)
            for state in (_State.NEW, _State.CHANGED, _State.RECHECK)
        )
        return SyncPlan(
            new=new,
            changed=changed,
            recheck=recheck,
            removed=(),
            unchanged=len(self.files[_State.UNCHANGED]),
            skipped=(*self.skipped, *self.not_files),
            unstamped=tuple(self.stamps.unstamped),
            renumbered=frozenset(self.stamps.renumbered),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing."""
        return not (self.skipped or any(self.files))


def plan_sync(
    root: Path,
    store: Store,
    *,
    exclude: Path | None = None,
    checksum: bool = False,
    options: WalkOptions | None = None,
    below: str | Collection[str] = "",
    deep: bool = True,
    later: Collection[str] = (),
    lists_left_out: bool = False,
) -> SyncPlan:
    """Walk a folder, without what is in ``exclude``, and compare it with its index; changes nothing.

    Args:
        checksum: every file is to be looked at again.
        options: ``None``: those that the index records.
        below: only what is in this folder, as in :func:`walk`, or in these.
        deep: ``False``: not what is in the folders that are in it.
        later: paths of files that stay as they are for now, whatever became of their contents.
        lists_left_out: whether to list what is left out on purpose, which takes a moment more.

    Raises:
        FolderMismatchError: the index holds the files of another folder, and is not one that is being made anew.
    """
    parts = _parts(below, deep=deep)
    rows, recorded_root, circumstances, recorded = store.read(
        lambda snapshot: (
            {path: row for part in parts for path, row in _rows_in(snapshot, part, deep=deep).items()},
            source_folder(snapshot),
            _Circumstances.of(snapshot, root, embeds_images=store.embeds_images, checksum=checksum),
            recorded_options(snapshot),
        )
    )
    options = recorded if options is None else options
    known_count = len(rows)
    left_out: list[LeftOut] | None = [] if lists_left_out else None
    excluded = [path for path in (store.path, exclude) if path is not None]
    found = _Compared()
    for part in parts:
        entries = walk(root, exclude=excluded, options=options, below=part, deep=deep, left_out=left_out)
        entries = with_companions(entries, left_out) if circumstances.embeds_images else entries
        found.compare(entries, rows, circumstances)
    unchanged = len(found.files[_State.UNCHANGED])
    is_whole, is_empty = parts == ("",) and deep, found.is_empty
    if rows and is_empty and is_whole and not _is_inside(store.path, root):
        # Deleted, or a drive that is not mounted: nothing here tells. An index inside tells that the drive is.
        found.skipped.append(Skipped(".", EMPTIED))
        found.closed.append("")
        unchanged = _count_indexed(rows)
    # What cannot be read now, or lies under a folder that cannot, is not gone.
    removed = tuple(path for path in rows if not path.startswith(tuple(found.closed)))
    if exclude is None and not is_empty and is_whole:
        check_source_folder(root, store.path, recorded_root, known=known_count, missing=len(removed))
    plan = replace(found.plan(later), removed=removed, unchanged=unchanged, is_whole=is_whole)
    return replace(plan, options=options, left_out=tuple(left_out or ()))


def _parts(below: str | Collection[str], *, deep: bool) -> tuple[str, ...]:
    """The folders to look at, each once, in order."""
    parts = {below} if isinstance(below, str) else set(below)
    if deep and "" in parts:
        return ("",)
    inner = {part for part in parts if deep and any(part.startswith(f"{other}/") for other in parts if other)}
    return tuple(sorted(parts - inner))


def _rows_in(snapshot: Snapshot, folder: str, *, deep: bool) -> dict[str, FileRow]:
    """Files in a folder; and those that had its name, or that of a folder which it is in, and so are none any more."""
    rows = snapshot.files(below=folder, deep=deep)
    names = [str(name) for name in (PurePosixPath(folder), *PurePosixPath(folder).parents)] if folder else []
    return rows | {name: row for name in names if (row := snapshot.file(name)) is not None}


def _count_indexed(rows: Mapping[str, FileRow]) -> int:
    return sum(row.state != "skipped" for row in rows.values())


def _is_inside(index_dir: Path, root: Path) -> bool:
    return index_dir.resolve().is_relative_to(root.resolve())


def _may_be_read(path: Path) -> bool:
    """Whether the system lets us read a file; permissions do not tell, on Windows another program may keep it."""
    try:
        open_file(path).close()
    except OSError:
        return False
    return True
