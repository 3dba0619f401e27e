"""How a catalog of an older layout becomes one of the present."""

from __future__ import annotations

from ..text.surrogates import decode, encode
from ..text.terms import index_terms
from . import fulltext
from .checksums import CHECKSUMMED, checksum_sql
from .schema import LAYOUT, SCHEMA, full_text_tables, statements
from .sqlite import Connection


def upgrade(db: Connection) -> None:
    """Bring a catalog of any older layout to this one, in one transaction.

    The tables are made anew and filled from the old ones, so that their SQL is that of ``SCHEMA`` to the letter.
    """
    db.create_function("extra_words", 1, _extra_words, deterministic=True)
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA legacy_alter_table = ON")  # a renamed table takes no references with it
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] < LAYOUT:
            _make_anew(db)
            db.execute(f"PRAGMA user_version = {LAYOUT}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _extra_words(raw: bytes | None) -> bytes | None:
    words = index_terms(decode(raw)) if raw else None
    return None if words is None else encode(words)


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
    for (name,) in rows:
        _copy(db, name)
        db.execute(f"DROP TABLE old_{name}")
    db.execute("DELETE FROM sqlite_sequence")
    db.executemany("INSERT INTO sqlite_sequence VALUES (?, ?)", sequences)
    fulltext.rebuild(db)


_DEFAULTS = {
    ("contents", "chunks"): "CASE WHEN complete THEN (SELECT count(*) FROM old_chunks c WHERE c.content = o.content) "
    "ELSE 0 END",
    ("chunks", "extra"): "CAST(extra_words(CAST(o.text AS BLOB)) AS TEXT)",
    ("documents", "extra"): "CAST(extra_words(CAST(o.id AS BLOB)) AS TEXT)",
}
"""What older layouts have not, in SQL over a row ``o`` of the old table."""


def _copy(db: Connection, table: str) -> None:
    """Fill a new table from its old form: new columns by ``_DEFAULTS``, else null; each row gets its checksum."""
    old = _columns(db, f"old_{table}")
    new = [column for column in _columns(db, table) if column != "seal"]
    if not new:
        return  # a table that the new layout has no use for
    known = {column: f'o."{column}"' for column in old}
    values = ", ".join(f'{known.get(column) or _DEFAULTS.get((table, column), "NULL")} AS "{column}"' for column in new)
    names = ", ".join(f'"{column}"' for column in new)
    seal = f", {checksum_sql(table)}" if table in CHECKSUMMED else ""
    into = f"{names}, seal" if table in CHECKSUMMED else names
    db.execute(f"INSERT INTO {table} ({into}) SELECT {names}{seal} FROM (SELECT {values} FROM old_{table} o)")


def _columns(db: Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
