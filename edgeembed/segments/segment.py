"""Segments: files of stored vectors, memory-mapped. The only module that uses ``usearch``.

A segment is one USearch file (an HNSW graph, Malkov and Yashunin 2018, https://arxiv.org/abs/1603.09320), written
once under a new name and never changed, because saving over a mapped file kills the processes that map it.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..catalog.rows import SegmentInfo, check_segment_info
from ..errors import EdgeEmbedError, IndexCorruptError, path_error
from ..system.files import file_sha256, sync_file, sync_folder
from ..system.native import load_onnxruntime
from .hash_cache import HashCache
from .int8 import Floats, Keys, Rows, cosines

if TYPE_CHECKING:
    from usearch.index import Index as USearchIndex

EXACT_ROWS = 131_072
"""Up to this many rows all are compared, in at most 9 ms: of the best ten of 100 000 generated rows 0.993 are found
(the rest is int8), by a graph 0.990 with an ``ef`` of 2048, in 6.4 ms, and 0.985 with 1024, in 2.7 ms."""
_CONNECTIVITY = 14
"""Of the graph: at 384 dimensions a row with its edges takes 0.34 of what it would take alone in float32."""
_EXPANSION_ADD = 128
EXPANSION_SEARCH = 1024
"""HNSW search breadth (``ef``) of a graph, if it is the only one. Of the best ten of 262 144 real texts 512 finds
0.980 and this 0.986; of 97 000 generated ones, which lie closer together, 0.958 and 0.984."""
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_HEADER = struct.Struct("<II")  # rows, bytes a row: what a USearch file begins with


def _open_plain(path: Path) -> BinaryIO:
    """Open a file that must be one, and no link, pipe or folder."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK | getattr(os, "O_BINARY", 0)), "rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        if path.is_symlink() or not path.is_file():
            raise IndexCorruptError(path, "is a link or a folder, not a file") from error
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise IndexCorruptError(path, "is not a file")
    return file


def write_segment(
    folder: Path, name: str, kind: str, keys: Keys, parts: Iterable[Rows], *, threads: int
) -> SegmentInfo:
    """Build a segment file that is on the disk, name and all, when this returns.

    Args:
        folder: where; ``name`` must be new there.
        keys: ``(N,)`` ascending, without repeats.
        parts: the rows of these keys in their order, ``(n, dim)`` each and at least one; one is in memory at a time.
    """
    index, done = None, 0
    for rows in parts:
        index = index or _empty(rows.shape[1])
        index.add(keys[done : done + len(rows)].astype(np.uint64), np.ascontiguousarray(rows), threads=threads)
        done += len(rows)
    assert index is not None, "there is a part"
    scratch = folder / f"{name}.part"
    try:
        _save(index, scratch)
        sha256, size_bytes = file_sha256(scratch), scratch.stat().st_size
        scratch.rename(folder / name)
        sync_folder(folder)
    except BaseException:
        scratch.unlink(missing_ok=True)  # it takes room that may be what is missing
        raise
    return SegmentInfo(name, kind, int(keys[0]), int(keys[-1]), len(keys), size_bytes, sha256)


def _save(index: USearchIndex, path: Path) -> None:
    """Write an index to a file that is on the disk when this returns.

    Raises:
        EdgeEmbedError: there is no room.
    """
    advice = "make room and run the command again"
    try:
        index.save(os.fspath(path))
        path.chmod(0o600)
        sync_file(path)
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:
        raise path_error(path, EdgeEmbedError, f"cannot be written: {error}; {advice}") from error
    if size != index.serialized_length:  # usearch does not look whether the last bytes could be written
        raise path_error(path, EdgeEmbedError, f"could not be written to its end; {advice}")


