"""Catalogs of older layouts, made out of one of today, to the letter of what edgeembed wrote then."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from edgeembed.catalog.database import CATALOG_NAME, with_logs

_TOKENIZER = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
_LAYOUT_2 = f"""
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

CREATE VIRTUAL TABLE words USING fts5(
    text, extra, content = 'chunks', content_rowid = 'key', tokenize = "{_TOKENIZER}"
);
CREATE VIRTUAL TABLE names USING fts5(
    id, extra, content = 'documents', content_rowid = 'document', tokenize = "{_TOKENIZER}"
);
"""
_NOT_IN_1 = (
    r"\n\s+extra TEXT,[^\n]*",
    r",(\s+--[^\n]*)?\n\s+seal BLOB NOT NULL[^\n]*",
    r",(\s+--[^\n]*)?\n\s+chunks INTEGER NOT NULL[^\n]*",
)
_TABLES = ("settings", "contents", "documents", "chunks", "fresh", "segments", "files")


def downgrade(index_dir: Path, layout: int) -> None:
    """Bring a closed index to an older layout. In layout 2, texts are in full text as they are."""
    path, old = index_dir / CATALOG_NAME, index_dir / "old.sqlite"
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.text_factory = bytes
        schema = _LAYOUT_2
        for pattern in _NOT_IN_1 if layout == 1 else ():
            schema = re.sub(pattern, "", schema)
        for statement in filter(str.strip, schema.split(";\n")):
            if layout == 1 and "VIRTUAL" in statement:
                continue
            db.execute(statement)
        db.execute("ATTACH ? AS today", (str(path),))
        for name in _TABLES:
            _copy(db, name)
        db.execute("DELETE FROM main.sqlite_sequence")
        db.execute("INSERT INTO main.sqlite_sequence SELECT * FROM today.sqlite_sequence")
        for table in ("words", "names") if layout == 2 else ():
            db.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
        db.execute("PRAGMA application_id = 1701078885")
        db.execute(f"PRAGMA user_version = {layout}")
    for file in with_logs(path):
        file.unlink(missing_ok=True)
    old.rename(path)


def _copy(db: sqlite3.Connection, name: str) -> None:
    columns = [str(row[1], "ascii") for row in db.execute(f"PRAGMA main.table_info({name})")]
    new = {"seal": "checksum", "extra": "NULL"}
    values = ", ".join(new.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    today = {"fresh": "unsegmented"}.get(name, name)
    db.execute(f"INSERT INTO main.{name} ({names}) SELECT {values} FROM today.{today}")
    if name == "settings":
        db.execute("DELETE FROM main.settings WHERE name = 'full_text'")
        db.execute("UPDATE main.settings SET name = 'unswept' WHERE name = 'needs_gc'")
