"""The folder of an index: made, opened, and brought to the present layout."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..catalog.database import CATALOG_NAME, Catalog, create_catalog, upgrade_catalog
from ..catalog.schema import OutdatedLayoutError
from ..errors import IndexLockedError
from ..index_models.choice import RequestedModels, models_before_documents
from ..index_models.records import RecordedModels, stored_models
from .lock import process_lock


def open_catalog(folder: Path, *, read_only: bool = False) -> Catalog:
    """Open the catalog in ``folder``; one of an older layout is brought to the present one, in place.

    Raises:
        IndexLockedError: it must be brought up to date, and another process is writing.
        As :class:`Catalog`.
    """
    try:
        # Opened to see its layout, and not read: closing a file by other means than SQLite's would free the locks
        # that this process holds on it elsewhere (https://www.sqlite.org/howtocorrupt.html, 2.2).
        return Catalog(folder, read_only=read_only)
    except OutdatedLayoutError:
        if read_only:
            raise
        with process_lock(folder, wait_seconds=10):
            upgrade_catalog(folder)
        return Catalog(folder)


def create_index(folder: Path, models: RecordedModels) -> None:
    """Make an empty index, readable by its owner only, unless another process is first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with process_lock(folder, wait_seconds=10):
        if not (folder / CATALOG_NAME).exists():
            create_catalog(folder, {"model": models.to_setting()})


def choose_models_again(folder: Path, catalog: Catalog, given: RequestedModels) -> None:
    """Let an index without documents take the models that are wanted now: only a document settles them.

    Otherwise a first run whose model failed would tie the folder to that model. While another process writes, nothing
    is changed: it is about to add the first document.

    Raises:
        As :class:`Towers`.
    """
    with catalog.read() as snapshot:
        if snapshot.has_documents():
            return
        stored = stored_models(snapshot, folder)
    wanted = models_before_documents(stored, given)
    if wanted == stored:
        return
    with suppress(IndexLockedError), process_lock(folder), catalog.write() as transaction:
        if not transaction.has_documents():
            transaction.sweep_contents()  # begun with the other model
            transaction.replace_segments(transaction.segments(), None)
            transaction.set("model", wanted.to_setting())
