"""What a sync would do: the files of a folder compared with those that its index knows."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..catalog.snapshot import FileRow, Snapshot
from ..errors import FolderMismatchError
from ..reading.detect import may_have_reader
from ..reading.entries import (
    EMPTIED,
    FORBIDDEN,
    NOT_A_FILE,
    OWN_INDEX,
    UNREADABLE,
    FileStat,
    Skipped,
    is_left_out_picture,
)
from ..reading.extras import is_there_now
from ..reading.read_file import open_file
from ..reading.readers import VERSION as READERS_VERSION
from ..storage.index_dir import INDEX_NAME
from ..storage.store import Store
from .walk import walk

SOURCE_FOLDER_SETTING = "folder"
"""Setting: where the folder was at the last sync that changed anything, as JSON, which takes every file name."""
_FEW = 5
"""So few files are read again sooner than anybody has read a message."""


def source_folder(snapshot: Snapshot) -> Path | None:
    """The folder whose files an index holds; ``None``: it comes from an older edgeembed, or from no folder."""
    value = snapshot.setting(SOURCE_FOLDER_SETTING)
    return None if value is None else Path(json.loads(value))


def source_folder_setting(root: Path) -> str:
    """What is remembered of a folder."""
    return json.dumps(os.fspath(root.resolve()))


def check_source_folder(root: Path, place: Path, made_from: Path | None, *, known: int, missing: int) -> None:
    """Refuse to bring an index up to date with another folder than its own; one that was moved is the same.

    Args:
        root: the folder that was named.
        place: the index.
        made_from: as :func:`source_folder` says.
        known: files that the index knows.
        missing: of these, how many are not in ``root``.

    Raises:
        FolderMismatchError: it is another, and most of the files are not there; all of them, where it is not known
            what the folder was.
    """
    inside = place.name == INDEX_NAME
    if known <= _FEW or made_from == root.resolve() or (inside and place.resolve().parent == root.resolve()):
        return
    if 2 * missing > known if made_from is not None else missing == known:
        raise FolderMismatchError(place, made_from or (place.parent if inside else None), root, known, missing)


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


def plan_sync(root: Path, index: Store, *, exclude: Path | None = None) -> SyncPlan:
    """Walk a folder, without what is in ``exclude``, and compare it with its index; changes nothing.

    Raises:
        FolderMismatchError: the index holds the files of another folder, and is not one that is being made anew.
    """
    known, readers, made_from = index.ask(lambda held: (held.files(), held.setting(_READERS), source_folder(held)))
    known_count = len(known)
    old_readers, sees = readers != str(READERS_VERSION), index.embeds_images
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
        check_source_folder(root, index.path, made_from, known=known_count, missing=len(removed))
    return SyncPlan(tuple(new), tuple(changed), tuple(recheck), tuple(removed), unchanged, (*skipped, *others))


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
