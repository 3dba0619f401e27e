"""How good is good? Similarities judged against those of ordinary texts and photos.

A cosine says little by itself: 0.4 may be the best match of one query and what any text gets for another, and
photos lie elsewhere than texts. So the similarity is standardised with the mean and the deviation that this very
query has to the vectors in the bundle's ``background.npz``, of the same kind (as score normalisation by a cohort does
in speaker verification: Auckenthaler, Carey and Lloyd-Thomas 2000, doi:10.1006/dspr.1999.0360), and one fixed
logistic function makes a number from 0 to 1 of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .bundle import Bundle
from .manifest import BACKGROUND_NAME

if TYPE_CHECKING:
    from .vectors import Floats

MIDDLE = 4.0
"""Deviations above the ordinary at which the score is one half."""
SLOPE = 1.0
LEAST = 3.4
"""Deviations above the ordinary that a hit needs to be shown by default (a score of 0.35 without words in common), if
there is a good match at all."""
_MARGIN = 0.5
_USUAL_SPREAD = 0.07
"""Deviation of similarities to ordinary texts; stands in where a bundle has no background."""


def least_of_a_good_match(passages: int) -> float:
    """How many deviations above the ordinary the best of so many passages must be to be a match.

    The more passages, the further above the ordinary the best of them is by chance: the largest of n normal numbers
    is near the square root of 2 ln n (Cramér 1946, Mathematical Methods of Statistics, 28.6).
    ``python -m tests.bench.no_match`` shows what this tells apart.
    """
    return math.sqrt(2 * math.log(max(passages, 2))) + _MARGIN


class Scale(NamedTuple):
    """What is ordinary for one query and one kind of documents."""

    mean: float
    deviation: float
    known: bool
    """Whether it comes from a background; otherwise it only serves to put things in order."""

    def standard(self, similarity: float) -> float:
        """Deviations above the ordinary."""
        return (similarity - self.mean) / self.deviation

    def score(self, similarity: float) -> float | None:
        """0 to 1, comparable between queries and kinds; ``None`` without a background."""
        if not self.known:
            return None
        # The logistic function, in the form that cannot overflow.
        return 0.5 + 0.5 * math.tanh((self.standard(similarity) - MIDDLE) / SLOPE / 2)


def read_background(bundle: Bundle) -> dict[str, Floats]:
    """Vectors ``(n, dim)`` of ordinary things by kind; empty if the bundle has none."""
    if BACKGROUND_NAME not in bundle.manifest.files:
        return {}
    with np.load(bundle.file(BACKGROUND_NAME), allow_pickle=False) as archive:
        return {kind: np.asarray(archive[kind], dtype=np.float32) for kind in archive.files}


def scale(query: Floats, background: Mapping[str, Floats], kind: str) -> Scale:
    """The scale of a query ``(dim,)`` of length 1 for documents of a kind."""
    ordinary = background.get(kind)
    if ordinary is None or len(ordinary) < 2:
        return Scale(0.0, _USUAL_SPREAD, False)
    similarity = ordinary @ query
    return Scale(float(similarity.mean()), max(float(similarity.std()), 1e-3), True)
