"""Pooling as data: all that follows the transformer of a text encoder, dense layers and L2 normalisation included.

The same steps are computed twice from here, by torch in the reference and by ONNX in the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

POOLING_MODES = ("cls", "mean", "max", "mean_sqrt_len", "weightedmean")
"""Ways from ``(B, T, hidden)`` to ``(B, hidden)``, named as sentence-transformers names them."""
ACTIVATIONS = ("Identity", "Tanh", "Relu", "Sigmoid")
"""Functions after a dense layer, by their ONNX names (``Identity``: none)."""


@dataclass(frozen=True)
class Pooling:
    """Vectors of the tokens to one vector; several modes are put side by side."""

    modes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dense:
    """``activation(x @ weight.T + bias)``."""

    weight: npt.NDArray[np.float32]  # (out, in)
    bias: npt.NDArray[np.float32] | None  # (out,)
    activation: str = "Identity"


@dataclass(frozen=True)
class Normalize:
    """L2 normalisation: division by the Euclidean length."""


PoolingStep = Pooling | Dense | Normalize
