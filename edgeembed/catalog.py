"""The catalog of an index: one SQLite file that is the truth about documents, contents, chunks and segments.

Documents point to contents by hash, and chunks belong to contents, so that a renamed, moved or copied
document costs no embedding. Keys are never reused. Segments are named by ranges of keys: fresh rows leave for a
segment all at once and in order, so that a key is in at most one segment of its kind.

This module knows SQL and no vectors: to it a vector is a blob.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from . import fulltext
from .errors import EdgeEmbedError, IndexCorruptError, IndexLockedError, IndexNotFoundError
from .filters import FUNCTIONS, Condition, condition
from .keywords import extra_words
from .layout import schema_rows, statements, upgrade
from .seals import insert_sql, register, seal_sql
from .vectors import SegmentFacts, sync_folder

CATALOG_NAME = "catalog.sqlite"
KINDS = ("text", "image")
"""Of contents and their chunks, and so of documents."""
_APPLICATION_ID = 0x65646765  # "edge"
_LAYOUT = 2
"""1: no full text, no seals."""
_LOG = "log"
_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "secure_delete = ON",  # the text of removed documents is overwritten
    "journal_size_limit = 16777216",  # a log that once grew large does not stay so
)

_SCHEMA = f"""
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    seal BLOB NOT NULL                   -- here and below: see seals.py
) WITHOUT ROWID;
CREATE TABLE contents (
    content INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,           -- BLAKE2b over kind, text or image, and pages
    kind TEXT NOT NULL,                  -- text or image
    complete INTEGER NOT NULL,           -- 0: its chunks are not all here yet, and no document points to it
    chunks INTEGER NOT NULL,             -- how many it has, once it is complete
    seal BLOB NOT NULL
);
CREATE TABLE documents (
    document INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content INTEGER NOT NULL REFERENCES contents,
    metadata TEXT NOT NULL,              -- JSON object
    extra TEXT,                          -- words of the id for full text; see keywords.extra_words
    seal BLOB NOT NULL
);
CREATE INDEX documents_by_content ON documents (content);
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
    kind TEXT NOT NULL,
    start INTEGER, "end" INTEGER,        -- characters, half open; null for images, as the next three
    start_line INTEGER, end_line INTEGER, page INTEGER,  -- null: the text has none
    text TEXT,
    digest BLOB NOT NULL,                -- BLAKE2b over text, span and vector
    extra TEXT,                          -- words that full text would not find by itself, as above
    seal BLOB NOT NULL
);
CREATE INDEX chunks_by_content ON chunks (content);
CREATE TABLE fresh (                     -- vectors that are in no segment yet
    key INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    kind TEXT NOT NULL,
    vector BLOB NOT NULL                 -- int8 (dim,)
);
CREATE TABLE segments (
    file TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    first_key INTEGER NOT NULL, last_key INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE files (                     -- what a folder looked like; unused by other indexes
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,         -- when it was read
    reason TEXT,                         -- null: indexed; else why it was skipped
    seal BLOB NOT NULL
);
{fulltext.SCHEMA}"""

Where = Mapping[str, Any] | Condition


class PassageRow(NamedTuple):
    """A live chunk of a document; one for each document that shares the chunk's content."""

    key: int
    document: int
    id: str


class ChunkRow(NamedTuple):
    """The facts of a chunk."""

    kind: str
    start: int | None
    end: int | None
    start_line: int | None
    end_line: int | None
    page: int | None
    text: str | None


class FileRow(NamedTuple):
    """A file as it was when last looked at."""

    size_bytes: int
    mtime_ns: int
    checked_ns: int
    reason: str | None


class SnapshotLostError(EdgeEmbedError):
    """What was being read was changed or swept by a writer; a new read sees the newest commit."""


class OutdatedLayoutError(EdgeEmbedError):
    """The catalog was written by an older edgeembed; :func:`upgrade_catalog` brings it up to date."""


class _Connection(NamedTuple):
    db: sqlite3.Connection
    state: tuple[object, ...]
    """What the file was when it was opened; see ``Catalog._state``."""
    is_locked: bool
    """Whether SQLite keeps writers from changing what is being read."""


class Catalog:
    """The SQLite file of an index. Reading may happen from several threads; writing from one at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False, only_settings: bool = False) -> None:
        """Open the catalog in ``folder``.

        Args:
            read_only: ``True`` changes nothing.
            only_settings: ``True`` takes an older layout as it is, in which only settings can be read.

        Raises:
            IndexCorruptError: the file is no catalog, or damaged.
            OutdatedLayoutError: it was made by an older edgeembed.
            EdgeEmbedError: it was made by a newer one.
        """
        self._path = folder / CATALOG_NAME
        self._read_only = read_only
        self._idle: list[_Connection] = []
        self._guard = threading.Lock()
        connection = self._take()
        try:
            with self._translated():
                _check_schema(connection.db, self._path, only_settings=only_settings)
                if not read_only:  # an index that was made ready for shipping has no log
                    connection.db.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.db.close()
            raise
        self._idle.append(connection)

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
                yield Snapshot(connection.db)
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
    def maintain(self) -> Iterator[sqlite3.Connection]:
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

    def _take(self) -> _Connection:
        """A connection to the file that is there now."""
        with self._translated():
            state = self._state()
            with self._guard:
                while self._idle:
                    connection = self._idle.pop()
                    if connection.state == state:
                        return connection
                    connection.db.close()
            return self._connect(state)

    def _give_back(self, connection: _Connection) -> None:
        connection.db.rollback()
        with self._guard:
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
        except FileNotFoundError as error:
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
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=10,
        )
        # File names that are not valid Unicode arrive as lone surrogates; they are kept as they are.
        db.text_factory = _decode
        register(db)
        for name, (arguments, function) in FUNCTIONS.items():
            db.create_function(name, arguments, function, deterministic=True)
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        return _Connection(db, state, is_locked="immutable" not in mode)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise _translate(error, self._path) from error
        except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
            raise IndexCorruptError(self._path, f"holds what was never written: {error}") from error


def _translate(error: sqlite3.DatabaseError, path: Path) -> EdgeEmbedError:
    text = str(error)
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text:
            return IndexLockedError(path.parent, "another process")
        if "full" in text or "disk I/O" in text:
            return EdgeEmbedError(f"{path}: {text}; make room and run the command again")
        if "readonly" in text or "unable to open" in text:
            return EdgeEmbedError(f"{path}: {text}; check that you may write there, or open it read-only")
    return IndexCorruptError(path, text)


def _check_schema(db: sqlite3.Connection, path: Path, *, only_settings: bool) -> None:
    """Refuse what is no catalog of this layout: a crafted one could hold triggers and views that act on their own."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION_ID:
        raise IndexCorruptError(path, "is not an edgeembed catalog")
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    if layout > _LAYOUT:
        raise EdgeEmbedError(
            f"{path}: written by a newer edgeembed (layout {layout}, here {_LAYOUT}); upgrade edgeembed"
        )
    if layout < _LAYOUT:
        if only_settings:
            return
        raise OutdatedLayoutError(
            f"{path}: written by an older edgeembed (layout {layout}, here {_LAYOUT}); "
            "`edgeembed index FOLDER`, or opening it without read_only, upgrades it in place"
        )
    if schema_rows(db) != _expected_schema():
        raise IndexCorruptError(path, "its tables are not those of an edgeembed catalog")


@cache
def _expected_schema() -> frozenset[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.executescript(_SCHEMA)
        return schema_rows(db)


def upgrade_catalog(folder: Path) -> None:
    """Bring a catalog of an older layout to this one, in one transaction; the caller holds the lock.

    Raises:
        IndexCorruptError: it cannot be read.
    """
    path = folder / CATALOG_NAME
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as db:
            register(db)
            if db.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID:
                upgrade(db, _SCHEMA, _LAYOUT)
    except sqlite3.DatabaseError as error:
        raise _translate(error, path) from error


def create_catalog(folder: Path, settings: Mapping[str, str]) -> None:
    """Make a catalog in ``folder``; it appears whole. The caller makes sure that nobody else does so at the time."""
    scratch = folder / f"{CATALOG_NAME}.part"
    with new_catalog(scratch) as db:
        for item in settings.items():
            db.execute(insert_sql("settings"), item)
    put_catalog(scratch, folder)


@contextmanager
def new_catalog(path: Path) -> Iterator[sqlite3.Connection]:
    """An empty catalog under construction at ``path``, inside a transaction that is committed at the end."""
    for name in _with_logs(path):
        name.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        register(db)
        db.text_factory = _decode
        db.execute("PRAGMA journal_mode = WAL")
        for statement in statements(_SCHEMA):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {_LAYOUT}")
        db.execute("BEGIN")
        yield db
        db.commit()


Row = tuple[Any, ...]


@contextmanager
def damaged_catalog(folder: Path) -> Iterator[sqlite3.Connection]:
    """A copy of a catalog to save rows from, its text as bytes, its schema as it should be."""
    copy = folder / f"{CATALOG_NAME}.damaged.part"
    try:
        for source, target in zip(_with_logs(folder / CATALOG_NAME), _with_logs(copy), strict=True):
            target.unlink(missing_ok=True)
            if source.is_file() and not source.name.endswith("-shm"):
                shutil.copyfile(source, target)
                target.chmod(0o600)
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            db.text_factory = bytes
            with suppress(sqlite3.DatabaseError):
                db.execute("PRAGMA writable_schema = ON")
                for kind, name, table, sql in _expected_schema():
                    if sql is None:
                        continue  # SQLite's own
                    db.execute(
                        "UPDATE sqlite_master SET tbl_name = ?, sql = ? WHERE type = ? AND name = ? AND sql IS NOT ?",
                        (table, sql, kind, name, sql),
                    )
                db.execute("PRAGMA writable_schema = RESET")
            yield db
    finally:
        for target in _with_logs(copy):
            target.unlink(missing_ok=True)


def salvage(db: sqlite3.Connection, table: str, columns: Sequence[str], number: str | None) -> Iterator[Row]:
    """Rows of a damaged table, as far as they can be read from either end; some may come twice.

    Args:
        number: the column that is the number of a row; ``None``: it has none of its own.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    place = number or ("name" if table == "settings" else "rowid")
    for order in ("ASC", "DESC"):
        try:
            yield from db.execute(f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {place} {order}")
        except sqlite3.DatabaseError:
            continue
        return


def put_catalog(scratch: Path, folder: Path) -> None:
    """Give a new catalog its name, in place of the old one if there is one, and flush all that to the disk."""
    with scratch.open("rb+") as file:
        os.fsync(file.fileno())
    # The log of another catalog must not meet this one: SQLite would copy its pages into it.
    for log in _with_logs(folder / CATALOG_NAME)[1:]:
        log.unlink(missing_ok=True)
    sync_folder(folder)
    scratch.replace(folder / CATALOG_NAME)
    sync_folder(folder)


def _with_logs(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]


class Snapshot:
    """What one read transaction sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """For ``verify``, which asks in its own words."""
        return self._db

    def setting(self, name: str) -> str | None:
        """A setting, or ``None`` if it was never made."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def counts(self) -> dict[str, int]:
        """Number of rows of each table."""
        tables = ("documents", "contents", "chunks", "fresh", "segments", "files")
        return {table: self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}

    def segments(self, kind: str | None = None) -> list[SegmentFacts]:
        """Segments in the order of their keys; of all kinds with ``None``."""
        rows = self._db.execute(
            "SELECT file, kind, first_key, last_key, rows, size_bytes, sha256 FROM segments "
            "WHERE ?1 IS NULL OR kind = ?1 ORDER BY first_key",
            (kind,),
        )
        return [SegmentFacts(*row) for row in rows]

    def fresh(self, kind: str) -> list[tuple[int, bytes]]:
        """Key and vector of each row that is in no segment yet, ascending."""
        return self._db.execute("SELECT key, vector FROM fresh WHERE kind = ? ORDER BY key", (kind,)).fetchall()

    def fresh_count(self, kind: str) -> int:
        """How many rows are in no segment yet."""
        return int(self._db.execute("SELECT count(*) FROM fresh WHERE kind = ?", (kind,)).fetchone()[0])

    def live_keys(self, kind: str, first: int, last: int) -> list[int]:
        """Keys from ``first`` to ``last`` whose chunks still exist, ascending."""
        rows = self._db.execute(
            "SELECT key FROM chunks WHERE kind = ? AND key BETWEEN ? AND ? ORDER BY key", (kind, first, last)
        )
        return [key for (key,) in rows]

    def allowed_keys(self, kind: str, where: Where) -> list[int]:
        """Keys of all chunks that ``where`` allows, ascending."""
        test = _condition(where)
        rows = self._db.execute(
            "SELECT DISTINCT c.key FROM documents d JOIN chunks c ON c.content = d.content "
            f"WHERE c.kind = ? AND {test.sql} ORDER BY c.key",
            (kind, *test.values),
        )
        return [key for (key,) in rows]

    def passages(self, keys: Sequence[int], where: Where) -> list[PassageRow]:
        """The documents that these chunks belong to now, those that ``where`` excludes left out."""
        test = _condition(where)
        rows = self._db.execute(
            "SELECT c.key, d.document, d.id FROM json_each(?) k JOIN chunks c ON c.key = k.value "
            f"JOIN documents d ON d.content = c.content WHERE {test.sql}",
            (json.dumps(keys), *test.values),
        )
        return [PassageRow(*row) for row in rows]

    def chunk(self, key: int) -> ChunkRow:
        """The facts of one chunk."""
        row = self._db.execute(
            'SELECT kind, start, "end", start_line, end_line, page, text FROM chunks WHERE key = ?', (key,)
        ).fetchone()
        return ChunkRow(*row)

    def document_keys(self, documents: Sequence[int], where: Where) -> list[PassageRow]:
        """All chunks of some documents, those that ``where`` excludes left out."""
        test = _condition(where)
        rows = self._db.execute(
            "SELECT c.key, d.document, d.id FROM json_each(?) k JOIN documents d ON d.document = k.value "
            f"JOIN chunks c ON c.content = d.content WHERE {test.sql}",
            (json.dumps(documents), *test.values),
        )
        return [PassageRow(*row) for row in rows]

    def document(self, id: str) -> int | None:
        """The number of a document, or ``None``."""
        row = self._db.execute("SELECT document FROM documents WHERE id = CAST(? AS TEXT)", (_encode(id),)).fetchone()
        return None if row is None else int(row[0])

    def neighbours(self, document: int, first_line: int, last_line: int) -> list[ChunkRow]:
        """Chunks of a document that touch these lines, in order."""
        rows = self._db.execute(
            'SELECT c.kind, start, "end", start_line, end_line, page, text FROM documents d '
            "JOIN chunks c ON c.content = d.content "
            "WHERE d.document = ? AND end_line >= ? AND start_line <= ? ORDER BY c.key",
            (document, first_line, last_line),
        )
        return [ChunkRow(*row) for row in rows]

    def passage_count(self) -> int:
        """How many chunks there are, of all kinds."""
        return fulltext.count(self._db)

    def weigh(self, terms: Sequence[str]) -> fulltext.Terms:
        """See :func:`fulltext.weigh`; so the next three."""
        return fulltext.weigh(self._db, terms)

    def word_passages(
        self, terms: fulltext.Terms, count: int, allowed: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        return fulltext.passages(self._db, terms, count, allowed)

    def word_names(self, terms: fulltext.Terms, count: int) -> list[tuple[int, float]]:
        return fulltext.names(self._db, terms, count)

    def marks(self, expression: str, key: int) -> list[tuple[int, int]]:
        return list(fulltext.marks(self._db, expression, key))

    def full_text_is_intact(self) -> bool:
        """Whether the keyword index says what documents and chunks say.

        FTS5 checks itself by a statement that counts as a write, so a temporary copy is asked, as large as the catalog.
        """
        with closing(sqlite3.connect("", isolation_level=None)) as copy:
            self._db.backup(copy)
            return _is_intact(copy)

    def metadata(self, document: int) -> dict[str, Any]:
        """The metadata of one document."""
        (text,) = self._db.execute("SELECT metadata FROM documents WHERE document = ?", (document,)).fetchone()
        return dict(json.loads(text))

    def ids(self) -> list[str]:
        """Ids of all documents, in the order in which they came."""
        return [row[0] for row in self._db.execute("SELECT id FROM documents ORDER BY document")]

    def document_state(self, id: str) -> tuple[bytes, str] | None:
        """Hash of the content and the metadata of a document, or ``None`` if there is no such document."""
        row: tuple[bytes, str] | None = self._db.execute(
            "SELECT c.hash, d.metadata FROM documents d JOIN contents c ON c.content = d.content "
            "WHERE d.id = CAST(? AS TEXT)",
            (_encode(id),),
        ).fetchone()
        return row

    def content_state(self, digest: bytes) -> tuple[int, bool]:
        """How many chunks the content with this hash has, and whether these are all; ``(0, False)`` if unknown."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM chunks WHERE content = c.content), c.complete FROM contents c WHERE hash = ?",
            (digest,),
        ).fetchone()
        return (0, False) if row is None else (row[0], bool(row[1]))

    def files(self) -> dict[str, FileRow]:
        """Files of the folder as they were when last looked at, by path."""
        rows = self._db.execute("SELECT path, size_bytes, mtime_ns, checked_ns, reason FROM files")
        return {path: FileRow(*facts) for path, *facts in rows}


class Transaction(Snapshot):
    """A write transaction."""

    def set(self, name: str, value: str) -> None:
        """Make or replace a setting."""
        self._db.execute(insert_sql("settings", verb="INSERT OR REPLACE"), (name, value))

    def count_generation(self) -> None:
        """One commit more."""
        before = self.setting("generation") or "0"
        self.set("generation", str(int(before) + 1 if before.isdecimal() else 1))

    def content(self, digest: bytes, kind: str) -> int:
        """The number of the content with this hash, begun now if it is new."""
        row = self._db.execute("SELECT content FROM contents WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            return int(self._db.execute(insert_sql("contents"), (digest, kind, 0, 0)).lastrowid or 0)
        return int(row[0])

    def complete(self, content: int) -> None:
        """Say that all chunks of a content are here."""
        self._db.execute(
            "UPDATE contents SET complete = 1, chunks = (SELECT count(*) FROM chunks WHERE content = ?1) "
            "WHERE content = ?1",
            (content,),
        )
        self._db.execute(f"UPDATE contents SET seal = {seal_sql('contents')} WHERE content = ?", (content,))

    def add_chunk(self, content: int, chunk: ChunkRow, vector: bytes, digest: bytes) -> None:
        """Add the next chunk of a content, with its vector."""
        text, extra = (None, None) if chunk.text is None else (_encode(chunk.text), _extra(chunk.text))
        row = (content, *chunk[:-1], text, digest, extra)
        cursor = self._db.execute(insert_sql("chunks"), row)
        self._db.execute("INSERT INTO fresh VALUES (?, ?, ?)", (cursor.lastrowid, chunk.kind, vector))
        self._db.execute(f"{fulltext.ADD_WORDS} AND key = ?", (cursor.lastrowid,))

    def put_document(self, id: str, content: int, metadata: str) -> None:
        """Add a document, or let an existing one point to another content."""
        known = self.document(id)
        cursor = self._db.execute(
            insert_sql("documents")
            + " ON CONFLICT (id) DO UPDATE SET content = excluded.content, metadata = excluded.metadata, "
            "seal = excluded.seal",
            (_encode(id), content, metadata, _extra(id)),
        )
        if known is None:
            self._db.execute(f"{fulltext.ADD_NAMES} AND document = ?", (cursor.lastrowid,))

    def remove_documents(self, ids: Iterable[str]) -> int:
        """Remove documents; returns how many there were. Their contents stay until :meth:`sweep_contents`."""
        numbers = [number for id in ids if (number := self.document(id)) is not None]
        for number in dict.fromkeys(numbers):
            self._db.execute(f"{fulltext.REMOVE_NAMES} AND document = ?", (number,))
            self._db.execute("DELETE FROM documents WHERE document = ?", (number,))
        return len(set(numbers))

    def sweep_contents(self) -> int:
        """Remove contents that no document points to, with their chunks; returns how many."""
        orphaned = "content NOT IN (SELECT content FROM documents)"
        self._db.execute(f"{fulltext.REMOVE_WORDS} AND {orphaned}")
        return self._db.execute(f"DELETE FROM contents WHERE {orphaned}").rowcount

    def rebuild_full_text(self) -> None:
        """Make the keyword index anew from documents and chunks."""
        fulltext.rebuild(self._db)

    def full_text_is_intact(self) -> bool:
        """As of this transaction; here FTS5 may write, and a copy of what is not committed cannot be made."""
        return _is_intact(self._db)

    def replace_segments(self, old: Iterable[SegmentFacts], new: SegmentFacts | None) -> None:
        """Name ``new`` instead of ``old``, and drop the fresh rows that it covers."""
        for facts in old:
            self._db.execute("DELETE FROM segments WHERE file = ?", (facts.file,))
        if new is not None:
            self._db.execute(insert_sql("segments"), astuple(new))
            self._db.execute(
                "DELETE FROM fresh WHERE kind = ? AND key BETWEEN ? AND ?", (new.kind, new.first_key, new.last_key)
            )

    def put_file(self, path: str, row: FileRow) -> None:
        """Remember what a file looked like."""
        self._db.execute(insert_sql("files", verb="INSERT OR REPLACE"), (_encode(path), *row))

    def forget_files(self) -> None:
        """Forget all files."""
        self._db.execute("DELETE FROM files")

    def remove_files(self, paths: Iterable[str]) -> None:
        """Forget files."""
        self._db.executemany("DELETE FROM files WHERE path = CAST(? AS TEXT)", ((_encode(path),) for path in paths))


def _is_intact(db: sqlite3.Connection) -> bool:
    try:
        fulltext.check(db)
    except sqlite3.DatabaseError:
        return False
    return True


def _condition(where: Where) -> Condition:
    return (where if isinstance(where, Condition) else condition(where)) or Condition("1")


def _extra(text: str) -> bytes | None:
    words = extra_words(text)
    return None if words is None else _encode(words)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
