"""The catalog of an index: one SQLite file that is the truth about documents, contents, chunks and segments.

Documents point to contents by hash, and chunks belong to contents, so that a renamed, moved or copied
document costs no embedding. Keys are never reused. Segments are named by ranges of keys: fresh rows leave for a
segment all at once and in order, so that a key is in at most one segment of its kind.

This module knows SQL and no vectors: to it a vector is a blob.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from . import fulltext
from .errors import EdgeEmbedError, IndexCorruptError, IndexLockedError
from .filters import FUNCTIONS, Condition, condition
from .keywords import extra_words
from .vectors import SegmentFacts

CATALOG_NAME = "catalog.sqlite"
_APPLICATION_ID = 0x65646765  # "edge"
_LAYOUT = 2
"""1: no full text."""

_SCHEMA = """
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE contents (
    content INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,           -- BLAKE2b over kind, text or image, and pages
    kind TEXT NOT NULL,                  -- text or image
    complete INTEGER NOT NULL DEFAULT 0  -- 0: its chunks are not all here yet, and no document points to it
);
CREATE TABLE documents (
    document INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content INTEGER NOT NULL REFERENCES contents,
    metadata TEXT NOT NULL               -- JSON object
);
CREATE INDEX documents_by_content ON documents (content);
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
    kind TEXT NOT NULL,
    start INTEGER, "end" INTEGER,        -- characters, half open; null for images, as the next three
    start_line INTEGER, end_line INTEGER, page INTEGER,  -- null: the text has none
    text TEXT,
    digest BLOB NOT NULL                 -- BLAKE2b over text, span and vector
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
    sha256 TEXT NOT NULL
);
CREATE TABLE files (                     -- what a folder looked like; unused by other indexes
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,         -- when it was read
    reason TEXT                          -- null: indexed; else why it was skipped
);
"""

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


class Catalog:
    """The SQLite file of an index. Reading may happen from several threads; writing from one at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False, only_settings: bool = False) -> None:
        """Open the catalog in ``folder``; one of an older layout is brought up to date.

        Args:
            read_only: ``True`` changes nothing, so it refuses an older layout.
            only_settings: ``True`` takes an older layout as it is, in which only settings can be read.

        Raises:
            IndexCorruptError: the file is no catalog, or damaged.
            EdgeEmbedError: it was made by a newer edgeembed.
        """
        self._path = folder / CATALOG_NAME
        self._read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        with self._translated():
            connection = self._connect()
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            self._idle.append(connection)
        if application != _APPLICATION_ID:
            raise IndexCorruptError(self._path, "is not an edgeembed catalog")
        if layout > _LAYOUT:
            raise EdgeEmbedError(
                f"{self._path}: written by a newer edgeembed (layout {layout}, here {_LAYOUT}); upgrade edgeembed"
            )
        if layout < _LAYOUT and not only_settings:
            if read_only:
                raise EdgeEmbedError(
                    f"{self._path}: written by an earlier edgeembed (layout {layout}, here {_LAYOUT}); "
                    "open it once for writing, as `edgeembed index FOLDER` does, and it is brought up to date"
                )
            with self._translated():
                _upgrade(connection)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """One read transaction: everything asked inside comes from the same commit."""
        with self._translated(), self._guard:
            connection = self._idle.pop() if self._idle else None
        with self._translated():
            connection = connection or self._connect()
            connection.execute("BEGIN")
            try:
                yield Snapshot(connection)
            finally:
                connection.rollback()
                with self._guard:
                    self._idle.append(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction: committed and flushed to disk at the end, or undone as a whole."""
        with self._translated():
            with self._guard:
                connection = self._idle.pop() if self._idle else None
            connection = connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(connection)
                connection.execute(
                    "INSERT INTO settings VALUES ('generation', '1') "
                    "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
                )
                connection.commit()
            finally:
                connection.rollback()
                with self._guard:
                    self._idle.append(connection)

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        with self._guard:
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _connect(self) -> sqlite3.Connection:
        mode = "rw"
        if self._read_only:
            # Without a log there is nothing but the file itself, which then needs no shared memory beside it:
            # it can be read from a medium or folder where nothing may be written.
            log = self._path.with_name(f"{CATALOG_NAME}-wal")
            mode = "ro" if log.exists() and log.stat().st_size else "ro&immutable=1"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=10,
        )
        # File names that are not valid Unicode arrive as lone surrogates; they are kept as they are.
        connection.text_factory = _decode
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        for name, (arguments, function) in FUNCTIONS.items():
            connection.create_function(name, arguments, function, deterministic=True)
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "locked" in text:
                raise IndexLockedError(self._path.parent, "another process") from error
            if isinstance(error, sqlite3.OperationalError) and ("full" in text or "disk I/O" in text):
                raise EdgeEmbedError(f"{self._path}: {text}; make room and run the command again") from error
            raise IndexCorruptError(self._path, text) from error


def create_catalog(folder: Path, settings: Mapping[str, str]) -> None:
    """Make a catalog in ``folder``; it appears whole. The caller makes sure that nobody else does so at the time."""
    scratch = folder / f"{CATALOG_NAME}.part"
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    connection = sqlite3.connect(scratch, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        f"BEGIN; {_SCHEMA} {fulltext.COLUMNS} {fulltext.SCHEMA}"
        f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_LAYOUT}; COMMIT;"
    )
    connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
    connection.close()
    scratch.rename(folder / CATALOG_NAME)


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring an older layout up to date, as a whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        layout = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        if layout < 2:
            for statement in _statements(fulltext.COLUMNS + fulltext.SCHEMA):
                connection.execute(statement)
            fulltext.fill(connection)
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        connection.commit()
    finally:
        connection.rollback()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit what came before."""
    begun = ""
    for line in script.splitlines():
        begun += line + "\n"
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""


class Snapshot:
    """What one read transaction sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

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
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def content(self, digest: bytes, kind: str) -> int:
        """The number of the content with this hash, begun now if it is new."""
        self._db.execute("INSERT OR IGNORE INTO contents (hash, kind) VALUES (?, ?)", (digest, kind))
        return int(self._db.execute("SELECT content FROM contents WHERE hash = ?", (digest,)).fetchone()[0])

    def complete(self, content: int) -> None:
        """Say that all chunks of a content are here."""
        self._db.execute("UPDATE contents SET complete = 1 WHERE content = ?", (content,))

    def add_chunk(self, content: int, chunk: ChunkRow, vector: bytes, digest: bytes) -> None:
        """Add the next chunk of a content, with its vector."""
        text = extra = None
        if chunk.text is not None:
            text, extra = _encode(chunk.text), extra_words(chunk.text)
        cursor = self._db.execute(
            'INSERT INTO chunks (content, kind, start, "end", start_line, end_line, page, text, digest, extra) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT))",
            (content, *chunk[:-1], text, digest, None if extra is None else _encode(extra)),
        )
        self._db.execute("INSERT INTO fresh VALUES (?, ?, ?)", (cursor.lastrowid, chunk.kind, vector))
        self._db.execute(f"{fulltext.ADD_WORDS} AND key = ?", (cursor.lastrowid,))

    def put_document(self, id: str, content: int, metadata: str) -> None:
        """Add a document, or let an existing one point to another content."""
        known = self.document(id)
        if known is not None:
            values = (content, metadata, known)
            self._db.execute("UPDATE documents SET content = ?, metadata = ? WHERE document = ?", values)
            return
        cursor = self._db.execute(
            "INSERT INTO documents (id, content, metadata, extra) VALUES (CAST(? AS TEXT), ?, ?, CAST(? AS TEXT))",
            (_encode(id), content, metadata, _encode(extra_words(id) or "") or None),
        )
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
        """Whether the keyword index says what documents and chunks say."""
        try:
            fulltext.check(self._db)
        except sqlite3.DatabaseError:
            return False
        return True

    def replace_segments(self, old: Iterable[SegmentFacts], new: SegmentFacts | None) -> None:
        """Name ``new`` instead of ``old``, and drop the fresh rows that it covers."""
        for facts in old:
            self._db.execute("DELETE FROM segments WHERE file = ?", (facts.file,))
        if new is not None:
            self._db.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(new))
            self._db.execute(
                "DELETE FROM fresh WHERE kind = ? AND key BETWEEN ? AND ?", (new.kind, new.first_key, new.last_key)
            )

    def put_file(self, path: str, row: FileRow) -> None:
        """Remember what a file looked like."""
        self._db.execute("INSERT OR REPLACE INTO files VALUES (CAST(? AS TEXT), ?, ?, ?, ?)", (_encode(path), *row))

    def remove_files(self, paths: Iterable[str]) -> None:
        """Forget files."""
        self._db.executemany("DELETE FROM files WHERE path = CAST(? AS TEXT)", ((_encode(path),) for path in paths))


def _condition(where: Where) -> Condition:
    return (where if isinstance(where, Condition) else condition(where)) or Condition("1")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
