"""What can still be read of a damaged catalog."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from .catalog import CATALOG_NAME, with_logs
from .layout import expected_schema
from .sqlite import Connection, DatabaseError, connect

Row = tuple[Any, ...]
DAMAGED_NAME = f"{CATALOG_NAME}.damaged.part"
"""The copy of a catalog that is being repaired."""


@contextmanager
def damaged_catalog(folder: Path) -> Iterator[Connection]:
    """A copy of a catalog to save rows from, its text as bytes, its schema as it should be."""
    copy = folder / DAMAGED_NAME
    try:
        for source, target in zip(with_logs(folder / CATALOG_NAME), with_logs(copy), strict=True):
            target.unlink(missing_ok=True)
            if source.is_file() and not source.name.endswith("-shm"):
                shutil.copyfile(source, target)
                target.chmod(0o600)
        with closing(connect(copy, mode="rwc")) as db:
            db.text_factory = bytes
            with suppress(DatabaseError):
                db.execute("PRAGMA writable_schema = ON")
                for kind, name, table, sql in expected_schema():
                    if sql is None:
                        continue  # SQLite's own
                    db.execute(
                        "UPDATE sqlite_master SET tbl_name = ?, sql = ? WHERE type = ? AND name = ? AND sql IS NOT ?",
                        (table, sql, kind, name, sql),
                    )
                db.execute("PRAGMA writable_schema = RESET")
            yield db
    finally:
        for target in with_logs(copy):
            target.unlink(missing_ok=True)


def salvage(db: Connection, table: str, columns: Sequence[str], number: str | None) -> Iterator[Row]:
    """Rows of a damaged table, as far as they can be read from either end; some may come twice.

    Args:
        number: the column that is the number of a row; ``None``: it has none of its own.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    place = number or ("name" if table == "settings" else "rowid")
    for order in ("ASC", "DESC"):
        try:
            yield from db.execute(f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {place} {order}")
        except DatabaseError:
            continue
        return
