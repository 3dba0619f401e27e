"""Give the disk back, the text of removed documents included; and make an index ready to be shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..catalog import settings
from ..catalog.database import CATALOG_NAME, Catalog
from ..catalog.schema import full_text_tables
from ..catalog.sqlite import Connection
from ..index_models.records import RecordedModels
from ..storage.lock import forget_owner
from ..storage.store import Store


@dataclass(frozen=True)
class CompactReport:
    """What was given back."""

    before_bytes: int
    after_bytes: int
    """All files of the index."""
    notes: tuple[str, ...]
    """What could not be done now, and when it can."""


def compact_store(store: Store, *, for_shipping: bool) -> CompactReport:
    """Give back what an open index does not need; arguments and errors as :meth:`edgeembed.Index.compact`."""
    before_bytes = _size_bytes(store.path)
    with store.writing() as writer:
        writer.compact()
        writer.finish()
        notes = _compact_catalog(store.catalog)
        if for_shipping:
            _strip_for_shipping(store.path, store.catalog)
    return CompactReport(before_bytes, _size_bytes(store.path), notes)


def _size_bytes(folder: Path) -> int:
    """All files of an index together."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def _compact_catalog(catalog: Catalog) -> tuple[str, ...]:
    """Write the catalog anew without the room of removed rows, and empty its log; returns what could not be done."""
    with catalog.maintain() as db:
        for table in full_text_tables(db):
            db.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
        db.execute("VACUUM")
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        return ("a process that reads this index keeps the catalog's log; it goes once that has ended",)
    return ()


def _strip_for_shipping(folder: Path, catalog: Catalog) -> None:
    """Take out what concerns this machine only, and let the catalog be one file that needs nothing beside it.

    The paths and times of source files, that of their folder, the path of the bundle, and the name of the last writer
    go. The files become readable for everyone, as those of an application are.

    Raises:
        IndexLockedError: another process has the index open.
    """
    with catalog.write() as transaction:
        transaction.forget_files()
        transaction.unset(settings.SOURCE_FOLDER)
        models = RecordedModels.from_setting(transaction.setting(settings.MODELS), folder)
        transaction.set(settings.MODELS, models.without_locations().to_setting())
    _compact_catalog(catalog)
    catalog.close()
    with catalog.maintain() as db:
        _leave_log(db)
    catalog.close()
    forget_owner(folder)
    folder.chmod(0o755)
    for file in folder.iterdir():
        if file.name.startswith(CATALOG_NAME) or file.suffix == ".usearch":
            file.chmod(0o644)


def _leave_log(db: Connection) -> None:
    db.execute("PRAGMA journal_mode = DELETE")
