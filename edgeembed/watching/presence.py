"""Whether a folder is there: a drive that is pulled out looks like a folder from which everything was deleted."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

from ..catalog.database import CATALOG_NAME
from ..system.files import file_id


class State(Enum):
    """What became of a folder."""

    THERE = "there"
    AWAY = "away"
    """It is gone, or another one is in its place."""
    FORGOTTEN = "forgotten"
    """It is there, and somebody removed its index."""


class Presence:
    """A folder as it was at first, beside what is in its place now."""

    def __init__(self, folder: Path, root: Path, index_dir: Path) -> None:
        """
        Args:
            folder: what is watched, ``root`` or a folder in it.
            root: the folder of the index.

        Raises:
            FileNotFoundError: there is none.
        """
        self._folder = folder
        self._index_dir = index_dir.resolve()
        self._is_inside = self._index_dir.is_relative_to(root.resolve())
        self._identity = file_id(folder)
        self._had_index = self._has_index()

    def state(self, *, was_touched: bool) -> State:
        """What became of it; ``was_touched``: whether the system told of the folder itself."""
        try:
            if file_id(self._folder) != self._identity:
                return State.AWAY
        except OSError:
            return State.AWAY
        if self._has_index():
            self._had_index = True
        elif self._had_index and self._is_inside:
            # A folder that is made anew often gets the inode of the one before.
            return State.AWAY if was_touched or not _holds_anything(self._folder) else State.FORGOTTEN
        return State.THERE

    def is_back(self) -> bool:
        """Whether there is a folder again that holds something: the mount point of a drive is empty without it."""
        if self._is_inside and self._has_index():
            return True
        return _holds_anything(self._folder)

    def _has_index(self) -> bool:
        # A rebuild moves the old index away for a moment before the new one takes its place.
        places = (self._index_dir, Path(f"{self._index_dir}.old"))
        return any(os.path.exists(place / CATALOG_NAME) for place in places)  # noqa: PTH110 (raises nothing)


def _holds_anything(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in entries)
    except OSError:
        return False
