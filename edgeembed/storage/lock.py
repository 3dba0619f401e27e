"""One writer at a time: a lock that the system frees when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import IndexLockedError, IndexNotWritableError
from ..system.files import file_id
from ..system.forks import disown, own

_LOCK_NAME = "lock"
_OWNER_NAME = "writer"
LOCK_FILES = (_LOCK_NAME, _OWNER_NAME)
_OWNER_BYTES = 200


@contextmanager
def process_lock(folder: Path, *, wait_seconds: float = 0) -> Iterator[None]:
    """Keep other processes from writing to the index in ``folder``.

    Raises:
        IndexLockedError: another process holds the lock, and went on doing so for ``wait_seconds``.
        IndexNotWritableError: nothing can be written there.
    """
    from filelock import FileLock, Timeout

    path = folder / _LOCK_NAME
    while True:
        lock = FileLock(path, timeout=wait_seconds, mode=0o600)
        before = _identity(path)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexLockedError(folder, _owner(folder)) from error
        except OSError as error:
            if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise IndexNotWritableError(folder, (error.strerror or "cannot be written").lower()) from error
            raise
        # A rebuild may have moved the folder away between opening and locking: then this locks nothing of use.
        if before in (None, _identity(path)):
            break
        lock.release()
    # A forked child inherits the lock, and would hold it on when this process is gone.
    descriptor = getattr(getattr(lock, "_context", None), "lock_file_fd", None)
    if descriptor is not None:
        own(descriptor)
    try:
        _sign(folder)
        yield
    finally:
        if descriptor is not None:
            disown(descriptor)
        lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        return file_id(path)
    except FileNotFoundError:
        return None


def _sign(folder: Path) -> None:
    """Leave the name of this process for those that do not get the lock."""
    name = f"process {os.getpid()} ({Path(sys.argv[0] or sys.executable).name})"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with contextlib.suppress(OSError):  # a full disk must not keep anyone from removing documents
        descriptor = os.open(folder / _OWNER_NAME, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(name)


def _owner(folder: Path) -> str:
    try:
        with (folder / _OWNER_NAME).open("rb") as file:
            name = file.read(_OWNER_BYTES).decode("utf-8", "replace")
    except OSError:
        name = ""
    return name or "another process"


def forget_owner(folder: Path) -> None:
    """Take away the name of the last writer."""
    (folder / _OWNER_NAME).unlink(missing_ok=True)
