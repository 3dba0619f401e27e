"""SQLite as the catalog uses it: connections, text, and its errors as ours. The only module with ``sqlite3``."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from sqlite3 import Connection, DatabaseError

from ..errors import EdgeEmbedError, IndexCorruptError, IndexLockedError, IndexNotWritableError, path_error
from ..text.surrogates import decode
from .checksums import register

__all__ = ["Connection", "DatabaseError", "connect", "copied", "in_memory", "says_damage", "translate"]

_BEYOND_LIMITS = re.compile(
    r"too (large|many|big|complex)\b|at most \d|stack overflow|fts5: syntax|interrupted|out of memory"
)
"""What SQLite says of statements, patterns and values that are beyond its limits (https://www.sqlite.org/limits.html)."""


def connect(path: Path, *, mode: str = "rw") -> Connection:
    """A connection outside any transaction, which can compute the checksums of rows.

    Args:
        mode: ``rw`` or ``ro``, and what else a URI of SQLite may say after it.
    """
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=10,
    )
    return _prepared(db)


def in_memory() -> Connection:
    """An empty database that is gone when it is closed."""
    return _prepared(sqlite3.connect(":memory:", isolation_level=None))


def copied(db: Connection) -> Connection:
    """A copy of a database, in memory and in a temporary file, gone when it is closed."""
    copy = sqlite3.connect("", isolation_level=None)
    db.backup(copy)
    return _prepared(copy)


def _prepared(db: Connection) -> Connection:
    # File names that are not valid Unicode arrive as lone surrogates; they are kept as they are.
    db.text_factory = decode
    register(db)
    return db


def translate(error: DatabaseError, path: Path) -> Exception:
    """What an error of SQLite's means to the user of the index in the folder of ``path``.

    ``IndexCorruptError`` only where the file is to blame: not for a full disk, nor for a question that is too large.
    """
    text = str(error)
    if isinstance(error, sqlite3.ProgrammingError):
        if "closed" in text:
            return path_error(path.parent, ValueError, "this index was closed while it was in use; open it again")
        return path_error(path, EdgeEmbedError, text)
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text:
            return IndexLockedError(path.parent, "another process")
        if "full" in text or "disk I/O" in text:
            return path_error(path, EdgeEmbedError, f"{text}; make room and run the command again")
        if "readonly" in text or "unable to open" in text:
            return IndexNotWritableError(path.parent, text)
    if _BEYOND_LIMITS.search(text):
        return path_error(path, EdgeEmbedError, f"{text}, more than SQLite takes at once; ask for less, or add less")
    return IndexCorruptError(path, text)


def says_damage(error: DatabaseError) -> bool:
    """Whether an error means that the file is damaged, and not that something else was in the way."""
    return isinstance(translate(error, Path("catalog")), IndexCorruptError)
