"""Jitter: random changes of a graph's float weights by about the rounding of a float, to see what rounding does."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def jitter(model: onnx.ModelProto, *, size: float, seed: int = 0) -> None:
    """Change all float weights of ``model``, in place.

    Args:
        model: its weights inside.
        size: standard deviation of the relative change; with 6e-8, a rounding of float32, half of the numbers become
            another one.
        seed: other seeds give other changes, the same seed always the same.
    """
    from onnx import TensorProto, numpy_helper  # commands that show help do without it

    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        # Single numbers are constants of formulas, such as the lowest float, which must stay one.
        if tensor.data_type == TensorProto.FLOAT and prod(tensor.dims) > 1:
            values = numpy_helper.to_array(tensor)
            changed = values * (1 + size * rng.standard_normal(values.shape))
            tensor.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), tensor.name))
