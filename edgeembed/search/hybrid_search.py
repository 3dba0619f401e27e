"""One search of one snapshot: nearest vectors and best words, put together, judged, and made into hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..catalog.fulltext import Terms
from ..catalog.snapshot import PassageRow, Snapshot
from ..catalog.where import Condition
from ..index_models.calibration import BM25_WEIGHT_FOR_CUTOFF, MIN_SHARE_OF_BEST_Z, MIN_Z, Calibration, chance_threshold
from ..segments.int8 import Floats
from ..segments.segment_set import SegmentSet
from ..text.terms import query_terms
from . import hits
from .hits import Hit, Passage
from .snippet import is_like, snippet, spans_of
from .vector_search import VectorSearch

Mode = Literal["hybrid", "vector", "keyword"]
_DEPTH = 100
"""So many documents are taken from vectors and from words each before they are put together, or ``k`` if it is more."""
_PASSAGES = 10
_ENOUGH_WORDS = 0.3
"""Share of the highest BM25 that a query could get from which words alone make a document relevant: its passage and its
name hold most of what is rare in the query. All words once in a passage of average length are 1 / (k1 + 1) = 0.45."""


@dataclass(frozen=True)
class SearchRequest:
    """What to search for."""

    vectors: Mapping[str, Floats]
    """``(dim,)`` of length 1 for each kind of documents that is searched in."""
    words: str
    """The query for the keyword index; empty: there are no words, as with a picture."""
    phrases: tuple[str, ...]
    """Those of its words that must occur as they stand."""
    k: int
    condition: Condition
    mode: Mode
    min_score: float | Literal["auto"] | None
    exact: bool


@dataclass
class _Candidate:
    """A document that was found."""

    document: int
    id: str
    keys: set[int] = field(default_factory=set)
    name: float = 0.0
    """BM25 of its name."""
    matched: set[str] = field(default_factory=set)
    order: list[int] = field(default_factory=list)
    """Its keys, the best passage first."""
    value: float = 0.0
    """By which documents are put in order."""
    words: float = 0.0
    """BM25 of its best passage in words."""


class HybridSearch:
    """Answers one request."""

    def __init__(
        self, snapshot: Snapshot, segments: SegmentSet, scales: Mapping[str, Calibration], request: SearchRequest
    ) -> None:
        self._snapshot = snapshot
        self._request = request
        self._nearest = {
            kind: VectorSearch(snapshot, segments, vector, request.condition, exact=request.exact)
            for kind, vector in request.vectors.items()
        }
        self._scales = scales
        self._similarity: dict[int, float] = {}
        self._kind: dict[int, str] = {}
        self._words: dict[int, float] = {}
        """BM25 of passages."""
        self._candidates: dict[int, _Candidate] = {}
        self._terms = self._name_terms = Terms("", 0.0)

    def hits(self) -> list[Hit]:
        """The best ``k`` documents."""
        mode, depth = self._request.mode, self._request.k
        if mode != "vector" and self._request.words:
            depth = max(depth, _DEPTH)
            terms = query_terms(self._request.words)
            self._terms, self._name_terms = self._snapshot.weigh("words", terms), self._snapshot.weigh("names", terms)
            self._find_words(depth)
            self._find_names(depth)
        if mode != "keyword":
            self._find_nearest(depth)
        self._complete_similarities()
        self._put_in_order()
        best = [item for item in self._candidates.values() if item.order]
        best = self._relevant(best) if self._request.min_score == "auto" else list(filter(self._is_wanted, best))
        best.sort(key=lambda item: (-item.value, item.id))
        return [self._hit(item) for item in best[: self._request.k]]

    # Finding

    def _find_nearest(self, depth: int) -> None:
        for kind, nearest in self._nearest.items():
            found, similarity = nearest.documents(kind, depth)
            self._learn(kind, similarity)
            for item in found:
                self._candidate(item.document, item.id, item.keys, "vector")

    def _find_words(self, depth: int) -> None:
        if "text" not in self._nearest:
            return
        allowed = self._nearest["text"].allowed("text")

        def best(count: int) -> list[tuple[int, float]]:
            return self._snapshot.word_passages(self._terms, count, allowed)

        def rows(found: Sequence[tuple[int, float]]) -> list[PassageRow]:
            self._words |= dict(found)
            return self._snapshot.passages([key for key, _ in found], self._request.condition)

        for row in _enough(best, rows, depth):
            self._candidate(row.document, row.id, [row.key], "keyword")

    def _find_names(self, depth: int) -> None:
        names: dict[int, float] = {}

        def best(count: int) -> list[tuple[int, float]]:
            return self._snapshot.word_names(self._name_terms, count)

        def rows(found: Sequence[tuple[int, float]]) -> list[PassageRow]:
            names.update(found)
            return self._snapshot.document_keys([number for number, _ in found], self._request.condition)

        for row in _enough(best, rows, depth):
            self._candidate(row.document, row.id, [row.key], "keyword").name = names[row.document]

    def _candidate(self, document: int, id: str, keys: Iterable[int], matched: str) -> _Candidate:
        item = self._candidates.setdefault(document, _Candidate(document, id))
        item.keys.update(keys)
        item.matched.add(matched)
        return item

    def _complete_similarities(self) -> None:
        """Compare also those passages that only their words brought here."""
        keys = {key for item in self._candidates.values() for key in item.keys} - self._similarity.keys()
        for kind, nearest in self._nearest.items() if keys else ():
            self._learn(kind, nearest.compare(kind, np.array(sorted(keys), dtype=np.int64)))

    def _learn(self, kind: str, similarity: Mapping[int, float]) -> None:
        self._similarity |= similarity
        self._kind |= dict.fromkeys(similarity, kind)

    # Judging

    def _put_in_order(self) -> None:
        # In keyword mode the similarity decides between equals only.
        modes = {"hybrid": (1.0, hits.BM25_WEIGHT), "vector": (1.0, 0.0), "keyword": (1e-9, 1.0)}
        meaning, words = modes[self._request.mode]
        names, words = words / self._name_terms.spread, words / self._terms.spread
        for item in self._candidates.values():
            value = {
                key: meaning * self._scale(key).z_score(self._similarity[key]) + words * self._words.get(key, 0.0)
                for key in item.keys
                if key in self._similarity
            }
            item.order = sorted(value, key=lambda key: (-value[key], key))
            item.words = max((self._words.get(key, 0.0) for key in item.keys), default=0.0)
            if item.order:
                item.value = value[item.order[0]] + names * item.name

    def _is_wanted(self, item: _Candidate) -> bool:
        least, score = self._request.min_score, self._score(item)
        return score is None or not isinstance(least, (int, float)) or score >= least

    def _relevant(self, items: list[_Candidate]) -> list[_Candidate]:
        """What is shown by default: nothing without a good match, nor what is far below the best of its kind."""
        least: dict[str, float] = {}
        for item in items:
            kind = self._kind[item.order[0]]
            least[kind] = max(least.get(kind, MIN_Z), MIN_SHARE_OF_BEST_Z * self._strength(item))

        def is_relevant(item: _Candidate) -> bool:
            best = item.order[0]
            return (
                not self._scale(best).is_calibrated
                or self._has_enough_words(item)
                or self._strength(item) >= least[self._kind[best]]
            )

        found = list(filter(is_relevant, items))
        return found if any(map(self._is_good, found)) else []

    def _is_good(self, item: _Candidate) -> bool:
        """Whether it is more than the best that chance brings."""
        best = item.order[0]
        if not self._scale(best).is_calibrated or self._has_enough_words(item):
            return True
        allowed = self._nearest[self._kind[best]].allowed(self._kind[best])
        passages = self._snapshot.passage_count() if allowed is None else len(allowed)
        return self._strength(item) >= chance_threshold(passages)

    def _strength(self, item: _Candidate) -> float:
        """Deviations above the ordinary, words that it holds counted in."""
        best = item.order[0]
        words = item.words / self._terms.spread + item.name / self._name_terms.spread
        return self._scale(best).z_score(self._similarity[best]) + BM25_WEIGHT_FOR_CUTOFF * words

    def _has_enough_words(self, item: _Candidate) -> bool:
        parts = ((item.words, self._terms), (item.name, self._name_terms))
        share = sum(found / terms.most for found, terms in parts if found)
        return share >= _ENOUGH_WORDS or self._request.mode == "keyword"

    def _score(self, item: _Candidate) -> float | None:
        best = item.order[0]
        return self._scale(best).score(self._similarity[best])

    def _scale(self, key: int) -> Calibration:
        return self._scales[self._kind[key]]

    # Showing

    def _hit(self, item: _Candidate) -> Hit:
        return Hit.of(
            item.id,
            self._kind[item.order[0]],
            tuple(self._passages(item)),
            self._snapshot.metadata(item.document),
            score=self._score(item),
            matched=tuple(sorted(item.matched, reverse=True)),
        )

    def _passages(self, item: _Candidate) -> list[Passage]:
        out: list[Passage] = []
        for key in item.order[: 2 * _PASSAGES]:
            chunk = self._snapshot.chunk(key)
            if chunk.text is not None and is_like(chunk.text, (passage.text or "" for passage in out)):
                continue
            shown = None
            if chunk.text is not None:
                marked = self._snapshot.marks(self._terms.expression, key) if key in self._words else []
                shown = snippet(chunk.text, spans_of(chunk.text, self._request.words, self._request.phrases, marked))
            out.append(
                Passage(
                    similarity=self._similarity[key],
                    start=chunk.start,
                    end=chunk.end,
                    start_line=chunk.start_line,
                    end_line=chunk.end_line,
                    page=chunk.page,
                    snippet=shown.text if shown else None,
                    marks=shown.marks if shown else (),
                    text=chunk.text,
                )
            )
            if len(out) == _PASSAGES:
                break
        return out


def _enough(
    best: Callable[[int], list[tuple[int, float]]],
    rows: Callable[[Sequence[tuple[int, float]]], list[PassageRow]],
    depth: int,
) -> list[PassageRow]:
    """Ask for more and more of the best, until they belong to ``depth`` documents or there are no more."""
    count = 4 * depth
    while True:
        found = best(count)
        live = rows(found)
        if len(found) < count or len({row.document for row in live}) >= depth:
            return live
        count *= 4
