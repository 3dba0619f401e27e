"""Chunks to documents, and when a search may stop, on numbers alone."""

from __future__ import annotations

import math

import pytest

from edgeembed.catalog.rows import PassageRow
from edgeembed.search.vector_search import DocumentMatch, group_by_document, is_final


def test_a_document_is_as_similar_as_its_best_chunk() -> None:
    rows = [PassageRow(key, document, id, "text") for key, document, id in ((1, 7, "a"), (2, 8, "b"), (3, 7, "a"))]
    matches = group_by_document(rows, {1: 0.2, 2: 0.3, 3: 0.9})
    assert matches == [DocumentMatch(7, "a", (3, 1), 0.9), DocumentMatch(8, "b", (2,), 0.3)]
    assert group_by_document([], {}) == []


def test_equals_are_in_the_order_of_ids_and_equal_chunks_in_that_of_keys() -> None:
    rows = [PassageRow(key, document, id, "text") for key, document, id in ((5, 1, "z"), (4, 1, "z"), (6, 2, "a"))]
    matches = group_by_document(rows, {4: 0.5, 5: 0.5, 6: 0.5})
    assert [(match.id, match.keys) for match in matches] == [("a", (6,)), ("z", (4, 5))]


@pytest.mark.parametrize(
    ("count", "k", "unseen", "final"),
    [
        (0, 3, -math.inf, True),  # there is nothing else
        (2, 3, -math.inf, True),
        (2, 3, 0.1, False),  # too few, and something is left
        (3, 3, 0.69, True),  # similarities are 0.9, 0.8, 0.7
        (3, 3, 0.7, True),  # an equal one would come behind
        (3, 3, 0.71, False),
        (3, 2, 0.75, True),
        (3, 1, 0.95, False),
    ],
)
def test_a_search_is_final_when_nothing_unseen_could_enter(count: int, k: int, unseen: float, final: bool) -> None:
    matches = [DocumentMatch(n, str(n), (n,), 0.9 - 0.1 * n) for n in range(count)]
    matches = [DocumentMatch(m.document, m.id, m.keys, round(m.similarity, 1)) for m in matches]
    assert is_final(matches, k, unseen) is final
