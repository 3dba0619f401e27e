"""An open index as its parts: catalog, segments and models, kept at the newest commit, and written to by one at a time.

Knows nothing of queries and hits, which are for ``Index``; a sync needs no more than this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..catalog import settings
from ..catalog.database import Catalog, SnapshotLostError
from ..catalog.snapshot import Snapshot
from ..embedder import Embedder
from ..errors import EdgeEmbedError, ForkedError, IndexCorruptError, IndexLockedError
from ..index_models.loaded import LoadedModels
from ..index_models.records import RecordedModels, has_images, recorded_models
from ..index_models.requests import RequestedModels
from ..segments.hash_cache import HashCache
from ..segments.segment_set import SegmentSet
from ..system.forks import follow_forks
from ..system.limits import usable_cores
from .lock import process_lock

if TYPE_CHECKING:
    from .writer import Writer

_Answer = TypeVar("_Answer")

_ATTEMPTS = 10


class Store:
    """The parts of an open index. May be used from several threads."""

    def __init__(
        self, path: Path, catalog: Catalog, requested: RequestedModels, *, read_only: bool, threads: int | None
    ) -> None:
        """For :func:`open_store`, which callers want."""
        self.path = path
        self.catalog = catalog
        self.read_only = read_only
        self._threads = threads
        self._is_closed = False
        self._is_lost = False
        """Whether this process was forked while another thread was writing."""
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        with catalog.read() as snapshot:
            recorded, holds_images = recorded_models(snapshot, path), has_images(snapshot)
            self._seen = catalog.identity, snapshot.generation
        self.models = LoadedModels(path, recorded, requested, has_images=holds_images, threads=threads)
        """Of the newest commit that was seen."""
        self.segments = self._new_segments(recorded)
        """Likewise."""
        follow_forks(self)

    @property
    def embeds_images(self) -> bool:
        """Whether this index has a model for images."""
        return self.models.record("image") is not None

    def read(self, question: Callable[[Snapshot], _Answer]) -> _Answer:
        """Ask something of the catalog as of the last commit.

        Args:
            question: called again with a newer commit if a writer removed what it was reading.

        Raises:
            IndexCorruptError: the files contradict each other, or a segment is gone.
            ValueError: the index is closed.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self.refresh()
                with self.catalog.read() as snapshot:
                    return question(snapshot)
            except (FileNotFoundError, SnapshotLostError) as error:
                # A segment was merged away between the read of its name and its opening: the newest commit knows.
                if attempt == _ATTEMPTS - 1:
                    if isinstance(error, FileNotFoundError):
                        raise IndexCorruptError(str(error.filename), "is missing") from error
                    raise
        raise AssertionError("unreachable")

    def refresh(self) -> None:
        """Notice that another catalog took the place of this one, or that a model for images was chosen meanwhile.

        Raises:
            ValueError: the index is closed.
        """
        self.check_open()
        with self._guard, self.catalog.read() as snapshot:
            identity, generation = self.catalog.identity, snapshot.generation
            if generation is not None and (identity, generation) == self._seen:
                return
            recorded = recorded_models(snapshot, self.path)
            is_other = recorded != self.models.recorded
            if is_other:
                self.models = self.models.follow(recorded, has_images=has_images(snapshot))
            if is_other or identity != self._seen[0]:
                self.segments = self._new_segments(recorded)
            self._seen = identity, generation

    def collect_garbage(self) -> None:
        """Do what a writer that was killed left undone, if there is any and nobody else writes."""

        def is_clean(snapshot: Snapshot) -> bool:
            named = {info.file for info in snapshot.segments()}
            return snapshot.setting(settings.NEEDS_GC) != "1" and not self.segments.orphans(named)

        if not self.read(is_clean):
            with suppress(IndexLockedError), self.writing():
                pass

    @contextmanager
    def writing(self, *, cancel: Callable[[], bool] | None = None) -> Iterator[Writer]:
        """Hold the lock and write.

        Raises:
            IndexLockedError: another process is writing.
            EdgeEmbedError: the index was opened read-only.
            ValueError: it is closed.
        """
        from .writer import Writer  # a search that finds nothing changed does without

        self.check_open()
        if self.read_only:
            raise EdgeEmbedError(f"{self.path}: opened read-only; open it without read_only to change it")
        with self._writing, process_lock(self.path):
            self.refresh()
            self._record(self.models.models)
            writer = Writer(
                self.path,
                self.catalog,
                self.segments,
                self.document_embedder,
                threads=self._threads or usable_cores(),
                cancel=cancel,
            )
            try:
                yield writer
                writer.finish()
            except BaseException:
                if not self._is_lost:
                    writer.keep()  # what was added before the trouble
                raise
            finally:
                writer.close()

    def document_embedder(self, kind: str) -> Embedder:
        """The model for documents of a kind; one for images that nobody chose is settled with the first of them.

        Raises:
            As :meth:`LoadedModels.document_embedder`.
        """
        embedder = self.models.document_embedder(kind)
        record = self.models.record(kind)
        if kind == "image" and record is not None:
            self._record(RecordedModels(self.models.models.text, record))
        return embedder

    def check_open(self) -> None:
        """Raise ``ValueError`` if the index is closed, ``ForkedError`` if the parent process wrote at the fork."""
        if self._is_closed:
            raise ValueError(f"{self.path}: this index is closed; open it again to use it")
        if self._is_lost:
            raise ForkedError(self.path)

    def before_fork(self) -> None:
        """Nothing; see ``Catalog``."""

    def after_fork(self, *, in_child: bool) -> None:
        """In a child nobody is left to release a lock."""
        if in_child:
            self._is_lost = self._is_lost or self._writing.locked()
            self._guard, self._writing = threading.Lock(), threading.Lock()
            self.segments.renew_lock()
            self.models.renew_lock()

    def close(self) -> None:
        """Close files and threads; any other call afterwards raises ``ValueError``."""
        self._is_closed = True
        self.segments.close()
        self.catalog.close()
        self.models.close()

    def _new_segments(self, recorded: RecordedModels) -> SegmentSet:
        return SegmentSet(self.path, recorded.dims(), hash_cache=HashCache(self.path, read_only=self.read_only))

    def _record(self, models: RecordedModels) -> None:
        """Record which models the index is made with, if that is new."""
        if models != self.models.recorded:
            with self.catalog.write() as transaction:
                transaction.set(settings.MODELS, models.to_setting())
            self.refresh()
