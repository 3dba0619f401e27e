"""Random changes of float weights, the same for the same seed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from edgeembed_export.graphs.jitter import jitter
from onnx import helper, numpy_helper

LOWEST = np.finfo(np.float32).min


def model() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    arrays = {
        "weights": rng.standard_normal((50, 40)).astype(np.float32),
        "half": rng.standard_normal((5, 4)).astype(np.float16),
        "ids": np.arange(9),
        "lowest": np.array([LOWEST], np.float32),
        "zeros": np.zeros((3, 3), np.float32),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    return helper.make_model(helper.make_graph([], "weights", [], [], tensors))


def values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}


@pytest.mark.parametrize("size", [6e-8, 1e-3])
def test_float_weights_change_by_about_the_size(size: float) -> None:
    altered = model()
    jitter(altered, size=size)
    before, after = values(model()), values(altered)
    relative = (after["weights"].astype(np.float64) - before["weights"]) / before["weights"]
    rounding = 2.0**-24  # half a step of float32, at most
    assert 0.9 * size < relative.std() < 1.1 * (size + rounding)
    assert abs(relative.mean()) < 0.1 * size
    others = (after["weights"] != before["weights"]).mean()
    assert others > 0.99 if size > 1e-6 else 0.4 < others < 0.6  # one rounding: half of all become another number
    for name in ("half", "ids", "lowest", "zeros"):  # of other types, a single constant, nothing to scale
        np.testing.assert_array_equal(after[name], before[name])
        assert after[name].dtype == before[name].dtype


def test_the_seed_decides() -> None:
    one, same, other = model(), model(), model()
    for each, seed in ((one, 1), (same, 1), (other, 2)):
        jitter(each, size=1e-6, seed=seed)
    assert one.SerializeToString() == same.SerializeToString() != other.SerializeToString()
