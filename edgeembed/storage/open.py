"""The folder of an index: made, opened, and brought to the present layout."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..catalog import settings
from ..catalog.database import CATALOG_NAME, Catalog, create_catalog, upgrade_catalog
from ..catalog.schema import OutdatedLayoutError
from ..errors import IndexLockedError, IndexNotFoundError, IndexNotWritableError
from ..index_models.records import RecordedModels, recorded_models
from ..index_models.requests import RequestedModels, models_before_documents, models_for_new
from ..system.limits import checked_threads
from .index_dir import check_index_dir, refuse_links
from .index_place import NAME_ANOTHER
from .lock import process_lock
from .store import Store

_log = logging.getLogger(__name__)


def open_store(folder: Path, requested: RequestedModels, *, read_only: bool, threads: int | None) -> Store:
    """Open the index in ``folder``, or make it there.

    Raises:
        As :meth:`edgeembed.Index.open`.
    """
    threads = checked_threads(threads)
    with _making(folder):
        is_there = (folder / CATALOG_NAME).is_file()
    if not is_there:
        if read_only and not folder.is_file():
            raise IndexNotFoundError(folder, "make one first with Index.open(path) or `edgeembed index FOLDER`")
        with _making(folder):
            check_index_dir(folder)
        decision = models_for_new(requested, folder)
        _log.info("%s: new index: %s (%s)", folder, decision.reason, decision.models.text.label)
        with _making(folder):
            create_index(folder, decision.models)
    refuse_links(folder)
    catalog = open_catalog(folder, read_only=read_only)
    try:
        if not read_only:
            choose_models_again(folder, catalog, requested)
        return Store(folder, catalog, requested, read_only=read_only, threads=threads)
    except BaseException:
        catalog.close()
        raise


@contextmanager
def _making(folder: Path) -> Iterator[None]:
    """Say of an index that cannot be made where it was to be, and what to name instead."""
    try:
        yield
    except NotADirectoryError as error:
        if hasattr(error, "reason"):
            raise  # the folder itself is a file, which was said
        raise IndexNotWritableError(folder, "cannot be made: a part of the path is a file", NAME_ANOTHER) from error
    except IndexNotWritableError as error:
        raise IndexNotWritableError(folder, f"cannot be made: {error.reason}", NAME_ANOTHER) from error
    except OSError as error:
        reason = f"cannot be made: {(error.strerror or type(error).__name__).lower()}"
        raise IndexNotWritableError(folder, reason, NAME_ANOTHER) from error


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
            _log.info("%s: the catalog has an older layout and is upgraded", folder)
            upgrade_catalog(folder)
        return Catalog(folder)


def create_index(folder: Path, models: RecordedModels) -> None:
    """Make an empty index, readable by its owner only, unless another process is first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with process_lock(folder, wait_seconds=10):
        if not (folder / CATALOG_NAME).exists():
            create_catalog(folder, {settings.MODELS: models.to_setting()})


def choose_models_again(folder: Path, catalog: Catalog, requested: RequestedModels) -> None:
    """Let an index without documents use the models that are requested now: only a document settles them.

    Otherwise a first run whose model failed would tie the folder to that model. While another process writes, nothing
    is changed: it is about to add the first document.

    Raises:
        As :class:`LoadedModels`.
    """
    with catalog.read() as snapshot:
        if snapshot.has_documents():
            return
        recorded = recorded_models(snapshot, folder)
    decision = models_before_documents(recorded, requested, folder)
    if decision.models == recorded:
        return
    _log.info("%s: no document yet: %s (%s)", folder, decision.reason, decision.models.text.label)
    with suppress(IndexLockedError), process_lock(folder), catalog.write() as transaction:
        if not transaction.has_documents():
            transaction.collect_contents()  # begun with the other model
            transaction.replace_segments(transaction.segments(), None)
            transaction.set(settings.MODELS, decision.models.to_setting())