class Segment:
    """A segment file, mapped into memory."""

    def __init__(self, folder: Path, info: SegmentInfo, dim: int, *, hash_cache: HashCache | None) -> None:
        """Map the file.

        Args:
            hash_cache: remembers which files have been hashed on this machine; ``None``: hash it in any case.

        Raises:
            FileNotFoundError: it was collected, because a newer commit no longer names it.
            IndexCorruptError: its name, size, header or SHA-256 is not what the catalog says, or it is a link.
        """
        check_segment_info(info, folder)
        self.info = info
        self._dim = dim
        self._path = folder / info.file
        with _open_plain(self._path) as file:
            status = os.fstat(file.fileno())
            header = file.read(_HEADER.size)
            # Checked before native code sees the file: it would believe what the header says.
            if status.st_size != info.size_bytes or header != _HEADER.pack(info.rows, dim):
                raise IndexCorruptError(self._path, "is not the file that was written (size or header differ)")
            if status.st_size < _HEADER.size + info.rows * dim:
                raise IndexCorruptError(self._path, "holds fewer bytes than its rows need")
            if hash_cache is None or not hash_cache.holds(info.file, status, info.sha256):
                if not self.is_intact():
                    raise IndexCorruptError(self._path, "is damaged: its SHA-256 does not fit")
                if hash_cache is not None:
                    hash_cache.put(info.file, status, info.sha256)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._index = _empty(dim)
        try:
            # From memory and not by path: usearch opens paths through the ANSI interface on Windows.
            self._index.view(memoryview(self._map))
        except (RuntimeError, ValueError) as error:
            raise IndexCorruptError(self._path, f"cannot be mapped: {error}") from error
        if (len(self._index), self._index.ndim, str(self._index.dtype)) != (info.rows, dim, str(_empty(dim).dtype)):
            raise IndexCorruptError(self._path, "holds vectors of another kind")

    def __len__(self) -> int:
        return self.info.rows

    def is_intact(self) -> bool:
        """Whether the file's SHA-256 is the one it was written with."""
        return file_sha256(self._path) == self.info.sha256

    @property
    def has_graph(self) -> bool:
        """Whether its HNSW graph is searched unless an exact search is asked for."""
        return len(self) > EXACT_ROWS

    def candidates(
        self, row: Rows, count: int, *, exact: bool = False, expansion: int = EXPANSION_SEARCH
    ) -> tuple[Keys, Floats]:
        """Keys ``(n,)`` and distances ``(n,)`` of the ``count`` nearest rows as far as int8 tells, nearest first.

        Args:
            row: ``(dim,)``, the query as rows are stored.
            count: at least 1.
            exact: compare every row, whatever the size.
            expansion: HNSW search breadth (``ef``) where the graph is searched; at least ``count``.
        """
        count = min(count, len(self))
        exact = exact or not self.has_graph or count * 4 >= len(self)
        if self._index.expansion_search != expansion:
            self._index.expansion_search = expansion  # type: ignore[misc]  # there is a setter
        matches = self._index.search(row, count, exact=exact, threads=1)
        real = np.isfinite(matches.distances)
        return matches.keys[real].astype(np.int64), matches.distances[real]

    def compare(self, query: Floats, keys: Keys) -> tuple[Keys, Floats]:
        """Cosines of the rows with ``keys``; keys that are not here are left out of both results."""
        keys = keys[self.holds(keys)]
        if not len(keys):
            return keys, np.empty(0, np.float32)
        return keys, cosines(query, self.rows(keys))

    def covers(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of the keys ``(n,)`` lie in the range of this segment: no other of its kind may hold them."""
        return np.asarray((keys >= self.info.first_key) & (keys <= self.info.last_key))

    def holds(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of the keys ``(n,)`` are here."""
        if not len(keys):
            return np.zeros(0, dtype=bool)
        return np.asarray(self._index.contains(keys.astype(np.uint64)), dtype=bool)

    def rows(self, keys: Keys) -> Rows:
        """The stored rows ``(n, dim)`` of keys that are here."""
        if not len(keys):
            return np.empty((0, self._dim), dtype=np.int8)
        rows: Any = self._index.get(keys.astype(np.uint64))
        return np.asarray(rows, dtype=np.int8).reshape(len(keys), self._dim)

    def release(self) -> None:
        """Give back the memory of what was read of the file; it is read again when it is needed."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            self._map.madvise(mmap.MADV_DONTNEED)

    def keys(self) -> Keys:
        """All keys ``(rows,)``, ascending."""
        return np.sort(np.asarray(self._index.keys[:])).astype(np.int64)


def _empty(dim: int) -> USearchIndex:
    load_onnxruntime()
    from usearch.index import Index

    return Index(
        ndim=dim,
        metric="cos",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
