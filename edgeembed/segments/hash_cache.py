"""Hash cache: which segment files have been hashed on this machine already.

An entry says: the file with this size, these times and this inode had this SHA-256. It is kept in the user's cache and
never in the index, because an index may come from somebody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from ..system.files import cache_path

_MOST_BYTES = 1 << 20


class HashCache:
    """SHA-256 of segment files of one index, by size, times and inode. May be used from several threads."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        """
        Args:
            folder: of the index.
            read_only: ``True`` uses entries and writes none.
        """
        self._read_only = read_only
        self._index = folder.resolve()
        path = cache_path(self._index, "stamps")
        self._path = None if path is None else path.with_suffix(".json")
        self._known: dict[str, list[object]] | None = None

    def holds(self, name: str, info: os.stat_result, sha256: str) -> bool:
        """Whether the file was found to have this SHA-256 when it looked as it does now."""
        return self._read().get(name) == _entry(info, sha256)

    def put(self, name: str, info: os.stat_result, sha256: str) -> None:
        """Remember it, as far as the user's cache can be written."""
        entries = self._read()
        entries[name] = _entry(info, sha256)
        if self._read_only or self._path is None:
            return
        present = {file: entry for file, entry in entries.items() if (self._index / file).exists()}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, scratch = tempfile.mkstemp(dir=self._path.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(present, file)
            Path(scratch).replace(self._path)

    def _read(self) -> dict[str, list[object]]:
        if self._known is None:
            self._known = {}
            if self._path is None:
                return self._known
            with contextlib.suppress(OSError, ValueError, RecursionError):
                if self._path.stat().st_size <= _MOST_BYTES:
                    entries = json.loads(self._path.read_text(encoding="utf-8"))
                    self._known = entries if isinstance(entries, dict) else {}
        return self._known


def _entry(info: os.stat_result, sha256: str) -> list[object]:
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_dev, sha256]
