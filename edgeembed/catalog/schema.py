"""The layout of a catalog: its tables, and views by which one of an older layout is read as it is.

Whoever may write brings such a catalog to the present layout (``migrate.py``). Where nothing may be written it is read
through temporary views, which belong to a connection and never reach the file. Words are found in it as they were
indexed then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path

from ..errors import EdgeEmbedError, IndexCorruptError, path_error
from . import fulltext
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

_VIEWS = (
    "CREATE TEMP VIEW unsegmented AS SELECT key, kind, vector FROM main.fresh",
    'CREATE TEMP VIEW chunks AS SELECT key, content, kind, start, "end", start_line, end_line, page, text, digest, '
    "1 AS encoder FROM main.chunks",
    "CREATE TEMP VIEW segments AS SELECT *, 1 AS encoder FROM main.segments",
    "CREATE TEMP VIEW files AS SELECT *, iif(reason IS NULL, 'indexed', 'skipped') AS state, "
    "NULL AS reason_kind, NULL AS inode, NULL AS ctime_ns FROM main.files",
)
"""For layouts 1 and 2; of layout 1, which has no full text, only settings and counts are read."""
_FIRST_WITHOUT_VIEWS = 3
"""The layout from which on a catalog needs none of these views."""
_OLDER_SCHEMAS = {2: "1e108127d167405f1dcafb2e93028d221eb33af43b4786087cb5436c78199f73"}
"""SHA-256 over the schema of each layout, which must be that of an edgeembed to the letter."""


class OutdatedLayoutError(EdgeEmbedError):
    """The catalog was written by an older edgeembed; :func:`catalog.upgrade_catalog` brings it up to date."""


def check_schema(db: Connection, path: Path, *, only_settings: bool, read_only: bool = False) -> None:
    """Refuse what is no catalog of this layout: a crafted one could hold triggers and views that act on their own.

    Args:
        only_settings: any older layout will do.
        read_only: an older layout that can be read as it is will do.
    """
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise IndexCorruptError(path, "is not an edgeembed catalog")
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    if layout > LAYOUT:
        reason = f"written by a newer edgeembed (layout {layout}, here {LAYOUT}); upgrade edgeembed"
        raise path_error(path, EdgeEmbedError, reason)
    if layout < LAYOUT:
        if only_settings or (read_only and _is_readable(layout, schema_rows(db))):
            return
        raise outdated(path, layout)
    if schema_rows(db) != expected_schema():
        raise IndexCorruptError(path, "its tables are not those of an edgeembed catalog")


def _is_readable(layout: int, schema: Iterable[tuple[object, ...]]) -> bool:
    """Whether a catalog of an older layout can be read as it is."""
    digest = hashlib.sha256("\n".join(sorted(map(repr, schema))).encode()).hexdigest()
    return _OLDER_SCHEMAS.get(layout) == digest


def add_views(db: Connection, layout: int) -> None:
    """Give a connection to a catalog of an older layout the names of today."""
    for view in _VIEWS if layout < _FIRST_WITHOUT_VIEWS else ():
        db.execute(view)


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
