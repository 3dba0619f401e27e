"""Calibration: the z-score of a similarity against those of ordinary texts and photos, and a score from 0 to 1.

A cosine says little by itself: photos lie elsewhere than texts, and one model's 0.4 is another's 0.6. So it is counted
in deviations from the mean of what this model gives for an ordinary query and an ordinary document (a z-score), over
all pairs of the vectors in its ``background.npz``, and one fixed logistic function makes a number from 0 to 1 of it.

The mean and the deviation are those of the model, not of the query. Taking each query's own (as normalisation by
a cohort does in speaker verification: Auckenthaler, Carey and Lloyd-Thomas 2000, doi:10.1006/dspr.1999.0360) was
measured beside it and is worse at telling queries with an answer from others, for photos by far: what no photo can
show, such as a part of physics, is about equally far from all of them, and a small deviation makes much of little.
An image as a query is judged by its own: how alike two ordinary images are depends on the images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import BACKGROUND_NAME

if TYPE_CHECKING:
    from ..segments.int8 import Floats

LOGISTIC_MIDPOINT = 2.6
"""Midpoint of the logistic function: the z-score at which the score is one half."""
LOGISTIC_SCALE = 0.77
MIN_Z = 2.1
"""z-score that a hit needs to be shown by default (a score of 0.34 without words in common), if there is a good match
at all."""
MIN_SHARE_OF_BEST_Z = 0.5
"""By default a hit is shown only if its z-score is at least this fraction of the best hit's of the same kind."""
BM25_WEIGHT_FOR_CUTOFF = 0.25
"""Weight of BM25 / sqrt(max BM25) against the z-score, where it is judged whether a hit is shown. Less than for the
order of hits (``hits.BM25_WEIGHT``): a long query has some word in common with nearly any text."""
_MARGIN = 0.8
_BETWEEN_QUERIES = 1.5
"""By how much similarities of all queries deviate more than those of one, so that the same score means the same."""
_LEAST_OF_THE_SAME = 5.0
"""Least z-score with which an image finds itself. All images of some motifs are alike, and without this a copy of such
an image would not be far above them."""
_ONE_THREAD = 1 << 18
"""Multiplications up to which OpenBLAS takes one thread."""
_USUAL_SPREAD = 0.09
"""Deviation of similarities to ordinary texts; stands in where a bundle has no background."""


def chance_threshold(passages: int) -> float:
    """The z-score that the best of so many passages must exceed to be a match: the maximum expected by chance.

    The more passages, the higher the best of them is by chance: the largest of n independent
    normal numbers is near the square root of 2 ln n (Cramér 1946, Mathematical Methods of Statistics, 28.6). Passages
    of one folder are alike, and count as the fourth root of their number here. The square root of it would show less
    of what does not fit, but hides a short note among a thousand others three times as often, and what is hidden
    wrongly is worse than what is shown in vain. ``python -m tests.benchmarks.no_match`` shows both.
    """
    return math.sqrt(math.log(max(passages, 1)) / 2) + _MARGIN


_BM25 = {"cranfield": 51.3, "cisi": 36.0, "lisa": 41.2}
"""nDCG@10 by words alone on the sets of texts by which bundles are measured."""
_WEAKNESS = 5
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 2.5


def words_factor(quality: Mapping[str, Any]) -> float:
    """:attr:`Calibration.words` of a model, from how well it found texts when its bundle was made.

    Args:
        quality: :attr:`Manifest.quality`; 1 is the answer if it does not say how well the model finds the texts of
            Cranfield, CISI and LISA.
    """
    scores = quality.get("scores")
    try:
        own = sum(float(scores[name]["ndcg@10"]) for name in _BM25) if isinstance(scores, Mapping) else 0.0
    except (KeyError, TypeError, ValueError):
        return 1.0
    if not own > 0:
        return 1.0
    return min(_MOST_FACTOR, max(_LEAST_FACTOR, (sum(_BM25.values()) / own) ** _WEAKNESS))


class Calibration(NamedTuple):
    """Mean and deviation of similarities between ordinary queries of a kind and ordinary documents of a kind."""

    mean: float
    deviation: float
    is_calibrated: bool
    """Whether it comes from a background; otherwise it only serves to put things in order."""
    words: float = 1.0
    """How many times as much words count beside meaning as with a model that finds texts as well as words do."""

    def z_score(self, similarity: float) -> float:
        """The z-score: deviations above the mean of ordinary similarities."""
        return (similarity - self.mean) / self.deviation

    def score(self, similarity: float) -> float | None:
        """0 to 1, comparable between queries and kinds; ``None`` without a background."""
        return self.score_of_z(self.z_score(similarity))

    def score_of_z(self, z: float) -> float | None:
        """The same of a z-score, to which words may have added."""
        if not self.is_calibrated:
            return None
        # The logistic function, in the form that cannot overflow.
        return 0.5 + 0.5 * math.tanh((z - LOGISTIC_MIDPOINT) / LOGISTIC_SCALE / 2)


def read_background(bundle: Bundle) -> dict[str, Floats]:
    """Vectors ``(n, dim)`` of ordinary things by kind; empty if the bundle has none."""
    if BACKGROUND_NAME not in bundle.manifest.files:
        return {}
    with np.load(bundle.file(BACKGROUND_NAME), allow_pickle=False) as archive:
        return {kind: np.asarray(archive[kind], dtype=np.float32) for kind in archive.files}


def calibrate(queries: Floats | None, documents: Floats | None) -> Calibration:
    """Calibration of similarities between two kinds of things: mean and deviation over ordinary ones of each.

    Args:
        queries: ``(m, dim)``, rows of length 1; ``None``: not known.
        documents: ``(n, dim)``, likewise. The very same array: no row is compared with itself.
    """
    if queries is None or documents is None or min(len(queries), len(documents)) < 2:
        return Calibration(0.0, _USUAL_SPREAD, False)
    similarity = _products(queries, documents)
    if queries is documents:
        similarity = similarity[~np.eye(len(queries), dtype=bool)]
    return Calibration(float(similarity.mean()), max(float(similarity.std()), 1e-3), True)


def _products(queries: Floats, documents: Floats) -> Floats:
    """Inner products ``(m, n)`` of each row of one with each of the other, in blocks that BLAS gives one thread.

    Where it takes several, they go on spinning behind the product: this one costs a start of the program 100 ms of
    processor time then, and 5 ms in blocks. (OpenBLAS takes several above 65536 * 4 multiplications.)
    """
    products = np.empty((len(queries), len(documents)), np.float32)
    step = max(1, math.isqrt(_ONE_THREAD // max(1, queries.shape[1])))
    for i in range(0, len(queries), step):
        for j in range(0, len(documents), step):
            products[i : i + step, j : j + step] = queries[i : i + step] @ documents[j : j + step].T
    return products


def calibrate_for_query(query: Floats, documents: Floats | None) -> Calibration:
    """The calibration of one query ``(dim,)``, from ordinary documents ``(n, dim)``, as in :func:`calibrate`."""
    if documents is None or len(documents) < 2:
        return Calibration(0.0, _USUAL_SPREAD, False)
    similarity = np.einsum("nd,d->n", documents, query)
    mean = float(similarity.mean())
    deviation = min(_BETWEEN_QUERIES * float(similarity.std()), (1 - mean) / _LEAST_OF_THE_SAME)
    return Calibration(mean, max(deviation, 1e-3), True)
