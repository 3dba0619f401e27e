"""What a watcher works on, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ..sync.report import SyncReport

Reason = Literal["start", "change", "look", "back"]
"""Why a folder was looked at: for the first time, because something changed, as now and then, or it came back."""
NoticeKind = Literal["polling", "away", "back", "removed", "locked", "emptied", "error"]


@dataclass(frozen=True)
class Batch:
    """A look at a folder, and what the sync did."""

    folder: Path
    """As it was named."""
    below: tuple[str, ...]
    """The folders in it that were looked at, with ``/``; an empty one is itself."""
    deep: bool
    """Whether all that is in them was, or only the files that are in no further folder."""
    reason: Reason
    report: SyncReport
    seconds: float
    """That it took."""


@dataclass(frozen=True)
class Notice:
    """Something that a person should know; told once each time that it begins."""

    folder: Path
    kind: NoticeKind
    message: str
    """Without the folder."""


Tell = Callable[[Batch | Notice], None]


class Target(Protocol):
    """A folder that is watched. Its methods are called by one thread."""

    shown: Path
    """As it was named."""
    root: Path
    """The folder of the index, resolved."""
    below: str
    """The part of it that is watched, with ``/``; empty: all of it."""
    index_dir: Path

    def sync(
        self, *, below: tuple[str, ...], deep: bool, later: Collection[str], cancel: Callable[[], bool]
    ) -> SyncReport:
        """As :meth:`Folder.sync`."""

    def reopen(self) -> None:
        """Forget what is open: the folder is another one, or was away."""
