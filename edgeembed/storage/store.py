"""An open index as its parts: catalog, segments and models, kept at the newest commit, and written to by one at a time.

Knows nothing of queries and hits, which are for ``Index``; a sync needs no more than this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..catalog.database import Catalog, SnapshotLostError
from ..catalog.snapshot import Snapshot
from ..embedder import Embedder
from ..errors import EdgeEmbedError, IndexCorruptError, IndexLockedError
from ..index_models.choice import RequestedModels
from ..index_models.loaded import LoadedModels
from ..index_models.records import RecordedModels, has_images, stored_models
from ..reading.sandbox.protocol import DecodeRequest
from ..segments.hash_cache import HashCache
from ..segments.segment_set import SegmentSet
from ..system.limits import usable_cores
from .lock import process_lock
from .writer import Writer

_Answer = TypeVar("_Answer")
_ATTEMPTS = 10


class Store:
    """The parts of an open index. May be used from several threads."""

    def __init__(
        self, path: Path, catalog: Catalog, given: RequestedModels, *, read_only: bool, threads: int | None
    ) -> None:
        """For :meth:`Index.open`, which callers want."""
        self.path = path
        self.read_only = read_only
        self._threads = threads
        self._is_closed = False
        self._catalog = catalog
        self._identity = catalog.identity
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        with catalog.read() as snapshot:
            stored, has_pictures = stored_models(snapshot, path), has_images(snapshot)
        self._towers = LoadedModels(path, stored, given, has_pictures=has_pictures, threads=threads)
        self._segments = self._new_segments(stored)

    @property
    def embedder(self) -> Embedder:
        """The model for texts, loaded when it is first needed."""
        self._check_open()
        return self._towers.embedder("text")

    @property
    def embeds_images(self) -> bool:
        """Whether pictures are embedded."""
        return self._towers.facts("image") is not None

    @property
    def pictures(self) -> DecodeRequest | None:
        """What the model needs of a picture; ``None``: pictures are left out."""
        return self._towers.pictures

    def ask(self, question: Callable[[Snapshot], _Answer]) -> _Answer:
        """Ask something of the catalog as of the last commit; for ``Folder`` and ``Index``.

        Args:
            question: is asked again, of a newer commit, if a writer took away what it was reading.

        Raises:
            IndexCorruptError: the files contradict each other, or a segment is gone.
            ValueError: the index is closed.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._follow()
                with self._catalog.read() as snapshot:
                    return question(snapshot)
            except (FileNotFoundError, SnapshotLostError) as error:
                # A segment was merged away between the read of its name and its opening: the newest commit knows.
                if attempt == _ATTEMPTS - 1:
                    if isinstance(error, FileNotFoundError):
                        raise IndexCorruptError(str(error.filename), "is missing") from error
                    raise
        raise AssertionError("unreachable")

    def sweep(self) -> None:
        """Do what a writer that was killed left undone, if there is any and nobody else writes; for ``Folder``."""

        def is_swept(snapshot: Snapshot) -> bool:
            named = {facts.file for facts in snapshot.segments()}
            return snapshot.setting("unswept") != "1" and not self._segments.orphans(named)

        if not self.ask(is_swept):
            with suppress(IndexLockedError), self.writing():
                pass

    @contextmanager
    def writing(self, *, cancel: Callable[[], bool] | None = None) -> Iterator[Writer]:
        """Hold the lock and write; for ``Folder`` and ``Index``.

        Raises:
            IndexLockedError: another process is writing.
            EdgeEmbedError: the index was opened read-only.
            ValueError: it is closed.
        """
        self._check_open()
        if self.read_only:
            raise EdgeEmbedError(f"{self.path}: opened read-only; open it without read_only to change it")
        with self._writing, process_lock(self.path):
            self._follow()
            self._remember(self._towers.models)
            writer = Writer(
                self.path,
                self._catalog,
                self._segments,
                self._document_embedder,
                threads=self._threads or usable_cores(),
                cancel=cancel,
            )
            try:
                yield writer
                writer.finish()
            except BaseException:
                writer.keep()  # what was taken before the trouble
                raise
            finally:
                writer.close()

    def close(self) -> None:
        """Close files and threads; whatever is asked of the index afterwards is a ``ValueError``, except this again."""
        self._is_closed = True
        self._segments.close()
        self._catalog.close()
        self._towers.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"{self.path}: this index is closed; open it again to use it")

    def _follow(self) -> None:
        """Notice that another catalog took the place of this one, or that a model for pictures was chosen meanwhile."""
        self._check_open()
        with self._guard, self._catalog.read() as snapshot:
            identity, stored = self._catalog.identity, stored_models(snapshot, self.path)
            if (identity, stored) == (self._identity, self._towers.stored):
                return
            if stored != self._towers.stored:
                self._towers = self._towers.follow(stored, has_pictures=has_images(snapshot))
            self._segments = self._new_segments(stored)
            self._identity = identity

    def _new_segments(self, stored: RecordedModels) -> SegmentSet:
        return SegmentSet(self.path, stored.dims(), stamps=HashCache(self.path, read_only=self.read_only))

    def _document_embedder(self, kind: str) -> Embedder:
        """The model for documents of a kind; one for pictures that nobody chose is settled with the first of them."""
        embedder = self._towers.document_embedder(kind)
        if kind == "image":
            self._remember(RecordedModels(self._towers.models.text, self._towers.facts(kind)))
        return embedder

    def _remember(self, models: RecordedModels) -> None:
        """Remember which models the index is made with, if that is new."""
        if models != self._towers.stored:
            with self._catalog.write() as transaction:
                transaction.set("model", models.to_setting())
            self._follow()
