"""What follows the transformer in a text encoder, as data: pooling, dense layers, division by the length.

The same stages are computed twice from here, by torch in the reference and by ONNX in the bundle.
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
    """Division by the Euclidean length."""


Stage = Pooling | Dense | Normalize
