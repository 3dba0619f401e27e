"""Many dimensions to two, for looking at: principal components, and t-SNE."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (N, dim)
Points = npt.NDArray[np.float32]  # (N, 2)
_EXAGGERATION = 12.0
_EARLY = 250
"""Rounds with exaggeration and little momentum, as in the reference implementation."""


def principal_components(vectors: Vectors) -> Points:
    """The two directions in which the points differ most, ``(N, 2)``; their signs are fixed."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    axes = np.zeros((2, vectors.shape[1]), np.float32)
    axes[: len(directions[:2])] = directions[:2]
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[[0, 1], largest])
    return np.asarray(centred @ (axes * signs[:, None]).T, dtype=np.float32)


def t_sne(vectors: Vectors, *, perplexity: float = 30.0, rounds: int = 750) -> Points:
    """Neighbours stay neighbours, large distances mean little (van der Maaten and Hinton 2008).

    Exact, so time and memory grow with the square of the number of points; some 2000 take half a minute. It starts from
    the principal components (Kobak and Berens 2019), so that the result is always the same, and its steps grow with the
    number of points (Belkina et al. 2019).

    Args:
        vectors: the points; distances are Euclidean.
        perplexity: about how many neighbours count; less than a third of the points.
        rounds: steps of gradient descent.

    Returns:
        ``(N, 2)``.
    """
    count = len(vectors)
    if count < 3 * perplexity:
        raise ValueError(f"{count} points are too few for a perplexity of {perplexity:g}")
    affinities = _affinities(vectors, perplexity)
    points = principal_components(vectors)
    points = points / points[:, 0].std() * 1e-4
    rate = max(count / _EXAGGERATION, 50.0)
    step, gains = np.zeros_like(points), np.ones_like(points)
    for i in range(rounds):
        early = i < _EARLY
        slope = _slope(points, affinities * np.float32(_EXAGGERATION if early else 1))
        # Jacobs' (1988) rule: a coordinate that keeps its direction goes faster.
        gains = np.maximum(np.where((slope > 0) == (step > 0), gains * 0.8, gains + 0.2), 0.01)
        step = (0.5 if early else 0.8) * step - rate * gains * slope
        points = points + step
    return np.asarray(points - points.mean(axis=0), dtype=np.float32)


def _slope(points: Points, affinities: Vectors) -> Points:
    """Gradient of the divergence between affinities and those of the picture, without its factor 4 (in the rate)."""
    closeness = 1 / (1 + _squared_distances(points))  # Student's t with one degree of freedom
    np.fill_diagonal(closeness, 0)
    pull = (affinities - closeness / closeness.sum()) * closeness
    return np.asarray(pull.sum(axis=1)[:, None] * points - pull @ points, dtype=np.float32)


def _affinities(vectors: Vectors, perplexity: float) -> Vectors:
    """Joint probabilities ``(N, N)``: Gaussians whose width gives each point the same perplexity, made symmetric."""
    distances = _squared_distances(vectors).astype(np.float64)
    np.fill_diagonal(distances, np.inf)
    distances -= distances.min(axis=1, keepdims=True)  # changes no probability, and keeps one of them at least alive
    low, high = np.full(len(vectors), 1e-6), np.full(len(vectors), 1e6)
    for _ in range(60):  # bisection of the precision, on a logarithmic scale
        middle = np.sqrt(low * high)
        shares = _shares(distances, middle)
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    shares = _shares(distances, np.sqrt(low * high))
    return np.asarray(np.maximum((shares + shares.T) / (2 * len(vectors)), 1e-12), dtype=np.float32)


def _shares(distances: npt.NDArray[np.float64], precision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    weights = np.exp(-distances * precision[:, None])
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _squared_distances(points: Vectors) -> Vectors:
    lengths = (points**2).sum(axis=1)
    return np.asarray(np.maximum(lengths[:, None] + lengths - 2 * points @ points.T, 0), dtype=np.float32)
