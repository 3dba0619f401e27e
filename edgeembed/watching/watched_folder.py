"""One folder that is watched: events mark parts of it, and a sync decides what changed there."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import EdgeEmbedError, IndexLockedError
from ..reading.entries import EMPTIED
from ..sync.walk import left_out_by, walk
from ..sync.walk_options import WalkOptions, options_at
from .events import (
    LISTS_FOLDERS,
    Events,
    EventsLostError,
    EventsUnavailableError,
    Polling,
    SystemEvents,
    has_unicode_name,
)
from .marks import Marks
from .network import network_drive
from .presence import Presence, State
from .reports import Batch, Notice, NoticeKind, Reason, Target, Tell

_log = logging.getLogger(__name__)
_FULL_SECONDS = 3 * 3600.0
"""Between two looks at everything: what the system did not tell is found then at the latest."""
_LONGEST_WAIT_SECONDS = 5.0
"""After which somebody looks whether the folder is still there: of a drive that was mounted over it no event tells."""
_AWAY_SECONDS = 1.0
_LOCKED_SECONDS = 0.5
_LOCKED_TRIES = 3
"""A search that brings the index up to date is done by then, and nobody need hear of it."""
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 2.0, 300.0
_POLL_SECONDS = 10.0
_POLL_SHARE = 50
"""A look takes at most this part of the time: one that takes a second is made each 50 seconds."""
_STORM_PATHS = 1000
"""So many in one batch may have been more: watchfiles drops what inotify says of an overflow (16,384 events)."""
_STORM_SECONDS = 5.0
_MOST_LISTINGS = 4
_NOW_AND_THEN = "all of it is looked at now and then"

OpenEvents = Callable[[Collection[str], threading.Event], Events]


class _AwayError(Exception):
    """The folder is not there."""


class WatchedFolder:
    """One folder, followed by one thread."""

    def __init__(
        self,
        target: Target,
        tell: Tell,
        stop: threading.Event,
        *,
        poll_seconds: float | None = None,
        open_events: OpenEvents = SystemEvents,
    ) -> None:
        """
        Args:
            tell: called in the thread that runs.
            stop: ends :meth:`run` within about a second, what was done committed.
            poll_seconds: look so often at everything, and do not ask the system; ``None``: only where it cannot tell.
            open_events: how the system is asked.
        """
        self._target = target
        self._tell = tell
        self._stop = stop
        self._poll_seconds = poll_seconds
        self._open_events = open_events
        self._top = Path(target.root, *target.below.split("/")) if target.below else target.root
        self._marks = Marks(target.root, target.index_dir)
        self._events: Events = Polling(stop)
        self._presence: Presence | None = None
        self._folders: set[str] = set()
        """Those that are watched, each by itself; see :data:`LISTS_FOLDERS`."""
        self._unheard: dict[str, bool] = {}
        """Events of the source before, that were not seen to yet."""
        self._reason: Reason = "start"
        self._told: dict[NoticeKind, str] = {}
        """What was said, of what lasts."""
        self._full_at = self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._locked_tries = 0
        self._look_seconds = 0.0
        """What the last look at everything took that found nothing to do."""

    def run(self) -> None:
        """Follow the folder until it is told to stop, or somebody removes its index."""
        try:
            while not self._stop.is_set():
                try:
                    self._follow()
                    return
                except (_AwayError, FileNotFoundError, NotADirectoryError):
                    self._wait_until_back()
                except EventsLostError as error:
                    _log.info("%s: events were lost, all is looked at: %s", self._top, error)
                    self._reason = "look"
                    self._wait_longer()
                except (EdgeEmbedError, OSError, ValueError) as error:
                    self._say_error(error)
                    self._wait_longer()
        finally:
            self._events.close()

    def _follow(self) -> None:
        """Look at everything, then at what the events mark; returns at the end only."""
        self._presence = Presence(self._top, self._target.root, self._target.index_dir)
        self._start_events()
        self._marks.mark(self._target.below)
        touched: Mapping[str, bool] = {}
        while not self._stop.is_set():
            state = self._presence.state(was_touched=os.fspath(self._top) in touched)
            if state is State.AWAY:
                raise _AwayError
            if state is State.FORGOTTEN:
                self._say("removed", "its index was removed, so it is not watched any more")
                return
            self._mark(touched)
            if time.monotonic() >= self._retry_at:
                self._look()
            touched = {} if self._stop.is_set() else self._wait()

    def _wait(self) -> Mapping[str, bool]:
        if self._unheard:
            unheard, self._unheard = self._unheard, {}
            return unheard
        try:
            return self._events.wait(self._wait_seconds())
        except EventsUnavailableError as error:  # a limit that new folders reached
            self._poll(error)
            return {}

    def _mark(self, paths: Mapping[str, bool]) -> None:
        now = time.monotonic()
        if len(paths) >= _STORM_PATHS:
            self._full_at = min(self._full_at, now + _STORM_SECONDS)
        counting = self._marks.notice(paths, now)
        if LISTS_FOLDERS and not self._events.is_polling:
            self._follow_folders((path for path in counting if paths[path]), now)
        self._marks.collect(now)
        if now >= self._full_at:
            self._marks.mark(self._target.below)
            self._reason = "look" if self._reason == "change" else self._reason

    def _look(self) -> None:
        """Sync what is marked; what fails stays marked."""
        for look in self._marks.looks():
            begun, is_full = time.monotonic(), look == ((self._target.below,), True)
            if is_full:
                self._marks.use(self._options())
            try:
                report = self._target.sync(
                    below=look.parts, deep=look.deep, later=self._marks.waiting, cancel=self._stop.is_set
                )
            except IndexLockedError as error:
                self._locked_tries += 1
                if self._locked_tries >= _LOCKED_TRIES:
                    self._say("locked", f"{error.owner} is writing to its index; trying again until that is done")
                self._retry_at = time.monotonic() + _LOCKED_SECONDS
                return
            except (EdgeEmbedError, OSError, ValueError) as error:
                if not self._stop.is_set():
                    self._say_error(error)
                    self._retry_at = time.monotonic() + self._next_retry()
                return
            seconds = time.monotonic() - begun
            if not report.cancelled:
                self._marks.done(look)
            self._locked_tries = 0
            self._told.pop("locked", None)
            self._told.pop("error", None)
            self._retry_seconds = _FIRST_RETRY_SECONDS
            self._tell(Batch(self._target.shown, look.parts, look.deep, self._reason, report, seconds))
            self._say_if_emptied(any(item.reason == EMPTIED for item in report.skipped))
            if is_full:
                is_idle = not (report.added or report.updated or report.removed)
                self._look_seconds = seconds if is_idle else self._look_seconds
                self._after_full_look()
            self._reason = "change"

    def _after_full_look(self) -> None:
        interval = _FULL_SECONDS
        if self._events.is_polling or not all(map(has_unicode_name, self._folders)):
            interval = self._poll_seconds or max(_POLL_SECONDS, _POLL_SHARE * self._look_seconds)
        self._full_at = time.monotonic() + interval
        if LISTS_FOLDERS and not self._events.is_polling:
            self._watch_new_folders([self._target.below], time.monotonic())

    def _wait_seconds(self) -> float:
        """How long nothing need be done."""
        now = time.monotonic()
        times = [now + _LONGEST_WAIT_SECONDS, self._full_at]
        if (due := self._marks.next_due()) is not None:
            times.append(due)
        if self._marks.looks():
            times.append(self._retry_at)
        return max(0.0, min(times) - now)

    def _start_events(self) -> None:
        """Ask the system; where it cannot tell, say so and poll."""
        self._events.close()
        self._events, self._folders = Polling(self._stop), set()
        drive = None if self._poll_seconds is not None else network_drive(self._top)
        if self._poll_seconds is not None:
            return
        if drive is not None:
            self._say(
                "polling",
                f"lies on a network drive ({drive}), where others change files unnoticed; {_NOW_AND_THEN}",
            )
            return
        try:
            if LISTS_FOLDERS:
                self._marks.use(self._options())
                self._folders = self._listing(self._target.below)
            self._events = self._open_events(self._folders or [os.fspath(self._top)], self._stop)
        except EventsUnavailableError as error:
            self._poll(error)

    def _poll(self, error: EventsUnavailableError) -> None:
        self._events.close()
        self._events, self._full_at = Polling(self._stop), 0.0
        self._say("polling", f"{error}; meanwhile {_NOW_AND_THEN}")

    def _follow_folders(self, paths: Iterable[str], now: float) -> None:
        """Watch what came under these paths; what is known of folders that were there before is about others."""
        fresh = []
        for path in paths:
            if path in self._folders:
                inside = path + os.sep
                self._folders = {other for other in self._folders if other != path and not other.startswith(inside)}
            if os.path.isdir(path):  # noqa: PTH112 (keeps lone surrogates)
                fresh.append(os.path.relpath(path, self._target.root).replace(os.sep, "/"))
        if fresh:
            self._watch_new_folders(fresh, now)

    def _watch_new_folders(self, parts: Collection[str], now: float) -> None:
        """Watch what is new in folders, until a listing shows nothing new: all that it holds is looked at later."""
        for _ in range(_MOST_LISTINGS):
            fresh = set().union(*(self._listing(part) for part in parts)) - self._folders
            if not fresh:
                return
            self._folders |= fresh
            try:
                # The events before are heard until the new ones are: what comes meanwhile is not lost.
                before, self._events = self._events, self._open_events(self._folders, self._stop)
                self._unheard.update(before.wait(0))
                before.close()
            except EventsUnavailableError as error:
                self._poll(error)
                return
            self._marks.notice(fresh, now)

    def _listing(self, part: str) -> set[str]:
        """The folders in a part that are taken in, with itself."""
        folders: list[str] = []
        options = self._options()
        with suppress(FileNotFoundError, NotADirectoryError):
            if not part or left_out_by(self._target.root, part, options) is None:
                for _ in walk(
                    self._target.root, exclude=[self._target.index_dir], options=options, below=part, folders=folders
                ):
                    if self._stop.is_set():
                        break
        return set(folders)

    def _options(self) -> WalkOptions:
        return options_at(self._target.index_dir)

    def _full(self, path: str) -> str:
        return os.path.join(self._target.root, *path.split("/")) if path else os.fspath(self._target.root)  # noqa: PTH118

    def _wait_until_back(self) -> None:
        """Until the folder is there again; its index is left as it is."""
        self._events.close()
        self._events = Polling(self._stop)
        self._say("away", "is gone, or another folder is in its place, as when a drive is pulled out; waiting for it")
        while not self._stop.wait(_AWAY_SECONDS):
            presence = self._presence
            if self._top.is_dir() if presence is None else presence.is_back():
                self._told.pop("away", None)
                self._target.reopen()
                self._presence, self._reason, self._full_at, self._retry_at = None, "back", 0.0, 0.0
                self._tell(Notice(self._target.shown, "back", "is back"))
                return

    def _wait_longer(self) -> None:
        self._stop.wait(self._next_retry())

    def _next_retry(self) -> float:
        seconds, self._retry_seconds = self._retry_seconds, min(2 * self._retry_seconds, _LONGEST_RETRY_SECONDS)
        return seconds

    def _say_error(self, error: Exception) -> None:
        self._say("error", str(error).removeprefix(f"{self._target.shown}: "))

    def _say_if_emptied(self, is_empty: bool) -> None:
        if is_empty:
            self._say("emptied", f"the folder {EMPTIED}, for it may be a drive that is not mounted")
        else:
            self._told.pop("emptied", None)

    def _say(self, kind: NoticeKind, message: str) -> None:
        """Tell it, unless that was the last thing that was told of its kind."""
        if self._told.get(kind) != message:
            self._told[kind] = message
            self._tell(Notice(self._target.shown, kind, message))
