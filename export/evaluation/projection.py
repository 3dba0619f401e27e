"""Many dimensions to two, for looking at: principal components (PCA) and t-SNE, by scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..types import Vectors

Points = npt.NDArray[np.float32]  # (N, 2)


def principal_components(vectors: Vectors) -> Points:
    """PCA: the two directions in which the points differ most, ``(N, 2)``; their signs are fixed."""
    from sklearn.decomposition import PCA

    count = min(2, *vectors.shape)
    points = np.zeros((len(vectors), 2), np.float32)
    with np.errstate(invalid="ignore"):  # it divides by the variance, which is 0 where all points are the same
        points[:, :count] = PCA(count, svd_solver="full").fit_transform(vectors)
    return points


def t_sne(vectors: Vectors, *, perplexity: float = 30.0, rounds: int = 750) -> Points:
    """t-SNE: neighbours stay neighbours, large distances mean little (van der Maaten and Hinton 2008).

    Barnes-Hut approximation, so time grows with N log N. It starts from the principal components (Kobak and Berens
    2019) and sums on one thread, so that the result is always the same; its learning rate grows with the number of
    points (Belkina et al. 2019).

    Args:
        vectors: the points; distances are Euclidean.
        perplexity: about how many neighbours count; less than a third of the points.
        rounds: steps of gradient descent, at least 250.

    Returns:
        ``(N, 2)``.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(vectors) < 3 * perplexity:
        raise ValueError(f"{len(vectors)} points are too few for a perplexity of {perplexity:g}")
    with threadpool_limits(1):
        points = TSNE(2, perplexity=perplexity, max_iter=rounds, init="pca", random_state=0).fit_transform(vectors)
    return np.asarray(points, dtype=np.float32)
