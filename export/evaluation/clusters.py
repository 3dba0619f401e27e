"""How well vectors of length 1 keep labels together: nearest neighbours, and clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (N, dim)
Numbers = npt.NDArray[np.int64]  # (N,)
_ROWS = 1024
"""Rows of the matrix of similarities that are held at a time."""


def numbered(labels: Sequence[str]) -> Numbers:
    """Labels as numbers from 0, in alphabetical order, ``(N,)``."""
    return np.unique(np.array(list(labels)), return_inverse=True)[1].astype(np.int64)


def neighbour_accuracy(vectors: Vectors, labels: Numbers, *, k: int = 10) -> float:
    """Share of the rows whose label is the commonest among their ``k`` nearest other rows (Cover and Hart 1967).

    Every row is tested against all others (leaving one out). Labels that are equally common are told apart by the sum
    of their cosines.

    Args:
        vectors: rows of length 1.
        labels: numbers from 0.
        k: how many neighbours vote; fewer where there are not so many rows.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        raise ValueError(f"nearest neighbours need at least two vectors, not {len(vectors)}")
    right = 0
    for start in range(0, len(vectors), _ROWS):
        cosines = vectors[start : start + _ROWS] @ vectors.T  # (rows, N)
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        votes = np.zeros((len(cosines), int(labels.max()) + 1))
        # The cosines of all k together weigh less than half a vote: they only decide between equals.
        weights = 1 + np.take_along_axis(cosines, nearest, axis=1).astype(np.float64) / (2 * k + 1)
        np.add.at(votes, (rows[:, None], labels[nearest]), weights)
        right += int((votes.argmax(axis=1) == labels[start : start + _ROWS]).sum())
    return right / len(vectors)


def k_means(vectors: Vectors, k: int, *, seed: int, rounds: int = 100) -> Numbers:
    """Clusters by Lloyd's algorithm from k-means++ seeds (Arthur and Vassilvitskii 2007).

    Args:
        vectors: the points, of any length.
        k: number of clusters, at most the number of points.
        seed: of the first centres.
        rounds: most rounds; it ends sooner when nothing moves.

    Returns:
        Number of the cluster of each point, ``(N,)``.
    """
    if not 1 <= k <= len(vectors):
        raise ValueError(f"k must be between 1 and the number of points, {len(vectors)}, not {k}")
    rng = np.random.default_rng(seed)
    centres = _first_centres(vectors, k, rng)
    numbers = np.full(len(vectors), -1, np.int64)
    for _ in range(rounds):
        distances = _squared_distances(vectors, centres)  # (N, k)
        nearest = distances.argmin(axis=1)
        if (nearest == numbers).all():
            break
        numbers = nearest
        for cluster in range(k):
            members = vectors[numbers == cluster]
            # An empty cluster takes the point that is farthest from its own centre.
            centres[cluster] = members.mean(axis=0) if len(members) else vectors[distances.min(axis=1).argmax()]
    return numbers


def v_measure(labels: Numbers, clusters: Numbers) -> float:
    """Harmonic mean of homogeneity and completeness, from 0 to 1 (Rosenberg and Hirschberg 2007, beta = 1).

    Homogeneity, 1 - H(label | cluster) / H(label), is 1 if every cluster holds one label only; completeness,
    1 - H(cluster | label) / H(cluster), if every label is in one cluster only. Either is 1 where its divisor is 0.
    """
    table = np.zeros((int(labels.max()) + 1, int(clusters.max()) + 1))
    np.add.at(table, (labels, clusters), 1)
    both, label, cluster = (_entropy(counts) for counts in (table.ravel(), table.sum(axis=1), table.sum(axis=0)))
    homogeneity = 1 - (both - cluster) / label if label else 1.0
    completeness = 1 - (both - label) / cluster if cluster else 1.0
    total = homogeneity + completeness
    return 2 * homogeneity * completeness / total if total > 0 else 0.0


def _first_centres(vectors: Vectors, k: int, rng: np.random.Generator) -> Vectors:
    """Points drawn one after another, each with a probability that grows with its squared distance to the earlier."""
    chosen = [int(rng.integers(len(vectors)))]
    nearest = _squared_distances(vectors, vectors[chosen])[:, 0]
    while len(chosen) < k:
        total = nearest.astype(np.float64).cumsum()
        # Where all points coincide with a centre already, any will do.
        drawn = int(np.searchsorted(total, rng.random() * total[-1], side="right")) if total[-1] > 0 else len(chosen)
        chosen.append(min(drawn, len(vectors) - 1))
        nearest = np.minimum(nearest, _squared_distances(vectors, vectors[chosen[-1:]])[:, 0])
    return np.array(vectors[chosen], np.float32)


def _squared_distances(vectors: Vectors, centres: Vectors) -> Vectors:
    lengths = (vectors**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    return np.asarray(np.maximum(lengths - 2 * vectors @ centres.T, 0), dtype=np.float32)


def _entropy(counts: npt.NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
