"""Finding: the documents that vectors, words and names bring up for a request, and the evidence for each."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from operator import or_

import numpy as np

from ..catalog import fulltext
from ..catalog.fulltext import Terms
from ..catalog.rows import PassageRow
from ..catalog.snapshot import Snapshot
from ..index_models.calibration import Calibration
from ..segments.segment_set import SegmentSet
from ..text.code import is_code, is_sideline
from ..text.terms import defining_terms, is_identifier, query_terms, query_words
from .fusion import AskedWords, Candidate, Evidence, FileEvidence, Scales
from .prepared_query import SearchRequest
from .vector_search import VectorSearch, best_contents
from .word_search import best_names, best_passages

_DEPTH = 100
"""So many documents are taken from vectors and from words each before they are put together, or ``k`` if it is more."""
_NO_TERMS = Terms("", 0.0)
_FREQUENT = 2000
"""Words of more passages or names than this tell documents apart so little that they are not looked up one by one."""
_FEW_WORDS = 2
"""But for queries of so few words."""
_FILES = 100
"""So many files of code are looked at as a whole."""
_NEAREST = 3
"""So many passages of each are judged, the nearest, though neither vectors nor words brought them up."""
_RARE, _RARE_SHARE = 3, 500
"""A word is rare in a folder if so few passages hold it, or one in so many."""
_MOST_TELLING = 4
"""A rare word that is no identifier proves something only if all words together weigh at most so many times as much."""


def find_candidates(
    snapshot: Snapshot, segments: SegmentSet, calibrations: Mapping[str, Calibration], request: SearchRequest
) -> tuple[list[Candidate], Scales]:
    """The documents that may become hits, and how the evidence for them is measured.

    Raises:
        FileNotFoundError: as :meth:`VectorSearch.documents`.
    """
    return _Finder(snapshot, segments, request).find(calibrations)


@dataclass
class _Document:
    """A document that was brought up."""

    id: str
    kind: str
    keys: set[int] = field(default_factory=set)
    name_bm25: float = 0.0
    matched: set[str] = field(default_factory=set)
    words: set[int] = field(default_factory=set)
    rank: int = 0
    """The best place that words or meaning gave it."""
    file: FileEvidence | None = None


class _Finder:
    def __init__(self, snapshot: Snapshot, segments: SegmentSet, request: SearchRequest) -> None:
        self._snapshot = snapshot
        self._request = request
        self._by_kind = {
            kind: VectorSearch(snapshot, segments, vector, request.condition, exact=request.exact)
            for kind, vector in request.query.vectors.items()
            if vector is not None
        }
        self._allowed: dict[str, list[int] | None] = {}
        self._documents: dict[int, _Document] = {}
        # Of passages, by key:
        self._similarity: dict[int, float] = {}
        self._bm25: dict[int, float] = {}
        self._asides: set[int] = set()

    def find(self, calibrations: Mapping[str, Calibration]) -> tuple[list[Candidate], Scales]:
        """What :func:`find_candidates` returns."""
        mode, depth = self._request.decided_by, self._request.k
        word_terms = name_terms = _NO_TERMS
        if mode != "vector" and self._request.query.words:
            depth = max(depth, _DEPTH)
            terms = query_terms(self._request.query.words)
            word_terms, name_terms = self._weigh("words", terms), self._weigh("names", terms)
            self._find_words(word_terms, depth)
            self._find_names(name_terms, depth)
        if mode != "keyword":
            self._find_nearest(depth)
        self._look_at_files()
        self._complete_similarities()
        by_words_only = frozenset(self._request.query.vectors.keys() - self._by_kind.keys())
        asked = self._look_up_words()
        preferred = self._preferred_to_asides(word_terms)
        scales = Scales(calibrations, word_terms, name_terms, self._passage_counts(), by_words_only, asked, preferred)
        return self._candidates(), scales

    def _weigh(self, table: fulltext.Table, terms: Sequence[str]) -> Terms:
        db = self._snapshot.connection
        known = self._snapshot.kept(("terms", table), lambda: fulltext.TermCounts.read(db, table))
        return fulltext.weigh(db, table, terms, known)

    def _find_words(self, terms: Terms, depth: int) -> None:
        if "text" not in self._request.query.vectors:
            return
        allowed = self._allowed_keys("text")
        db = self._snapshot.connection
        for count in _growing(depth):
            bm25 = dict(best_passages(db, terms, count, allowed, least=self._request.k))
            rows = self._rows_of_best(list(bm25), depth)
            if len(bm25) < count or _contents_in(_ordinary(rows)) >= depth:
                break
        self._bm25 = bm25
        asides = [row for row in rows if row.is_aside][:depth]  # each page of a site has the same menus
        self._asides.update(row.key for row in asides)
        for rank, row in enumerate([*_ordinary(rows), *asides]):
            self._bring_up(row.document, row.id, row.kind, [row.key], "keyword", rank)

    def _rows_of_best(self, keys: Sequence[int], depth: int) -> list[PassageRow]:
        """The best passages, as many as belong to ``depth`` documents or a few more."""
        rows: list[PassageRow] = []
        for at in range(0, len(keys), depth):
            rows += self._snapshot.passages(keys[at : at + depth], self._request.condition)
            if _contents_in(_ordinary(rows)) >= depth:
                break
        return rows

    def _find_names(self, terms: Terms, depth: int) -> None:
        db = self._snapshot.connection
        for count in _growing(depth):
            bm25 = dict(best_names(db, terms, count, least=self._request.k))
            rows = self._snapshot.document_keys(list(bm25), self._request.condition)
            if len(bm25) < count or _contents_in(rows) >= depth:
                break
        for rank, row in enumerate(rows):
            item = self._bring_up(row.document, row.id, row.kind, [row.key], "keyword", rank)
            self._asides.update([row.key] if row.is_aside else ())
            item.name_bm25 = bm25[row.document]

    def _find_nearest(self, depth: int) -> None:
        for kind, vector_search in self._by_kind.items():
            matches, similarity = vector_search.documents(kind, depth)
            self._similarity |= similarity
            for rank, match in enumerate(best_contents(matches, depth)):
                self._bring_up(match.document, match.id, kind, match.keys, "vector", rank)

    def _bring_up(self, document: int, id: str, kind: str, keys: Iterable[int], matched: str, rank: int) -> _Document:
        item = self._documents.setdefault(document, _Document(id, kind, rank=rank))
        item.rank = min(item.rank, rank)
        item.keys.update(keys)
        item.matched.add(matched)
        return item

    def _look_at_files(self) -> None:
        """Of files of code, find out how much of them is about the query, and those passages that are nearest to it."""
        files = {number: item for number, item in self._documents.items() if item.kind == "text" and is_code(item.id)}
        for item in files.values():
            item.file = FileEvidence(is_sideline=is_sideline(item.id))
        if not files or self._request.mode == "vector" or not self._request.query.words:
            return
        some = sorted(files, key=lambda number: files[number].rank)[:_FILES]
        owners: dict[int, list[int]] = {}
        keys: dict[int, list[int]] = {}
        for number, key in self._snapshot.chunk_keys(some):
            owners.setdefault(key, []).append(number)
            keys.setdefault(number, []).append(key)
        counts = self._count_passages(owners)
        if "text" in self._by_kind:
            self._similarity |= self._by_kind["text"].compare("text", np.array(sorted(owners), dtype=np.int64))
        for number in some:
            item, holding = files[number], tuple([count[number] for count in counts])
            item.file = FileEvidence(holding, len(keys[number]), is_sideline(item.id))
            item.keys.update(heapq.nlargest(_NEAREST, keys[number], key=lambda key: self._similarity.get(key, -1.0)))

    def _count_passages(self, owners: Mapping[int, Sequence[int]]) -> list[Counter[int]]:
        """For each word of the query, and for each as a part of a defined name: how many passages of a file hold it."""
        words, db = self._request.query.words, self._snapshot.connection
        counts: dict[str, Counter[int]] = {}
        terms = [*query_terms(words), *defining_terms(words)]
        for term in dict.fromkeys(terms):
            held = fulltext.matching(db, "words", term, list(owners))
            counts[term] = Counter(chain.from_iterable(owners[key] for key in held))
        return [counts[term] for term in terms]

    def _complete_similarities(self) -> None:
        """Compare also those passages that only their words brought up."""
        keys = {key for item in self._documents.values() for key in item.keys} - self._similarity.keys()
        if keys:
            for kind, vector_search in self._by_kind.items():
                self._similarity |= vector_search.compare(kind, np.array(sorted(keys), dtype=np.int64))

    def _allowed_keys(self, kind: str) -> list[int] | None:
        """As :meth:`VectorSearch.allowed`, also where no vector is searched for."""
        if kind in self._by_kind:
            return self._by_kind[kind].allowed(kind)
        condition = self._request.condition
        if kind not in self._allowed:
            self._allowed[kind] = self._snapshot.allowed_keys(kind, condition) if condition else None
        return self._allowed[kind]

    def _look_up_words(self) -> AskedWords:
        """Which words of the query each candidate holds; they may be reason enough to show it."""
        query, snapshot = self._request.query, self._snapshot
        if self._request.min_score != "auto" or not query.words:
            return AskedWords()
        words = query_words(query.words)
        passages = snapshot.passage_count() + 1
        weights, rare = [], set()
        for number, word in enumerate(words):
            found = fulltext.frequency(snapshot.connection, word.expression, _FREQUENT)
            weights.append(max(0.0, math.log(passages / (found + 0.5))))
            if word.text in query.unusual and found <= max(_RARE, passages // _RARE_SHARE):
                rare.add(number)
            is_telling = found < _FREQUENT or len(words) <= _FEW_WORDS
            self._mark_held(number, word.expression if is_telling else None)
        # Of a page of text as a query some word is rare in any folder.
        least = sum(weights) / _MOST_TELLING
        rare = {number for number in rare if weights[number] >= least or is_identifier(words[number].text)}
        identifiers = bool(words) and all(is_identifier(word.text) for word in words)
        return AskedWords(tuple(weights), frozenset(rare), bool(query.phrases), query.excludes, identifiers)

    def _mark_held(self, number: int, expression: str | None) -> None:
        """Note the documents that hold a word; ``None``: one that is nearly everywhere, which counts as held."""
        db = self._snapshot.connection
        owner = {key: document for document, item in self._documents.items() for key in item.keys}
        held = set(self._documents)
        if expression is not None:
            held = {owner[key] for key in fulltext.matching(db, "words", expression, list(owner))}
            held.update(fulltext.matching(db, "names", expression, list(self._documents)))
        for document in held:
            self._documents[document].words.add(number)

    def _candidates(self) -> list[Candidate]:
        """The documents that can be compared with the query; those of another vector space are left out."""
        candidates = []
        for document, item in self._documents.items():
            if item.kind in self._request.query.vectors:
                passages = {key: Evidence(self._similarity.get(key), self._bm25.get(key)) for key in item.keys}
                matched = frozenset(item.matched)
                words = frozenset(item.words)
                candidates.append(
                    Candidate(document, item.id, item.kind, passages, item.name_bm25, matched, words, item.file)
                )
        return candidates

    def _preferred_to_asides(self, terms: Terms) -> dict[int, list[Set[int]]]:
        """As :attr:`Scales.preferred`: documents with all words of the aside, passages of its own document with any."""
        asides = [key for key in self._asides if key in self._bm25]
        if not asides:
            return {}
        texts = [item for item in self._documents.values() if item.kind == "text"]
        keys = set[int]().union(*(item.keys for item in texts))
        held = dict.fromkeys(keys, 0)  # bit sets of terms
        for number, term in enumerate(dict.fromkeys(terms.expression.split(" OR "))):
            for key in fulltext.matching(self._snapshot.connection, "words", term, list(keys)):
                held[key] |= 1 << number
        ordinary = [{key for key in item.keys - self._asides if held[key]} for item in texts]
        together = [(reduce(or_, (held[key] for key in group), 0), group) for group in ordinary]
        by_words = {
            words: [group for all_words, group in together if all_words & words == words]
            for words in {held[key] for key in asides}
        }
        preferred: dict[int, list[Set[int]]] = {key: [*by_words[held[key]]] for key in asides}
        for item, group in zip(texts, ordinary, strict=True):
            for key in item.keys & preferred.keys():
                preferred[key] += [{other} for other in group]
        return preferred

    def _passage_counts(self) -> dict[str, int]:
        """How many passages of each kind were compared with the query."""
        if self._request.min_score != "auto" or self._request.decided_by == "keyword":
            return {}
        counts = {}
        for kind in self._request.query.vectors:
            allowed = self._allowed_keys(kind)
            counts[kind] = self._snapshot.passage_count() if allowed is None else len(allowed)
        return counts


def _growing(depth: int) -> Iterator[int]:
    """How many of the best to ask for: more and more, until they belong to ``depth`` documents or there are no more.

    Many at first, as the words of passages count that others brought up.
    """
    count = 16 * depth
    while True:
        yield count
        count *= 4


def _ordinary(rows: Iterable[PassageRow]) -> list[PassageRow]:
    return [row for row in rows if not row.is_aside]


def _contents_in(rows: Sequence[PassageRow]) -> int:
    """How many documents there are, copies counted as one: these share their chunks."""
    first_keys: dict[int, int] = {}
    for row in rows:
        first_keys[row.document] = min(row.key, first_keys.get(row.document, row.key))
    return len(set(first_keys.values()))
