"""File system events: the system names what changed in a folder, through watchfiles, or nothing does and we poll."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

LISTS_FOLDERS = sys.platform.startswith("linux")
"""Whether each folder is watched by itself. Elsewhere the system watches a folder with all that is in it."""
_STEP_MS = 150
"""Between two looks of watchfiles for what came: 0.5 ms of processor time a second."""
_SHORT_STEP_MS = 10
_DEBOUNCE_MS = 300
_MODIFIED = 2
_MOST_TRIES = 5
_MIN_WAIT_MS = 1
_INSTANCES = "Too many open files"  # inotify_init: EMFILE, of fs.inotify.max_user_instances
_WATCHES = "OS file watch limit reached"


class EventsUnavailableError(Exception):
    """The system cannot watch a folder, for a reason that the message says; looking now and then is what is left."""


class EventsLostError(Exception):
    """Nothing is known of what changed: these events must be opened anew, and everything looked at."""


class Events(Protocol):
    """A source of events."""

    is_polling: bool
    """Whether there never are any, and everything must be looked at now and then."""

    def wait(self, seconds: float) -> Mapping[str, bool]:
        """Paths of which something changed, as soon as there are some; none after ``seconds``, or at the end.

        With each, whether it came or went under this name, so that a folder there may be another one now.

        Raises:
            EventsLostError: some went by that nobody will hear of.
        """

    def close(self) -> None:
        """Stop listening."""


class SystemEvents:
    """Events of the system: inotify, FSEvents, ReadDirectoryChangesW."""

    is_polling = False

    def __init__(self, folders: Iterable[str], stop: threading.Event) -> None:
        """
        Args:
            folders: see :data:`LISTS_FOLDERS`; those that are gone, or have no name in Unicode, are passed over.
            stop: ends a wait within a tenth of a second.

        Raises:
            EventsUnavailableError: a limit of the system is reached, or it cannot do it here.
            EventsLostError: folders come and go too fast.
        """
        self._stop = stop
        nameable = [path for path in folders if has_unicode_name(path)]
        for _ in range(_MOST_TRIES):
            try:
                self._notify = _open([path for path in nameable if os.path.isdir(path)])  # noqa: PTH112 (many)
                return
            except FileNotFoundError:  # one went between that and this
                continue
        raise EventsLostError("folders come and go")

    def wait(self, seconds: float) -> Mapping[str, bool]:
        """As :class:`Events` says."""
        from watchfiles._rust_notify import WatchfilesRustInternalError

        try:
            # Its timeout throws away what comes at that very moment: few long waits are better than many short ones.
            step_ms = _STEP_MS if seconds else _SHORT_STEP_MS
            answer = self._notify.watch(_DEBOUNCE_MS, step_ms, max(_MIN_WAIT_MS, round(seconds * 1000)), self._stop)
        except WatchfilesRustInternalError as error:
            if _WATCHES in str(error):
                raise _limit("max_user_watches") from error
            raise EventsLostError(str(error)) from error
        if isinstance(answer, str):
            return {}
        named = {path for kind, path in answer if kind != _MODIFIED}
        return {path: path in named for _, path in answer}

    def close(self) -> None:
        """Stop listening."""
        self._notify.close()


class Polling:
    """No events: everything is looked at now and then."""

    is_polling = True

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def wait(self, seconds: float) -> Mapping[str, bool]:
        """Nothing, after so many seconds."""
        self._stop.wait(seconds)
        return {}

    def close(self) -> None:
        """Nothing."""


def _open(folders: list[str]) -> RustNotify:
    from watchfiles._rust_notify import RustNotify

    try:
        # Not with ignore_permission_denied, which passes over a limit that is reached as well, and without a word.
        return RustNotify(folders, False, False, 0, not LISTS_FOLDERS, False)
    except FileNotFoundError as error:
        if _WATCHES in str(error):  # ENOSPC; some versions of watchfiles take it for this
            raise _limit("max_user_watches") from error
        raise
    except (OSError, RuntimeError) as error:
        if _WATCHES in str(error):
            raise _limit("max_user_watches") from error
        if _INSTANCES in str(error):
            raise _limit("max_user_instances") from error
        raise EventsUnavailableError(str(error).partition(" about [")[0]) from error


def _limit(name: str) -> EventsUnavailableError:
    return EventsUnavailableError(
        f"the system's limit fs.inotify.{name} is reached; `sudo sysctl fs.inotify.{name}={_doubled(name)}` raises it"
    )


def _doubled(name: str) -> int:
    """Twice the present value of a limit, or a value that is common where that cannot be read."""
    try:
        with open(f"/proc/sys/fs/inotify/{name}", encoding="ascii") as file:  # noqa: PTH123 (no path of a user)
            return 2 * int(file.read())
    except (OSError, ValueError):
        return 524288


def has_unicode_name(path: str) -> bool:
    """Whether a folder can be watched at all: of others watchfiles does not take the name."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
