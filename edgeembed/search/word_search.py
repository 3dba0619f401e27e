"""The passages and names that hold most of a query's words, by BM25.

Of few rows FTS5 ranks all that hold any of the words. Of many that takes as long as nearly all rows of the index:
ranking a row takes some microseconds, and two rows of three hold some word of a question. There rare words find, and
frequent ones only add to what was found (Turtle and Flood 1995, Query evaluation: strategies and optimizations,
doi:10.1016/0306-4573(95)00020-H): for each word it is asked which of these rows hold it, which ranks nothing, and BM25
is computed from the texts of the best.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from ..catalog import fulltext
from ..catalog.fulltext import K1, B, Table, Term, Terms

if TYPE_CHECKING:
    from ..catalog.sqlite import Connection

Ranked = list[tuple[int, float]]
"""Number of a row and its BM25, the best first."""
_BUDGET = 3072
"""So many rows may hold the words that passages are found by."""
_MOST_ROWS = 65536
"""But no more than so many, for questions of frequent words alone."""
_SURE, _LIKELY = 20, 1.0
"""The best so many are to have more BM25 than so many times the weight of the terms that find nothing. None has more
than k1 + 1 times it; a passage of average length that holds each of them once has 1 time."""
_BLOCK, _MOST_COMPUTED = 64, 512
"""BM25 is computed of so many rows at a time, up to so many; those behind them count as of average length, and as if
they held each word once."""


def best_passages(db: Connection, terms: Terms, most: int, allowed: Sequence[int] | None, *, least: int) -> Ranked:
    """The ``most`` best passages, by the keys of their chunks.

    Args:
        allowed: only these; ``None``: all.
        least: so many are looked for also where frequent words alone find them.
    """
    return _best(db, "words", terms, most, allowed, least)


def best_names(db: Connection, terms: Terms, most: int, *, least: int) -> Ranked:
    """The ``most`` documents whose names fit best, by their numbers; ``least`` as above."""
    return _best(db, "names", terms, most, None, least)


def _best(db: Connection, table: Table, terms: Terms, most: int, allowed: Sequence[int] | None, least: int) -> Ranked:
    if not terms.by_rarity or (allowed is not None and len(allowed) <= _BUDGET):
        return fulltext.ranked(db, table, terms, most, allowed)
    budget = max(_BUDGET, 4 * least)
    while True:
        rare, frequent = _parted(terms.by_rarity, budget)
        found = _estimated(db, table, rare, frequent, allowed)
        bound = _LIKELY * sum(term.weight for term in frequent)
        is_sure = len(found) >= max(_SURE, least) and heapq.nlargest(_SURE, found.values())[-1] >= bound
        budget *= 4
        if is_sure or not frequent or budget > _MOST_ROWS:
            break
    return _highest(found | _best_computed(db, table, terms.by_rarity, found, least), most)


def _highest(bm25: Mapping[int, float], most: int) -> Ranked:
    """The ``most`` rows with the highest BM25; equals in the order of their numbers."""
    rows = np.fromiter(bm25.keys(), np.int64, len(bm25))
    values = np.fromiter(bm25.values(), np.float64, len(bm25))
    order = np.lexsort((rows, -values))[:most]
    return list(zip(rows[order].tolist(), values[order].tolist(), strict=True))


def _parted(terms: Sequence[Term], budget: int) -> tuple[Sequence[Term], Sequence[Term]]:
    """The rarest terms that together stand in ``budget`` rows, one at least, and the others."""
    held = list(accumulate(term.rows for term in terms))
    count = max(1, bisect_right(held, budget))
    return terms[:count], terms[count:]


def _estimated(
    db: Connection, table: Table, rare: Sequence[Term], frequent: Sequence[Term], allowed: Sequence[int] | None
) -> dict[int, float]:
    """All rows that hold a rare word: BM25 as if they were of average length and held each word once."""
    found: dict[int, float] = {}
    for term in rare:
        for row in fulltext.matching(db, table, term.expression, allowed):
            found[row] = found.get(row, 0.0) + term.weight
    some = " OR ".join(term.expression for term in rare)
    for term in frequent if found else ():
        for row in fulltext.matching(db, table, f"({some}) AND {term.expression}", None):
            if row in found:
                found[row] += term.weight
    return found


def _best_computed(
    db: Connection, table: Table, terms: Sequence[Term], found: Mapping[int, float], least: int
) -> dict[int, float]:
    """BM25 of the rows that are best as estimated: of more and more of them, until more bring up none of the best."""
    in_order = [row for row, _ in _highest(found, _MOST_COMPUTED)]
    bm25: dict[int, float] = {}
    best: set[int] = set()
    for start in range(0, len(in_order), _BLOCK):
        bm25 |= _computed(db, table, terms, in_order[start : start + _BLOCK])
        before, best = best, {row for row, _ in _highest(bm25, max(_SURE, least))}
        if best <= before:
            break
    return bm25


def _computed(db: Connection, table: Table, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, float]:
    """BM25 of some rows."""
    mean = fulltext.mean_length(db, table) or 1.0
    counts = fulltext.occurrences(db, table, rows, [term.expression for term in terms])
    bm25 = {}
    for row, (length, times) in counts.items():
        share = K1 * (1 - B + B * length / mean)
        bm25[row] = sum(term.weight * n * (K1 + 1) / (n + share) for term, n in zip(terms, times, strict=True))
    return bm25
