"""How well vectors of length 1 keep labels together: k-NN accuracy, k-means and V-measure, by scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..types import Vectors

Labels = npt.NDArray[np.int64]  # (N,)


def numbered(labels: Sequence[str]) -> Labels:
    """Labels as numbers from 0, in alphabetical order, ``(N,)``."""
    return np.unique(np.array(list(labels)), return_inverse=True)[1].astype(np.int64)


def neighbour_accuracy(vectors: Vectors, labels: Labels, *, k: int = 10) -> float:
    """k-NN accuracy: share of rows whose label is the commonest of their ``k`` nearest (Cover and Hart 1967).

    Leave-one-out: every row is tested against all others. Labels that are equally common are told apart by the sum of
    their cosines.

    Args:
        vectors: rows of length 1.
        labels: numbers from 0.
        k: how many neighbours vote; fewer where there are not so many rows.
    """
    from sklearn.neighbors import KNeighborsClassifier

    k = min(k, len(vectors) - 1)
    if k < 1:
        raise ValueError(f"nearest neighbours need at least two vectors, not {len(vectors)}")

    def votes(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        # The cosines of all k together weigh less than half a vote: they only decide between equals.
        return 1 + (1 - distances) / (2 * k + 1)

    classifier = KNeighborsClassifier(k, weights=votes, algorithm="brute", metric="cosine")
    # Without inputs, the rows themselves are classified, each by the others.
    return float(classifier.fit(vectors, labels).score(None, labels))


def k_means(vectors: npt.NDArray[np.float32], k: int, *, seed: int) -> Labels:
    """Clusters by Lloyd's algorithm from k-means++ seeds (Arthur and Vassilvitskii 2007).

    Args:
        vectors: the points, of any length.
        k: number of clusters, at most the number of points.
        seed: of the first centres.

    Returns:
        Number of the cluster of each point, ``(N,)``.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    if not 1 <= k <= len(vectors):
        raise ValueError(f"k must be between 1 and the number of points, {len(vectors)}, not {k}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than clusters are no fault
        numbers = KMeans(k, n_init=1, random_state=seed).fit_predict(vectors)
    return np.asarray(numbers, dtype=np.int64)


def v_measure(labels: Labels, clusters: Labels) -> float:
    """Harmonic mean of homogeneity and completeness, from 0 to 1 (Rosenberg and Hirschberg 2007, beta = 1).

    Homogeneity, 1 - H(label | cluster) / H(label), is 1 if every cluster holds one label only; completeness,
    1 - H(cluster | label) / H(cluster), if every label is in one cluster only. Either is 1 where its divisor is 0.
    """
    from sklearn.metrics import v_measure_score

    return float(v_measure_score(labels, clusters))
