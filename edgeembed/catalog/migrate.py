"""How a catalog of an older layout becomes one of the present."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import fulltext, settings
from .checksums import CHECKSUMMED, checksum_sql, insert_sql
from .rows import EncoderInfo
from .schema import KINDS, LAYOUT, SCHEMA, full_text_tables, statements
from .sqlite import Connection


def upgrade(db: Connection) -> None:
    """Bring a catalog of any older layout to this one, in one transaction; full text is made anew where need be.

    The tables are made anew and filled from the old ones, so that their SQL is that of ``SCHEMA`` to the letter.
    """
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA legacy_alter_table = ON")  # a renamed table takes no references with it
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] < LAYOUT:
            _make_anew(db)
            db.execute(f"PRAGMA user_version = {LAYOUT}")
        elif not fulltext.is_current(db):
            fulltext.rebuild(db)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _make_anew(db: Connection) -> None:
    for name in full_text_tables(db):
        db.execute(f"DROP TABLE {name}")
    for kind in ("trigger", "index"):
        rows = db.execute("SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL", (kind,)).fetchall()
        for (name,) in rows:
            db.execute(f"DROP {kind.upper()} {name}")
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    sequences = db.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
    for (name,) in rows:
        db.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    for statement in statements(SCHEMA):
        db.execute(statement)
    encoders = _add_encoders(db)
    for (name,) in rows:
        _copy(db, name, encoders)
        db.execute(f"DROP TABLE old_{name}")
    db.execute("DELETE FROM sqlite_sequence")
    db.executemany("INSERT INTO sqlite_sequence VALUES (?, ?)", sequences)
    fulltext.rebuild(db)


def _add_encoders(db: Connection) -> dict[str, int]:
    """The number of the encoder of each kind: until layout 2 all vectors of one came from the model in a setting."""
    row = db.execute("SELECT value FROM old_settings WHERE name = ?", (settings.MODELS,)).fetchone()
    models: Any = json.loads(row[0]) if row else {}
    image = models.get("image")
    records: Mapping[str, Any] = {"text": models, "image": image if isinstance(image, dict) else models}
    numbers = {}
    for kind in KINDS:
        record = records[kind]
        digest, name, space = (str(record.get(key, "")) for key in ("encoder", "name", "space"))
        info = EncoderInfo(digest, name, space, int(record.get("dim", 0)))
        db.execute(insert_sql("encoders", verb="INSERT OR IGNORE"), info)
        row = db.execute("SELECT encoder FROM encoders WHERE digest = ?", (info.digest,)).fetchone()
        numbers[kind] = int(row[0])
    return numbers


_NEW_NAMES = {"fresh": "unsegmented"}
"""Of tables."""
_ENCODER = "CASE o.kind WHEN 'image' THEN :image ELSE :text END"
_CHANGED = {("settings", "name"): "CASE o.name WHEN 'unswept' THEN 'needs_gc' ELSE o.name END"}
"""What older layouts have otherwise, in SQL over a row ``o`` of the old table."""
_ADDED = {
    ("contents", "chunks"): "CASE WHEN complete THEN (SELECT count(*) FROM old_chunks c WHERE c.content = o.content) "
    "ELSE 0 END",
    ("chunks", "encoder"): _ENCODER,
    ("segments", "encoder"): _ENCODER,
    ("files", "state"): "iif(o.reason IS NULL, 'indexed', 'skipped')",
}
"""Likewise what they have not."""


def _copy(db: Connection, name: str, encoders: Mapping[str, int]) -> None:
    """Fill a new table from its old form, column by column; what is not known becomes null."""
    table = _NEW_NAMES.get(name, name)
    old = _columns(db, f"old_{name}")
    new = [column for column in _columns(db, table) if column != "checksum"]
    if not new:
        return  # a table that the new layout has no use for
    known = {column: f'o."{column}"' for column in old}
    values = {
        column: _CHANGED.get((table, column)) or known.get(column) or _ADDED.get((table, column), "NULL")
        for column in new
    }
    listed = ", ".join(f'{value} AS "{column}"' for column, value in values.items())
    names = ", ".join(f'"{column}"' for column in new)
    checksum = f", {checksum_sql(table)}" if table in CHECKSUMMED else ""
    into = f"{names}, checksum" if table in CHECKSUMMED else names
    db.execute(
        f"INSERT INTO {table} ({into}) SELECT {names}{checksum} FROM (SELECT {listed} FROM old_{name} o)", encoders
    )


def _columns(db: Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
