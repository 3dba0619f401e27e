"""Flush and merge: segments out of unsegmented rows, and one segment out of several.

Unsegmented rows (an LSM tree's memtable) are flushed to a segment once there are some thousands, and segments of one
size class are merged by tiers, so that each row is written a few times only and a search walks few graphs (as
log-structured merge trees do:
O'Neil, Cheng, Gawlick and O'Neil 1996, doi:10.1007/s002360050048). A segment file never changes: a new one is written
and named by the next commit in place of the old ones.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate, takewhile
from pathlib import Path

import numpy as np

from ..catalog.database import Catalog
from ..catalog.rows import SegmentInfo
from ..segments.int8 import Keys, Rows, from_blobs
from ..segments.segment import write_segment
from ..segments.segment_set import SegmentSet

_log = logging.getLogger(__name__)

FLUSH_ROWS = 4096
"""Unsegmented rows are flushed at this number; up to it, comparing all of them takes a few milliseconds."""
MAX_SEGMENT_ROWS = 262_144
"""Merging stops here, because a graph is built in memory."""
_MERGE = 4


class SegmentMerger:
    """Flushes and merges the segments of one index. The caller holds the index's lock."""

    def __init__(self, folder: Path, catalog: Catalog, segments: SegmentSet, *, threads: int) -> None:
        self._folder = folder
        self._catalog = catalog
        self._segments = segments
        self._threads = threads

    def flush(self, kind: str) -> None:
        """Write unsegmented rows to a segment once there are enough, then merge the smallest ones."""
        with self._catalog.read() as snapshot:
            if snapshot.unsegmented_count(kind) < FLUSH_ROWS:
                return
            encoders = snapshot.unsegmented_encoders(kind)
        for encoder in encoders:
            with self._catalog.read() as snapshot:
                unsegmented = snapshot.unsegmented_rows(kind, encoder)
            keys = np.array([key for key, _ in unsegmented], dtype=np.int64)
            rows = from_blobs([vector for _, vector in unsegmented], len(unsegmented[0][1]))
            self._replace([], kind, encoder, keys, [rows])
        self.merge(kind, FLUSH_ROWS * _MERGE)

    def merge(self, kind: str, most: int) -> None:
        """Merge the last segments as long as there are enough of one size class, up to ``most`` rows together."""
        while group := self._mergeable(kind, most):
            self._rewrite(group)

    def rewrite_sparse(self) -> None:
        """Rewrite segments of which more than half the rows are gone."""
        with self._catalog.read() as snapshot:
            segments = snapshot.segments()
            live = [snapshot.live_count(info) for info in segments]
        for info, count in zip(segments, live, strict=True):
            if count * 2 < info.rows:
                self._rewrite([info])

    def compact(self, kind: str) -> None:
        """Rewrite segments that hold removed rows or are smaller than need be."""
        for group in self._neighbours(kind):
            self._rewrite(group)

    def _mergeable(self, kind: str, most: int) -> list[SegmentInfo]:
        """Neighbouring segments among the last of one size class, as many as fit together, if these are enough."""
        with self._catalog.read() as snapshot:
            segments = snapshot.segments(kind)
        last = _alike(segments[-1]) if segments else None
        alike = list(takewhile(lambda info: _alike(info) == last, reversed(segments)))[::-1]
        rows = accumulate(info.rows for info in alike)
        group = [info for info, total in zip(alike, rows, strict=True) if total <= most]
        return group if len(group) >= _MERGE else []

    def _neighbours(self, kind: str) -> list[list[SegmentInfo]]:
        """Runs of segments that fit into one; those that are whole and alone are left out."""
        groups: list[list[SegmentInfo]] = []
        room = 0
        sparse = set[str]()
        with self._catalog.read() as snapshot:
            for info in snapshot.segments(kind):
                live = snapshot.live_count(info)
                if live < info.rows:
                    sparse.add(info.file)
                if not groups or live > room or info.encoder != groups[-1][-1].encoder:
                    groups.append([])
                    room = MAX_SEGMENT_ROWS
                groups[-1].append(info)
                room -= live
        return [group for group in groups if len(group) > 1 or group[0].file in sparse]

    def _rewrite(self, group: list[SegmentInfo]) -> None:
        """Replace neighbouring segments by one of their live rows."""
        kind = group[0].kind
        with self._catalog.read() as snapshot:
            keys = [np.array(snapshot.live_keys(info), dtype=np.int64) for info in group]

        def parts() -> Iterator[Rows]:
            for info, live in zip(group, keys, strict=True):
                if len(live):
                    segment = self._segments.open(info)
                    yield segment.rows(live)
                    segment.release()  # the new graph is in memory; the old ones need not be as well

        self._replace(group, kind, group[0].encoder, np.concatenate(keys), parts())

    def _replace(self, old: list[SegmentInfo], kind: str, encoder: int, keys: Keys, rows: Iterable[Rows]) -> None:
        new = None
        _log.debug("%s rows of %s: %d segments become one", len(keys), kind, len(old))
        if len(keys):
            name = f"{kind}-{uuid.uuid4().hex}.usearch"
            new = write_segment(self._folder, name, kind, keys, rows, threads=self._threads)
            new = replace(new, encoder=encoder)
            self._segments.trust(new)
        with self._catalog.write() as transaction:
            transaction.replace_segments(old, new)
        self._segments.drop(old)  # at once: a large first run would otherwise hold its index twice, on disk and mapped


def _alike(info: SegmentInfo) -> tuple[int, int]:
    """What segments must have in common to be merged."""
    return info.encoder, _size_class(info.rows)


def _size_class(rows: int) -> int:
    size = 0
    while rows >= FLUSH_ROWS * _MERGE ** (size + 1):
        size += 1
    return size
