"""The catalog of an index: one SQLite file that is the truth about documents, contents, chunks and segments.

Documents point to contents by hash, and chunks belong to contents, so that a renamed, moved or copied
document costs no embedding. Keys are never reused. A segment covers a range of keys: unsegmented rows are flushed
to a segment all at once and in order, so that a key is in at most one segment of its kind.

Here it is opened, made, and put in the place of another. Reads are in ``snapshot.py``, changes in ``transaction.py``,
tables in ``schema.py``. All these know SQL and no vectors: to them a vector is a blob.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import EdgeEmbedError, ForkedError, IndexCorruptError, IndexNotFoundError, path_error
from ..system.files import sync_file, sync_folder
from ..system.forks import follow_forks
from . import fulltext
from .checksums import insert_sql
from .migrate import upgrade
from .schema import APPLICATION_ID, LAYOUT, SCHEMA, OutdatedLayoutError, add_views, check_schema, statements
from .snapshot import CommitCache, Snapshot
from .sqlite import Connection, DatabaseError, connect, says_damage, translate
from .transaction import Transaction
from .where import FUNCTIONS

CATALOG_NAME = "catalog.sqlite"
_LOG = "log"
_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "secure_delete = ON",  # the text of removed documents is overwritten
    "journal_size_limit = 16777216",  # a log that once grew large does not stay so
)


class SnapshotLostError(EdgeEmbedError):
    """A writer changed or collected what was being read; a new read sees the newest commit."""


class _Connection(NamedTuple):
    db: Connection
    state: tuple[object, ...]
    """What the file was when it was opened; see ``Catalog._state``."""
    is_locked: bool
    """Whether SQLite keeps writers from changing what is being read."""
    layout: int
    """Of the file when it was opened; an older one is seen through views that do not fit another."""


class Catalog:
    """The SQLite file of an index. Reading may happen from several threads; writing from one at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False, only_settings: bool = False) -> None:
        """Open the catalog in ``folder``.

        Args:
            read_only: ``True`` changes nothing; the layout before this one is read as it is.
            only_settings: ``True`` takes an older layout as it is, in which only settings can be read.

        Raises:
            IndexCorruptError: the file is no catalog, or damaged.
            OutdatedLayoutError: it was made by an older edgeembed.
            EdgeEmbedError: it was made by a newer one.
        """
        self._path = folder / CATALOG_NAME
        self._read_only = read_only
        self._idle: list[_Connection] = []
        self._cache = CommitCache()
        self._in_use = 0
        self._is_lost = False
        """Whether a connection was in use while this process was forked; SQLite forbids to use it, and to close it."""
        self._guard = threading.Lock()
        follow_forks(self)
        connection = self._take()
        try:
            with self._translated():
                check_schema(connection.db, self._path, only_settings=only_settings, read_only=read_only)
                if not read_only and not only_settings and not fulltext.is_current(connection.db):
                    raise path_error(
                        self._path, OutdatedLayoutError, "its words were made by another edgeembed or Python"
                    )
                if not read_only:  # an index that was made ready for shipping has no log
                    connection.db.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.db.close()
            raise
        self._give_back(connection)

    @property
    def identity(self) -> tuple[int, int]:
        """Which file it is now: a rebuild or a repair puts another in its place."""
        info = self._stat()
        return info.st_dev, info.st_ino

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """One read transaction: everything asked inside comes from the same commit.

        Raises:
            SnapshotLostError: a writer changed under a read-only reader what it was reading.
        """
        connection = self._take()
        try:
            with self._translated():
                connection.db.execute("BEGIN")
                if connection.layout != LAYOUT and _layout(connection.db) != connection.layout:
                    raise SnapshotLostError(f"{self._path}: was brought to another layout; try again")
                yield Snapshot(connection.db, self._cache, connection.state)
        except IndexCorruptError as error:
            self._check_unchanged(connection, error)
            raise
        finally:
            self._give_back(connection)
        self._check_unchanged(connection, None)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction: committed and flushed to disk at the end, or undone as a whole."""
        connection = self._take()
        try:
            with self._translated():
                connection.db.execute("BEGIN IMMEDIATE")
                transaction = Transaction(connection.db)
                yield transaction
                transaction.count_generation()
                connection.db.commit()
        finally:
            self._give_back(connection)

    @contextmanager
    def maintain(self) -> Iterator[Connection]:
        """A connection outside any transaction, for ``verify`` and ``compact``."""
        connection = self._take()
        try:
            with self._translated():
                yield connection.db
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        with self._guard:
            for connection in self._idle:
                connection.db.close()
            self._idle.clear()

    def before_fork(self) -> None:
        """No connection may be open in two processes: SQLite would take the parent's locks for the child's."""
        self._guard.acquire()
        for connection in self._idle:
            connection.db.close()
        self._idle.clear()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; connections are made when they are needed."""
        self._is_lost = self._is_lost or (in_child and self._in_use > 0)
        self._guard.release()

    def _take(self) -> _Connection:
        """A connection to the file that is there now.

        Raises:
            ForkedError: see ``_is_lost``.
        """
        if self._is_lost:
            raise ForkedError(self._path.parent)
        with self._translated():
            state = self._state()
            with self._guard:
                self._in_use += 1
                while self._idle:
                    connection = self._idle.pop()
                    if connection.state == state and connection.layout in (LAYOUT, _layout(connection.db)):
                        return connection
                    connection.db.close()
            try:
                return self._connect(state)
            except BaseException:
                with self._guard:
                    self._in_use -= 1
                raise

    def _give_back(self, connection: _Connection) -> None:
        if self._is_lost:
            return  # the child of a fork in the middle of a transaction, which is the parent's
        connection.db.rollback()
        with self._guard:
            self._in_use -= 1
            self._idle.append(connection)

    def _check_unchanged(self, connection: _Connection, cause: Exception | None) -> None:
        """Whether what was read without locks stayed as it was."""
        if connection.is_locked:
            return
        info = self._stat()
        if (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns) != connection.state:
            raise SnapshotLostError(f"{self._path}: changed while it was read; try again") from cause

    def _state(self) -> tuple[object, ...]:
        """What must stay the same for a connection to stay good.

        A reader that may write nothing beside the file reads it without locks, which is right as long as nobody
        writes to the file itself; so it watches size and times.
        """
        info = self._stat()
        if not self._read_only:
            return info.st_dev, info.st_ino
        if self._has_log():
            return info.st_dev, info.st_ino, _LOG
        return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns

    def _stat(self) -> os.stat_result:
        try:
            return self._path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise IndexNotFoundError(self._path.parent, "it was removed or moved meanwhile") from error

    def _has_log(self) -> bool:
        try:
            return self._path.with_name(f"{CATALOG_NAME}-wal").stat().st_size > 0
        except FileNotFoundError:
            return False

    def _connect(self, state: tuple[object, ...]) -> _Connection:
        mode = "rw"
        if self._read_only:
            # Without a log there is nothing but the file itself, which then needs no shared memory beside it:
            # it can be read from a medium or folder where nothing may be written.
            mode = "ro" if _LOG in state else "ro&immutable=1"
        db = connect(self._path, mode=mode)
        for name, (arguments, function) in FUNCTIONS.items():
            db.create_function(name, arguments, function, deterministic=True)
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        layout = _layout(db)
        if self._read_only:
            add_views(db, layout)
        return _Connection(db, state, is_locked="immutable" not in mode, layout=layout)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise translate(error, self._path) from error
        except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
            raise IndexCorruptError(self._path, f"contains invalid data: {error}") from error


