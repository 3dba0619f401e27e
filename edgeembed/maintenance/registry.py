"""Which indexes this user has: one small file for each in the user's cache, which says where it is.

The time of the file is when the index was used last. So two processes never write to one list, and what is lost with
the cache comes back when an index is used again.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..catalog.database import CATALOG_NAME
from ..system.files import cache_path

_MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class KnownIndex:
    """An index of this user."""

    path: Path
    """The folder of the index."""
    folder: Path
    """The folder whose files it holds."""
    size_bytes: int
    used: datetime
    """When a command used it last; local time."""


def remember(index_dir: Path, folder: Path, *, only_known: bool = False) -> None:
    """Note that an index is used now; where nothing can be written, nothing is noted.

    Args:
        only_known: whether an index that is not known yet is passed over, for those that only read.
    """
    file = _file(index_dir)
    if file is None:
        return
    with suppress(OSError):
        if only_known and not file.exists():
            return
        text = json.dumps({"index": os.fspath(index_dir.resolve()), "folder": os.fspath(folder.resolve())})
        if file.exists() and file.read_text(encoding="ascii") == text:
            os.utime(file)
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)


def forget(index_dir: Path) -> None:
    """Note that an index is no more."""
    file = _file(index_dir)
    if file is not None:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def known_indexes() -> list[KnownIndex]:
    """All indexes that are still there, those used last first; what names none is taken out of the list."""
    indexes = []
    any_file = _file(Path())
    for file in [] if any_file is None else any_file.parent.glob("*.json"):
        with suppress(OSError):
            entry = _read(file)
            if entry is None:
                file.unlink()
            else:
                indexes.append(entry)
    return sorted(indexes, key=lambda entry: entry.used, reverse=True)


def _file(index_dir: Path) -> Path | None:
    """The entry of an index; ``None``: the user has no cache."""
    entry = cache_path(index_dir, "registry")
    return None if entry is None else entry.with_suffix(".json")


def _read(file: Path) -> KnownIndex | None:
    """The index that an entry names; ``None``: it is gone, or the entry is none."""
    with file.open("rb") as stream:
        try:
            entry = json.loads(stream.read(_MAX_BYTES))
            path, folder = Path(entry["index"]), Path(entry["folder"])
        except (ValueError, KeyError, TypeError):
            return None
    if file != _file(path) or not (path / CATALOG_NAME).is_file():
        return None
    size_bytes = sum(item.stat().st_size for item in path.iterdir() if item.is_file())
    return KnownIndex(path, folder, size_bytes, datetime.fromtimestamp(file.stat().st_mtime))
