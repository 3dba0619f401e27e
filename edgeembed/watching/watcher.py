"""Several folders that are watched, each by a thread of its own: what hinders one does not stop the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .reports import Notice, Target, Tell
from .watched_folder import WatchedFolder

if TYPE_CHECKING:
    from ..folder import Folder
    from ..sync.report import SyncReport

_log = logging.getLogger(__name__)


def can_watch() -> bool:
    """Whether the extra ``watch`` is installed."""
    return find_spec("watchfiles") is not None


class OpenedFolder:
    """A folder that nobody but its watcher has open."""

    def __init__(self, shown: Path, below: str, index_dir: Path, open_folder: Callable[[], Folder]) -> None:
        """
        Args:
            shown: as it was named.
            below: the part of the index that is watched; empty: all of it.
            open_folder: called at the first sync, and after the folder was away.
        """
        self._open_folder = open_folder
        self._folder: Folder | None = open_folder()
        self.shown = shown
        self.root = self._folder.path.resolve()
        self.below = below
        self.index_dir = index_dir

    def sync(
        self, *, below: tuple[str, ...], deep: bool, later: Collection[str], cancel: Callable[[], bool]
    ) -> SyncReport:
        """As :meth:`Folder.sync`."""
        if self._folder is None:
            self._folder = self._open_folder()
        return self._folder.sync(below=below, deep=deep, later=later, cancel=cancel)

    def reopen(self) -> None:
        """Close the index; the next sync opens it."""
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()

    close = reopen


class Watcher:
    """Keeps the indexes of folders up to date in the background, from :meth:`start` to :meth:`stop`."""

    def __init__(self, targets: Sequence[Target], tell: Tell, *, poll_seconds: float | None = None) -> None:
        """
        Args:
            tell: called with what was done and what hinders, by several threads.
            poll_seconds: look so often at everything instead of asking the system; ``None``: only where it cannot tell.
        """
        self._targets = targets
        self._tell = tell
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, with a look at everything."""
        self._threads = [
            threading.Thread(target=self._run, args=(target,), name="edgeembed-watch", daemon=True)
            for target in self._targets
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        """Whether any folder is watched still."""
        return any(thread.is_alive() for thread in self._threads)

    def end_soon(self) -> None:
        """As :meth:`stop`, without waiting. May be called by a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """End within about a second; what was done is committed."""
        self.end_soon()
        for thread in self._threads:
            thread.join()

    def _run(self, target: Target) -> None:
        try:
            WatchedFolder(target, self._tell, self._stop, poll_seconds=self._poll_seconds).run()
        except Exception as error:  # a fault of ours; the others go on
            _log.exception("%s: is not watched any more", target.shown)
            self._tell(Notice(target.shown, "error", f"is not watched any more: {type(error).__name__}: {error}"))