def _layout(db: Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_catalog(path: Path) -> bool:
    """Whether a file has the application id of a catalog, of whatever layout; a damaged one may have lost it."""
    try:
        with closing(connect(path, mode="ro&immutable=1")) as db:
            return bool(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
    except DatabaseError as error:
        if path.is_file() and not says_damage(error):
            raise translate(error, path) from error  # it may not be read, and nobody can tell
        return False


def upgrade_catalog(folder: Path) -> None:
    """Bring a catalog of an older layout, or with words made otherwise, to this one; the caller holds the lock.

    Raises:
        IndexCorruptError: it cannot be read.
    """
    path = folder / CATALOG_NAME
    try:
        with closing(connect(path)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
                upgrade(db)
    except DatabaseError as error:
        raise translate(error, path) from error


def create_catalog(folder: Path, settings: Mapping[str, str]) -> None:
    """Make a catalog in ``folder``; it appears whole. The caller makes sure that nobody else does so at the time."""
    scratch = folder / f"{CATALOG_NAME}.part"
    with new_catalog(scratch) as db:
        for item in settings.items():
            db.execute(insert_sql("settings"), item)
    put_catalog(scratch, folder)


@contextmanager
def new_catalog(path: Path) -> Iterator[Connection]:
    """An empty catalog under construction at ``path``, inside a transaction that is committed at the end."""
    for name in with_logs(path):
        name.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for statement in statements(SCHEMA):
            db.execute(statement)
        fulltext.rebuild(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {LAYOUT}")
        db.execute("BEGIN")
        yield db
        db.commit()


def put_catalog(scratch: Path, folder: Path) -> None:
    """Give a new catalog its name, in place of the old one if there is one, and flush all that to the disk."""
    sync_file(scratch)
    # The log of another catalog must not meet this one: SQLite would copy its pages into it.
    for log in with_logs(folder / CATALOG_NAME)[1:]:
        log.unlink(missing_ok=True)
    sync_folder(folder)
    scratch.replace(folder / CATALOG_NAME)
    sync_folder(folder)


def with_logs(path: Path) -> list[Path]:
    """A catalog's file and those that SQLite keeps beside it."""
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]
