"""All segments of an index together: kept open, searched as one, collected when no commit names them any more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..catalog.rows import SegmentInfo
from .hash_cache import HashCache
from .int8 import Floats, Keys, to_int8
from .segment import EXPANSION_SEARCH, Segment

_SHARED_EXPANSION = 768
"""HNSW search breadth (``ef``) shared by all graphs of a query: each holds only part of the best rows, so each is
searched less widely. Of real texts in graphs of 262 144 rows, recall is then 0.983 with two graphs, 0.985 with three,
0.984 with four."""
_LEAST_EXPANSION = 128


def nearest_rows(
    segments: Sequence[Segment], query: Floats, count: int, *, exact: bool = False, expansion: int | None = None
) -> tuple[Keys, Floats]:
    """The ``count`` nearest rows of all segments together, best first: keys ``(n,)`` and cosines ``(n,)``.

    Args:
        query: ``(dim,)`` of length 1.
        count: at least 1.
        exact: compare every row instead of searching graphs.
        expansion: HNSW search breadth (``ef``) in each graph; ``None``: by how many graphs there are.
    """
    row = to_int8(query[None])[0]
    # Some more than asked for: the order among neighbours is decided in float32 below.
    reach = count + count // 2 + 16
    expansion = expansion or _expansion(sum(segment.has_graph for segment in segments))
    candidates = [segment.candidates(row, reach, exact=exact, expansion=expansion) for segment in segments]
    distances = np.concatenate([np.empty(0, np.float32), *(part for _, part in candidates)])
    places = np.argsort(distances, kind="stable")[:reach]
    keys = np.concatenate([np.empty(0, np.int64), *(part for part, _ in candidates)])[places]
    compared = [segment.compare(query, keys[segment.covers(keys)]) for segment in segments]
    keys = np.concatenate([np.empty(0, np.int64), *(part for part, _ in compared)])
    similarities = np.concatenate([np.empty(0, np.float32), *(part for _, part in compared)])
    order = np.argsort(-similarities, kind="stable")[:count]
    return keys[order], similarities[order]


def _expansion(graphs: int) -> int:
    """HNSW search breadth (``ef``) for each of so many graphs."""
    return EXPANSION_SEARCH if graphs < 2 else max(_LEAST_EXPANSION, _SHARED_EXPANSION // graphs)


class SegmentSet:
    """The segment files of an index, each mapped once. May be used from several threads."""

    def __init__(self, folder: Path, dims: Mapping[str, int], *, hash_cache: HashCache) -> None:
        """``dims`` is the length of the vectors of each kind."""
        self._folder = folder
        self._dims = dims
        self._hash_cache = hash_cache
        self._open: dict[str, Segment] = {}
        self._guard = threading.Lock()

    def open(self, info: SegmentInfo) -> Segment:
        """The segment, mapped now if it was not before; raises as :class:`Segment`."""
        with self._guard:
            if info.file not in self._open:
                self._open[info.file] = Segment(
                    self._folder, info, self._dims.get(info.kind, 0), hash_cache=self._hash_cache
                )
            return self._open[info.file]

    def trust(self, info: SegmentInfo) -> None:
        """Remember of a segment that was written just now that it has been hashed."""
        self._hash_cache.put(info.file, (self._folder / info.file).stat(), info.sha256)

    def orphans(self, named: Collection[str]) -> list[Path]:
        """Segment files that no commit names, left by a writer that was killed or by one that is at work now."""
        return [path for path in self._folder.glob("*.usearch*") if path.name not in named]

    def collect_garbage(self, named: Collection[str]) -> None:
        """Delete segment files that no commit names any more, as far as the system lets us."""
        with self._guard:
            unnamed = self._open.keys() - set(named)
        self._delete({*unnamed, *(path.name for path in self.orphans(named))})

    def drop(self, old: Iterable[SegmentInfo]) -> None:
        """Unmap and delete segments that no commit names any more; what cannot be deleted is collected later."""
        self._delete({info.file for info in old})

    def _delete(self, names: Collection[str]) -> None:
        with self._guard:
            for name in names:
                self._open.pop(name, None)
        for name in names:
            with contextlib.suppress(OSError):  # Windows keeps files that another process has mapped
                (self._folder / name).unlink()

    def renew_lock(self) -> None:
        """For the child of a fork, in which nobody is left to release it."""
        self._guard = threading.Lock()

    def close(self) -> None:
        """Unmap all."""
        with self._guard:
            self._open.clear()
