"""How a rebuilt index takes the place of the old one, and how that is undone."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from ..catalog.database import CATALOG_NAME
from ..errors import IndexCorruptError, IndexNotWritableError
from ..system.files import sync_folder
from .index_dir import INDEX_NAME, check_index_dir, foreign_files, is_own_name
from .lock import process_lock

_SWITCH_SECONDS = 60.0


def rebuild_dir(index_dir: Path) -> Path:
    """Where the index that is to take the place of another is made."""
    return _beside(index_dir, ".new")


def begun_rebuild(index_dir: Path) -> Path | None:
    """Where an index is being made anew, or was when its process died; ``None``: nowhere."""
    scratch = rebuild_dir(index_dir.resolve())
    return scratch if _is_index(scratch) else None


def roll_back_swap(index_dir: Path) -> None:
    """Take the old index back, if a process died before it had put the new one in its place."""
    index_dir = index_dir.resolve()
    # By os.path, to which a folder that may not be entered holds nothing.
    if not os.path.exists(index_dir) and _is_index(old := _beside(index_dir, ".old")):  # noqa: PTH110
        old.rename(index_dir)


def check_swap(index_dir: Path) -> None:
    """Refuse a rebuild that would touch what is not edgeembed's; raises as :func:`check_index_dir`."""
    check_index_dir(index_dir)
    check_index_dir(rebuild_dir(index_dir))
    check_index_dir(_beside(index_dir, ".old"))


def swap_in(index_dir: Path, scratch: Path) -> None:
    """Put the new index in the place of the old one, while nobody writes to either.

    If the process dies between the two renames, :func:`roll_back_swap` takes the old one back.

    Raises:
        As :func:`check_index_dir`: something was put into one of the folders meanwhile.
    """
    old = _beside(index_dir, ".old")
    with ExitStack() as locks:
        for folder in (index_dir, scratch):
            if (folder / CATALOG_NAME).is_file():
                locks.enter_context(process_lock(folder, wait_seconds=_SWITCH_SECONDS))
        if not (scratch / CATALOG_NAME).is_file():
            return  # another process made the same index anew and was first
        check_swap(index_dir)
        if os.name == "nt":
            locks.close()  # a folder in which a file is open cannot be renamed there
        remove_index(old)
        if index_dir.exists():
            index_dir.rename(old)
        scratch.rename(index_dir)
        sync_folder(index_dir.parent)
    remove_index(old)


def forget_index(index_dir: Path) -> None:
    """Remove an index, and what a rebuild of it left, while nobody writes to it; nothing that is not edgeembed's.

    Raises:
        IndexCorruptError: it is a link, or holds one.
        IndexLockedError: another process is writing.
        IndexNotWritableError: the system does not let it be removed.
        NotAnIndexError: other files lie in it; nothing is removed.
    """
    if index_dir.is_symlink():
        raise IndexCorruptError(index_dir, "is a link, which is not followed", "name its target with --index")
    scratch = rebuild_dir(index_dir.resolve())
    with process_lock(index_dir):
        check_index_dir(index_dir)
    remove_index(index_dir)
    if (index_dir / CATALOG_NAME).exists():
        raise IndexNotWritableError(index_dir, "could not be removed")
    if _is_index(scratch):
        remove_index(scratch)


def remove_index(folder: Path) -> None:
    """Remove the files of an index and then its folder, as far as the system lets us; what is not ours stays."""
    with suppress(OSError):
        # The catalog first: without it the rest is no index, and whoever comes next does not take it for one.
        for name in sorted(os.listdir(folder), key=lambda name: name != CATALOG_NAME):  # noqa: PTH208 (names)
            if is_own_name(name):
                with suppress(OSError):
                    (folder / name).unlink()
        folder.rmdir()


def _beside(index_dir: Path, end: str) -> Path:
    """A folder for a while; its name is hidden and says whose it is, so that nobody else has one like it."""
    name = index_dir.name if index_dir.name.startswith(INDEX_NAME) else f"{INDEX_NAME}-{index_dir.name}"
    return index_dir.with_name(name + end)


def _is_index(folder: Path) -> bool:
    return os.path.isfile(folder / CATALOG_NAME) and not any(foreign_files(folder))  # noqa: PTH113
