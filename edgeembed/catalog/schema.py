"""The layout of a catalog: its tables, and how a catalog of an older layout becomes one of this."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path

from ..errors import EdgeEmbedError, IndexCorruptError, path_error
from . import fulltext
from .older_layouts import is_readable
from .sqlite import Connection, in_memory

KINDS = ("text", "image")
"""Of contents and their chunks, and so of documents."""
APPLICATION_ID = 0x65646765  # "edge"
LAYOUT = 3
"""Layout 1 had no full text and no checksums; layout 2 no encoders, and in full text the letters as they were."""
_REBUILDABLE = "%USING fts5%"
SCHEMA = f"""
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    checksum BLOB NOT NULL               -- here and below: see checksums.py
) WITHOUT ROWID;
CREATE TABLE encoders (                  -- what vectors were made by; rows and segments name them by number
    encoder INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,         -- of the bundle: what decides a vector
    name TEXT NOT NULL,
    space TEXT NOT NULL,                 -- vectors of one space may be compared
    dim INTEGER NOT NULL,
    checksum BLOB NOT NULL
);
CREATE TABLE contents (
    content INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,           -- BLAKE2b over kind, text or image, and pages
    kind TEXT NOT NULL,                  -- text or image
    complete INTEGER NOT NULL,           -- 0: its chunks are not all here yet, and no document points to it
    chunks INTEGER NOT NULL,             -- how many it has, once it is complete
    checksum BLOB NOT NULL
);
CREATE TABLE documents (
    document INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content INTEGER NOT NULL REFERENCES contents,
    metadata TEXT NOT NULL,              -- JSON object
    checksum BLOB NOT NULL
);
CREATE INDEX documents_by_content ON documents (content);
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    content INTEGER NOT NULL REFERENCES contents ON DELETE CASCADE,
    kind TEXT NOT NULL,
    encoder INTEGER REFERENCES encoders, -- of its vector; null: it has none and is found by its words alone
    start INTEGER, "end" INTEGER,        -- characters, half open; null for images, as the next three
    start_line INTEGER, end_line INTEGER, page INTEGER,  -- null: the text has none
    text TEXT,
    digest BLOB NOT NULL,                -- BLAKE2b over text, span and vector
    checksum BLOB NOT NULL
);
CREATE INDEX chunks_by_content ON chunks (content, start);
CREATE TABLE unsegmented (               -- vectors that are in no segment yet
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
    encoder INTEGER NOT NULL REFERENCES encoders,
    checksum BLOB NOT NULL
);
CREATE TABLE files (                     -- what a folder looked like; unused by other indexes
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,         -- when it was read
    state TEXT NOT NULL,                 -- indexed, incomplete (a part of it is missing), or skipped
    reason TEXT,                         -- why it is not wholly indexed; null: it is
    reason_kind TEXT,                    -- of reasons that programs tell apart, a name; null: none
    inode INTEGER, ctime_ns INTEGER,     -- null: not known
    checksum BLOB NOT NULL
);
{fulltext.SCHEMA}"""


class OutdatedLayoutError(EdgeEmbedError):
    """The catalog was written by an older edgeembed; :func:`catalog.upgrade_catalog` brings it up to date."""


def check_schema(db: Connection, path: Path, *, only_settings: bool, read_only: bool = False) -> None:
    """Refuse what is no catalog of this layout: a crafted one could hold triggers and views that act on their own.

    Args:
        only_settings: any older layout will do.
        read_only: an older layout that can be read as it is will do; see ``older_layouts.py``.
    """
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise IndexCorruptError(path, "is not an edgeembed catalog")
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    if layout > LAYOUT:
        reason = f"written by a newer edgeembed (layout {layout}, here {LAYOUT}); upgrade edgeembed"
        raise path_error(path, EdgeEmbedError, reason)
    if layout < LAYOUT:
        if only_settings or (read_only and is_readable(layout, schema_rows(db))):
            return
        raise outdated(path, layout)
    if schema_rows(db) != expected_schema():
        raise IndexCorruptError(path, "its tables are not those of an edgeembed catalog")


def outdated(path: Path, layout: int) -> EdgeEmbedError:
    """The error that says what to do about an older layout."""
    reason = (
        f"written by an older edgeembed (layout {layout}, here {LAYOUT}); "
        "`edgeembed index FOLDER`, or opening it without read_only, upgrades it in place"
    )
    return path_error(path, OutdatedLayoutError, reason)


@cache
def expected_schema() -> frozenset[tuple[object, ...]]:
    """As :func:`schema_rows`, of a catalog of this layout."""
    with closing(in_memory()) as db:
        db.executescript(SCHEMA)
        return schema_rows(db)


def statements(schema: str) -> list[str]:
    """The single statements of a schema in which each ends a line."""
    return [part.strip() + ";" for part in schema.split(";\n") if part.strip()]


def schema_rows(db: Connection) -> frozenset[tuple[object, ...]]:
    """What a catalog consists of: type, name, table and SQL of everything in it."""
    # The tables that ANALYZE makes do no harm. How FTS5 declares its own differs between versions of SQLite.
    rows = db.execute(
        "SELECT type, name, tbl_name, CASE WHEN EXISTS (SELECT 1 FROM sqlite_master f WHERE f.sql LIKE ? "
        "AND m.name IN (f.name || '_data', f.name || '_idx', f.name || '_docsize', f.name || '_config')) "
        "THEN NULL ELSE sql END FROM sqlite_master m WHERE name NOT LIKE 'sqlite_stat%'",
        (_REBUILDABLE,),
    )
    return frozenset(map(tuple, rows))


def full_text_tables(db: Connection) -> list[str]:
    """Tables that can be made again from the others."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE ?", (_REBUILDABLE,))
    return [name for (name,) in rows]
