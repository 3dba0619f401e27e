"""The chunks nearest to a query: in segments, among fresh rows, and only those that a filter allows.

USearch knows neither filters nor removed rows, so both are dealt with here. If a filter leaves few chunks, exactly
these are compared. Otherwise more candidates are taken until no chunk outside them could still be among the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..catalog.database import CATALOG_NAME
from ..catalog.rows import PassageRow
from ..catalog.snapshot import Snapshot
from ..catalog.where import Condition
from ..errors import IndexCorruptError, path_error
from ..index_models.query_vectors import UNREAD
from ..segments.int8 import Floats, Keys, cosines, from_blobs, norms
from ..segments.segment_set import SegmentSet, nearest_rows

_COMPARE_ALL = 20_000
"""Up to so many allowed chunks are all compared, which takes some milliseconds."""


@dataclass(frozen=True)
class DocumentMatch:
    """A document and the keys of its chunks among the candidates, best first."""

    document: int
    id: str
    keys: tuple[int, ...]
    similarity: float


class VectorSearch:
    """Searches one snapshot of an index with one query."""

    def __init__(
        self, snapshot: Snapshot, segments: SegmentSet, query: Floats, where: Condition, *, exact: bool
    ) -> None:
        """
        Args:
            query: ``(dim,)`` float32 of length 1.
            where: only what it allows is found.
            exact: compare every row instead of walking graphs.
        """
        self._snapshot = snapshot
        self._segments = segments
        self._query = query
        self._where = where
        self._exact = exact
        self._allowed: dict[str, list[int]] = {}
        self._compared: dict[str, tuple[Keys, Floats]] = {}

    def allowed(self, kind: str) -> list[int] | None:
        """Keys of the chunks that the condition allows, ascending; ``None``: all."""
        if not self._where:
            return None
        if kind not in self._allowed:
            self._allowed[kind] = self._snapshot.allowed_keys(kind, self._where)
        return self._allowed[kind]

    def documents(self, kind: str, k: int) -> tuple[list[DocumentMatch], dict[int, float]]:
        """The best ``k`` or more documents of a kind, and the similarity of each chunk that was looked at.

        Raises:
            FileNotFoundError: a segment was swept meanwhile; a newer snapshot knows what took its place.
        """
        allowed = self.allowed(kind)
        if allowed is not None and len(allowed) <= _COMPARE_ALL:
            similarity = self.compare(kind, np.array(allowed, dtype=np.int64))
            return self._grouped(similarity), similarity
        count = 4 * k + 16
        while True:
            similarity, unseen = self._candidates(kind, count)
            matches = self._grouped(similarity)
            if is_final(matches, k, unseen):
                return matches, similarity
            count *= 4

    def _grouped(self, similarity: dict[int, float]) -> list[DocumentMatch]:
        return group_by_document(self._snapshot.passages(list(similarity), self._where), similarity)

    def _candidates(self, kind: str, count: int) -> tuple[dict[int, float], float]:
        """The best ``count`` chunks, removed ones among them; and how similar one outside may be."""
        segments = [self._segments.open(info) for info in self._snapshot.segments(kind)]
        keys, scores = nearest_rows(segments, self._query, count, exact=self._exact)
        fresh, fresh_scores = self._fresh(kind)
        rows = sum(map(len, segments)) + len(fresh)
        keys, scores = np.concatenate([keys, fresh]), np.concatenate([scores, fresh_scores])
        best = np.argsort(-scores, kind="stable")[:count]
        similarity = dict(zip(keys[best].tolist(), scores[best].tolist(), strict=True))
        return similarity, float(scores[best[-1]]) if 0 < len(best) < rows else -math.inf

    def compare(self, kind: str, allowed: Keys) -> dict[int, float]:
        """Similarity of exactly these chunks; those of another kind are left out."""
        similarity: dict[int, float] = {}
        for info in self._snapshot.segments(kind):
            segment = self._segments.open(info)
            keys, scores = segment.compare(self._query, allowed[segment.covers(allowed)])
            similarity.update(zip(keys.tolist(), scores.tolist(), strict=True))
        keys, scores = self._fresh(kind)
        here = np.isin(keys, allowed)
        similarity.update(zip(keys[here].tolist(), scores[here].tolist(), strict=True))
        return similarity

    def _fresh(self, kind: str) -> tuple[Keys, Floats]:
        """Keys and similarities of the rows that are in no segment yet, in the order of keys."""
        if kind not in self._compared:
            keys, rows, lengths = _fresh_rows(self._snapshot, kind, len(self._query))
            self._compared[kind] = keys, cosines(self._query, rows, lengths)
        return self._compared[kind]


def group_by_document(rows: Iterable[PassageRow], similarity: Mapping[int, float]) -> list[DocumentMatch]:
    """Group chunks by document: best document first, equals in the order of their ids."""
    chunks: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        chunks.setdefault((row.document, row.id), []).append(row.key)
    matches = []
    for (document, id), keys in chunks.items():
        keys.sort(key=lambda key: (-similarity[key], key))
        matches.append(DocumentMatch(document, id, tuple(keys), similarity[keys[0]]))
    return sorted(matches, key=lambda item: (-item.similarity, item.id))


def is_final(matches: list[DocumentMatch], k: int, unseen: float) -> bool:
    """Whether no chunk beyond the candidates could still enter the best ``k``, copies counted as one.

    Args:
        unseen: the highest similarity that a chunk outside the candidates may have; minus infinity: there is none.
    """
    contents: set[int] = set()
    for match in matches:
        contents.add(match.keys[0])  # copies share their chunks
        if len(contents) == k:
            return match.similarity >= unseen
    return unseen == -math.inf


def best_contents(matches: list[DocumentMatch], k: int) -> list[DocumentMatch]:
    """The first of ``matches``, as many as have ``k`` contents between them."""
    contents: set[int] = set()
    for i, match in enumerate(matches):
        contents.add(match.keys[0])  # copies share their chunks
        if len(contents) > k:
            return matches[:i]
    return matches


def document_rows(
    snapshot: Snapshot, segments: SegmentSet, id: str, dims: Mapping[str, int]
) -> tuple[list[int], str, Floats]:
    """The number of a document, its kind, and its vectors ``(n, dim)``, of length 1, in no order.

    Args:
        id: of a document; or the path of a file, for all its parts and the numbers of these.
        dims: length of the vectors of each kind.

    Raises:
        KeyError: no document has this id.
        ValueError: it has no vector, because the model cannot read it.
        FileNotFoundError: as :meth:`VectorSearch.documents`.
    """
    numbers = snapshot.numbers_of(id)
    if not numbers:
        raise KeyError(f"no document {id!r} in this index")
    document_keys = np.array([row.key for row in snapshot.document_keys(numbers, Condition(""))], dtype=np.int64)
    kind = snapshot.chunk(int(document_keys[0])).kind
    vectors: list[Floats] = []
    for info in snapshot.segments(kind):
        segment = segments.open(info)
        inside = document_keys[segment.covers(document_keys)]
        vectors.append(segment.rows(inside[segment.holds(inside)]).astype(np.float32))
    fresh, rows, _ = _fresh_rows(snapshot, kind, dims[kind])
    vectors.append(rows[np.isin(fresh, document_keys)])
    floats = np.concatenate(vectors)
    if not len(floats):
        raise path_error(id, ValueError, UNREAD)
    norms = np.linalg.norm(floats, axis=1, keepdims=True)
    return numbers, kind, np.asarray(floats / np.maximum(norms, 1), dtype=np.float32)


def _fresh_rows(snapshot: Snapshot, kind: str, dim: int) -> tuple[Keys, Floats, Floats]:
    """Keys ``(n,)``, int8 rows ``(n, dim)`` as float32, and their lengths ``(n,)``, of what is in no segment yet."""

    def load() -> tuple[Keys, Floats, Floats]:
        fresh = snapshot.unsegmented_rows(kind)
        if any(len(raw) != dim for _, raw in fresh):
            raise IndexCorruptError(CATALOG_NAME, "the length of a vector is not that of the model")
        keys = np.array([key for key, _ in fresh], dtype=np.int64)
        rows = from_blobs([vector for _, vector in fresh], dim).astype(np.float32)
        return keys, rows, norms(rows)

    return snapshot.kept(("unsegmented", kind, dim), load)
