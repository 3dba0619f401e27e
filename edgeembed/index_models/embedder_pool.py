"""Embedders that the indexes of one process share: a model is loaded once, however many indexes use it."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from pathlib import Path

from ..bundle.bundle import Bundle
from ..embedder import Embedder
from ..system.forks import follow_forks

_Key = tuple[Path, str, int | None]
"""Folder of the bundle, its encoder, and the number of threads that was asked for."""


@dataclass
class _Entry:
    embedder: weakref.ref[Embedder]
    """An index that is let go without being closed gives nothing back."""
    users: int


class EmbedderPool:
    """Embedders by bundle; each is closed when nobody uses it any more. May be used from several threads."""

    def __init__(self) -> None:
        self._entries: dict[_Key, _Entry] = {}
        self._guard = threading.Lock()
        follow_forks(self)

    def take(self, bundle: Bundle, threads: int | None) -> Embedder:
        """The embedder of a bundle, loaded unless somebody has it already; to be given back.

        Args:
            threads: as :class:`Embedder` takes it.

        Raises:
            BundleError: the bundle cannot be loaded.
        """
        key = (bundle.path.resolve(), bundle.manifest.encoder, threads)
        with self._guard:
            entry = self._entries.get(key)
            embedder = None if entry is None else entry.embedder()
            if entry is None or embedder is None:
                embedder = Embedder(bundle, threads=threads)
                entry = self._entries[key] = _Entry(weakref.ref(embedder), 0)
            entry.users += 1
            return embedder

    def give_back(self, embedder: Embedder) -> None:
        """Say that an embedder is not used here any more; one that does not come from the pool is closed."""
        with self._guard:
            for key, entry in self._entries.items():
                if entry.embedder() is embedder:
                    entry.users -= 1
                    if entry.users:
                        return
                    del self._entries[key]
                    break
        embedder.close()

    def before_fork(self) -> None:
        """Nothing: what is being loaded goes on in the parent."""

    def after_fork(self, *, in_child: bool) -> None:
        """In a child nobody is left to release the lock."""
        if in_child:
            self._guard = threading.Lock()


POOL = EmbedderPool()
"""Of this process."""
