"""A folder that a server answers for: opened once, and brought up to date while it is asked."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalog import settings
from ..errors import EdgeEmbedError
from ..folder import Folder

if TYPE_CHECKING:
    from ..maintenance.status import IndexStatus
    from ..sync.report import SyncProgress, SyncReport
    from ..sync.walk_options import WalkOptions

_log = logging.getLogger(__name__)
_FRESH_SECONDS = 60
"""A folder that was brought up to date so recently is not looked at again for a search."""
_MOST_SUBFOLDERS = 200
_WARMING_WORDS = "a question that nobody asks"


@dataclass(frozen=True)
class SyncState:
    """What is being done about a folder, and how it ended last time."""

    running: bool
    progress: SyncProgress | None
    """Of the run in progress; ``None``: there is none, or it counts yet."""
    seconds: float | None
    """Since the run in progress began."""
    error: str | None
    """Why the last run failed; ``None``: it did not."""
    report: SyncReport | None
    """Of the last run that ended."""


@dataclass(frozen=True)
class _Done:
    begun: float
    key: tuple[object, ...]
    report: SyncReport


class ServedFolder:
    """A folder with its index, open as long as the server runs. May be used from several threads."""

    def __init__(self, name: str, folder: Folder, below: str = "", *, has_own_models: bool = True) -> None:
        """
        Args:
            name: what clients call it.
            below: only what is in this folder of it is shown, as in :meth:`Folder.sync`; empty: everything.
            has_own_models: whether it is searched with the models of its index, as commands do that name none.
        """
        self.has_own_models = has_own_models
        self.name = name
        self.folder = folder
        self.below = below
        self.root = folder.path.resolve()
        self._syncing = threading.Lock()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._background: threading.Thread | None = None
        self._progress: SyncProgress | None = None
        self._begun: float | None = None
        self._finished = float("-inf")
        self._error: str | None = None
        self._done: _Done | None = None
        self._subfolders: tuple[int, list[str]] | None = None
        self._counted: IndexStatus | None = None

    def part(self, name: str, below: str) -> ServedFolder:
        """Another part of the same folder, by the same index; they are brought up to date one after the other."""
        part = ServedFolder(name, self.folder, below, has_own_models=self.has_own_models)
        part._syncing = self._syncing
        return part

    @property
    def sync_state(self) -> SyncState:
        """What is being done."""
        with self._guard:
            seconds = None if self._begun is None else time.monotonic() - self._begun
            report = None if self._done is None else self._done.report
            return SyncState(self._begun is not None, self._progress, seconds, self._error, report)

    def sync(
        self,
        *,
        below: str | tuple[str, ...] | None = None,
        deep: bool = True,
        checksum: bool = False,
        options: WalkOptions | None = None,
        later: Collection[str] = (),
        progress: Callable[[SyncProgress], None] | None = None,
    ) -> SyncReport:
        """Bring the index up to date; callers that come while one is at work wait, and share the next run.

        Args:
            below: as in :meth:`Folder.sync`; ``None``: all that is served.
            Others as there.

        Raises:
            As :meth:`Folder.sync`.
        """
        below = self.below if below is None else below
        asked, key = time.monotonic(), (below, deep, checksum, options, later)
        with self._syncing:
            if self._done is not None and self._done.key == key and self._done.begun >= asked:
                return self._done.report
            return self._run(key, below, deep=deep, checksum=checksum, options=options, later=later, progress=progress)

    def sync_soon(self, *, at_once: bool = False) -> None:
        """Begin to bring the index up to date in the background, unless that was done a short while ago."""
        with self._guard:
            is_fresh = time.monotonic() - self._finished < _FRESH_SECONDS and not at_once
            if is_fresh or self._begun is not None or self._ended.is_set() or self.folder.index.read_only:
                return
            if self._background is not None and self._background.is_alive():
                return
            self._background = threading.Thread(target=self._sync_quietly, name="edgeembed-sync", daemon=True)
            self._background.start()

    def warm_up(self) -> None:
        """Load the models in the background, so that the first question need not wait for them."""

        def ask() -> None:
            with suppress(EdgeEmbedError, OSError, ValueError):  # whoever asks first is told
                self.folder.search(_WARMING_WORDS, k=1)

        threading.Thread(target=ask, name="edgeembed-warm-up", daemon=True).start()

    def _sync_quietly(self) -> None:
        try:
            self.sync()
        except (EdgeEmbedError, OSError, ValueError) as error:  # status tells; the next search tries again
            _log.info("%s: %s", self.root, error)

    def _run(
        self,
        key: tuple[object, ...],
        below: str | tuple[str, ...],
        *,
        deep: bool,
        checksum: bool,
        options: WalkOptions | None,
        later: Collection[str],
        progress: Callable[[SyncProgress], None] | None,
    ) -> SyncReport:
        def show(step: SyncProgress) -> None:
            self._progress = step
            if progress is not None:
                progress(step)

        begun = time.monotonic()
        error: str | None = "interrupted"
        with self._guard:
            self._begun, self._progress = begun, None
        try:
            report = self.folder.sync(
                progress=show,
                cancel=self._ended.is_set,
                below=below,
                deep=deep,
                checksum=checksum,
                options=options,
                later=later,
            )
            error = None
        except (EdgeEmbedError, OSError, ValueError) as reason:
            error = str(reason)
            raise
        finally:
            with self._guard:
                self._begun, self._progress, self._error, self._finished = None, None, error, time.monotonic()
        self._done = _Done(begun, key, report)
        return report

    def shown(self, id: str) -> str:
        """The path of a document, as it is shown."""
        return os.path.join(os.fspath(self.root), *id.split("/"))  # noqa: PTH118 (keeps lone surrogates)

    def path_of(self, id: str) -> Path:
        """The path of a document; it may be missing, or lead out of the folder."""
        return Path(self.shown(id))

    def safe_path(self, id: str) -> Path:
        """The path of the file of a document.

        An index may have come with its folder, and name whatever it likes.

        Raises:
            FileNotFoundError: there is no such file, or it is not in the folder.
        """
        path = self.path_of(id)
        if ".." not in id.split("/"):
            real = path.resolve()
            if real.is_file() and real.is_relative_to(self.root):
                return real
        raise FileNotFoundError(f"{path}: no such file in {self.root}")

    def holds(self, id: str) -> bool:
        """Whether a document is in the part that is served."""
        return not self.below or id.startswith(f"{self.below}/")

    def document_numbers(self, ids: Sequence[str]) -> list[int | None]:
        """The numbers of documents in the catalog; ``None``: there is none."""
        return self.folder.index._store.read(lambda snapshot: [snapshot.document(id) for id in ids])

    def document_name(self, number: int) -> str | None:
        """The reverse; ``None``: there is none, or it is not served."""
        id = self.folder.index._store.read(lambda snapshot: snapshot.document_id(number))
        return id if id is not None and self.holds(id) else None

    def content_digest(self, id: str) -> str | None:
        """The hash of the content of a document; ``None``: there is none."""
        state = self.folder.index._store.read(lambda snapshot: snapshot.document_state(id))
        return None if state is None else state[0].hex()

    def status(self) -> dict[str, Any]:
        """What the index holds and what is being done, as JSON."""
        info, state = self._info(), self.sync_state
        progress = None
        if state.progress is not None:
            step = state.progress
            rate = step.done_bytes / state.seconds if state.seconds else 0.0
            left = (step.total_bytes - step.done_bytes) / rate if rate else None
            progress = {**vars(step), "bytes_per_second": rate, "seconds_left": left}
        return {
            "folder": self.name,
            "path": self.shown(self.below) if self.below else os.fspath(self.root),
            "documents": info.documents,
            "passages": info.chunks,
            "model": info.model,
            "image_model": info.image_model,
            "size_bytes": info.size_bytes,
            "generation": info.generation,
            "skipped": len(info.skipped),
            "indexing": state.running,
            "progress": progress,
            "error": state.error,
            "subfolders": self._folders_inside(info.generation),
        }

    def _info(self) -> IndexStatus:
        """What the index holds, counted once for each commit."""
        generation = int(self.folder.index._store.read(lambda snapshot: snapshot.setting(settings.GENERATION)) or 0)
        if self._counted is None or self._counted.generation != generation:
            self._counted = self.folder.status(below=self.below)
        return self._counted

    def _folders_inside(self, generation: int) -> list[str]:
        """Folders that hold documents, two levels of them, those with most documents first, in order of names."""
        if self._subfolders is None or self._subfolders[0] != generation:
            counts: Counter[str] = Counter()
            for id in filter(self.holds, self.folder.index._store.read(lambda snapshot: snapshot.ids())):
                parts = id.split("/")[:-1]
                counts.update("/".join(parts[:depth]) for depth in (1, 2) if depth <= len(parts))
            names = sorted(name for name, _ in counts.most_common(_MOST_SUBFOLDERS))
            self._subfolders = generation, [name for name in names if self.holds(name)]
        return self._subfolders[1]

    def stop(self) -> None:
        """Break off a run in progress, and begin no more."""
        self._ended.set()

    def close(self) -> None:
        """As :meth:`stop`, and close the index."""
        self.stop()
        with self._syncing:
            self.folder.close()
