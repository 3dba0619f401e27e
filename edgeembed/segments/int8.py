"""Scalar quantization of vectors: int8 rows, symmetric, each scaled by its own largest component (absmax).

The largest component becomes 127. Cosine does not mind the scale, and all 8
bits are used: components of a unit vector of 384 dimensions are about 0.05, and a plain cast would keep little of
them. What a search finds is compared once more with the query in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int8]  # (N, dim)
Keys = npt.NDArray[np.int64]  # (N,)
Floats = npt.NDArray[np.float32]


def to_int8(vectors: Floats) -> Rows:
    """Quantize vectors to rows as they are stored.

    Args:
        vectors: ``(N, dim)`` float32.

    Raises:
        ValueError: a component is not finite, or a row is zero.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)  # (N, 1)
    if not np.isfinite(largest).all() or not (largest > 0).all():
        raise ValueError("a vector that is zero or not finite cannot be stored")
    return np.asarray(np.rint(vectors * (127 / largest)), dtype=np.int8)


def norms(floats: Floats) -> Floats:
    """Length ``(N,)`` of each row ``(N, dim)``."""
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", floats, floats)))


def cosines(query: Floats, rows: Rows | Floats, lengths: Floats | None = None) -> Floats:
    """Cosine ``(N,)`` of a query ``(dim,)`` of length 1 with each of ``rows`` ``(N, dim)``.

    Args:
        rows: float32 with the values of int8, where the same rows are compared again and again.
        lengths: their :func:`norms`; ``None``: not known.
    """
    floats = rows.astype(np.float32, copy=False)
    lengths = norms(floats) if lengths is None else lengths
    # No BLAS: its threads go on spinning behind every product, which doubles the processor time of a search.
    products = np.einsum("nd,d->n", floats, query)
    return np.asarray(products / np.maximum(lengths, 1), dtype=np.float32)


def from_blobs(blobs: Sequence[bytes], dim: int) -> Rows:
    """Rows ``(N, dim)`` from their bytes as the catalog stores them, each ``dim`` long; read-only."""
    return np.frombuffer(b"".join(blobs), dtype=np.int8).reshape(len(blobs), dim)
