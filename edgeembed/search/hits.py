"""From scored chunks to hits: a hit is a document, shown by its best passages.

Similarity and BM25 are added after both were brought to scales of their own: the similarity in deviations above what
is ordinary for the query (see ``scores``), BM25 divided by the root of the highest that any text could get. BM25 is a
sum of weights of words, and a sum of n independent parts spreads by the root of n: divided by it, a long query and a
short one are on one scale. Such a sum keeps how far apart results are, and how much of the query was found at all, of
which ranks know nothing. Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009, doi:10.1145/1571941.1572114) was
measured beside it, the constants of each chosen on sets other than the one reported: it gains less on sets of
abstracts and loses more among short texts, where a single word in common can lift a document above the best match.
That sums of normalised scores do better is also what Bruch, Gai and Ingber found (2023, An Analysis of Fusion
Functions for Hybrid Retrieval, doi:10.1145/3596512). ``python -m tests.benchmarks.hybrid`` measures all of this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..catalog.snapshot import PassageRow

BM25_WEIGHT = 1.25
"""Deviations of similarity for a BM25 of as many units as the root of the highest one. Sets of abstracts alone would
have 1.5, but more than this costs more than a hundredth among short texts, in which words in common say little."""


@dataclass(frozen=True)
class Passage:
    """A part of a document that was found."""

    similarity: float
    """Cosine of this passage and the query, -1 to 1."""
    start: int | None
    end: int | None
    """Characters of the document's text, half open; ``None`` for an image. The text of a file that is no plain text is
    what was taken out of it."""
    start_line: int | None
    end_line: int | None
    """Lines, counted from 1, both included; ``None`` for an image and for text out of a file that has no lines."""
    page: int | None
    """Page, counted from 1; ``None`` if the document has no pages."""
    snippet: str | None
    """The part of the passage with most words of the query, or its beginning, on one line; ``None`` for an image."""
    marks: tuple[tuple[int, int], ...]
    """Words of the query in ``snippet``: characters, half open."""
    text: str | None
    """The whole passage; ``None`` for an image."""


@dataclass(frozen=True)
class Hit:
    """A document that was found, with the facts of its best passage."""

    id: str
    kind: str
    """``text`` or ``image``."""
    similarity: float
    score: float | None
    """0 to 1, comparable between queries and kinds; ``None`` where the model has no background to compare with."""
    start: int | None
    end: int | None
    start_line: int | None
    end_line: int | None
    page: int | None
    snippet: str | None
    passages: tuple[Passage, ...]
    """The passages that were found, at most ten, best first, alike ones once; the first is the one above."""
    matched: tuple[str, ...]
    """What found it: ``vector``, ``keyword``."""
    metadata: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        id: str,
        kind: str,
        passages: tuple[Passage, ...],
        metadata: Mapping[str, Any],
        *,
        score: float | None,
        matched: tuple[str, ...],
    ) -> Hit:
        """A hit of ``passages``, which are best first and at least one."""
        best = passages[0]
        return cls(
            id=id,
            kind=kind,
            similarity=best.similarity,
            score=score,
            start=best.start,
            end=best.end,
            start_line=best.start_line,
            end_line=best.end_line,
            page=best.page,
            snippet=best.snippet,
            passages=passages,
            matched=matched,
            metadata=metadata,
        )


@dataclass(frozen=True)
class DocumentMatch:
    """A document and the keys of its chunks among the candidates, best first."""

    document: int
    id: str
    keys: tuple[int, ...]
    similarity: float


def group_by_document(rows: Iterable[PassageRow], similarity: Mapping[int, float]) -> list[DocumentMatch]:
    """Group chunks by document: best document first, equals in the order of their ids."""
    chunks: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        chunks.setdefault((row.document, row.id), []).append(row.key)
    found = []
    for (document, id), keys in chunks.items():
        keys.sort(key=lambda key: (-similarity[key], key))
        found.append(DocumentMatch(document, id, tuple(keys), similarity[keys[0]]))
    return sorted(found, key=lambda item: (-item.similarity, item.id))


def is_final(found: list[DocumentMatch], k: int, unseen: float) -> bool:
    """Whether no chunk beyond the candidates could still enter the best ``k``.

    Args:
        unseen: the highest similarity that a chunk outside the candidates may have; minus infinity: there is none.
    """
    return unseen == -math.inf or (len(found) >= k and found[k - 1].similarity >= unseen)
