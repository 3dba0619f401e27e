"""Where the index of a folder goes, unless somebody named a place: into the folder itself, or into the user's cache."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from ..catalog.database import CATALOG_NAME
from ..errors import IndexNotWritableError
from ..system.cloud_clients import cloud_client
from ..system.files import cache_path
from .index_dir import INDEX_NAME

NAME_ANOTHER = "name a folder for the index that you may write to: index= (Python), --index (command line)"


class IndexPlace(NamedTuple):
    """Where the index of a folder is, or would be made."""

    path: Path
    reason: str | None
    """Why it is not in the folder itself, in words that follow its name; ``None``: it is."""
    is_to_be_told: bool = False
    """Whether whoever uses it should be told: always where nothing can be written, of a copied folder once."""


def index_place(folder: Path) -> IndexPlace:
    """Where the index of ``folder`` is, or would be made; one that is in the folder stays there.

    Raises:
        IndexNotWritableError: the folder cannot be written, and nobody can tell where the user's cache is.
    """
    inside = folder / INDEX_NAME
    is_writable = os.access(folder, os.W_OK)
    if _is_file(inside / CATALOG_NAME):
        return IndexPlace(inside, None)
    reason = "cannot be written"
    if is_writable:
        client = cloud_client(folder)
        reason = f"is copied to other machines by {client}, which would damage an index in use"
        if client is None:
            return IndexPlace(inside, None)
    cache = cache_path(folder, "indexes")
    if cache is not None:
        return IndexPlace(cache, reason, is_to_be_told=not is_writable or not _is_file(cache / CATALOG_NAME))
    if is_writable:
        return IndexPlace(inside, None)
    raise IndexNotWritableError(folder, f"{reason}, and you have no cache folder (HOME is not set)", NAME_ANOTHER)


def covering_folder(folder: Path) -> Path | None:
    """The nearest folder from this one upwards that has an index, resolved; ``None``: none has.

    An index above that belongs to another user is passed over: it would get, and show to that user, what is in here.
    """
    real = folder.resolve()
    for candidate in (real, *real.parents):
        index_dir = _made_index(candidate)
        if index_dir is not None and (candidate == real or _is_own(index_dir)):
            return candidate
    return None


def _made_index(folder: Path) -> Path | None:
    """Where the index of a folder is that opening the folder would open; ``None``: it has none."""
    inside = folder / INDEX_NAME
    # ".old" is what a rebuild leaves that was killed between its two renames; the next opening takes it back.
    for index_dir in (inside, Path(f"{inside}.old")):
        if _is_file(index_dir / CATALOG_NAME):
            return index_dir
    cache = cache_path(folder, "indexes")
    # An index in the cache that was made while the folder could not be written is not opened once it can be.
    if cache is not None and _is_file(cache / CATALOG_NAME) and index_place(folder).path == cache:
        return cache
    return None


def _is_own(index_dir: Path) -> bool:
    """Whether it is no link and belongs to this user, where systems know owners by number."""
    info = index_dir.lstat()
    return stat.S_ISDIR(info.st_mode) and (not hasattr(os, "getuid") or info.st_uid == os.getuid())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder on the way that may not be entered
        return False
