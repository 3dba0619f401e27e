"""Weights stored as int8 and computed with as float32: a quarter of the size, and the same vectors on any processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from .quantize import Scheme

Floats = npt.NDArray[np.float32]

INT8_WEIGHTS = Scheme(
    name="int8-weights",
    precision="int8 weights, a scale for each channel; computed in float32",
    quantized=False,
    least_cosine=0.97,
    least_mean_cosine=0.995,
    least_self_cosine=1 - 1e-9,  # nothing is rounded while the graph runs, so it gives the same on any processor
)

_LEAST = 64
"""Tensors with fewer numbers stay float32."""
_LARGEST = 127
_PRODUCTS = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")


def store_weights(graph: Path, out: Path) -> None:
    """Write ``graph``, an optimised float graph, with its weights in int8, each channel in steps of its own.

    onnxruntime makes float32 of them again when the graph is opened (a Cast and a Mul of constants are folded), and
    then computes as fast as with the float graph. DequantizeLinear says the same in one operator, but is not folded,
    and would run for every picture. For the same reason the graph must not be optimised again.
    """
    model = onnx.load(graph)
    tensors = {item.name: item for item in model.graph.initializer}
    before: list[onnx.NodeProto] = []
    for name, axis in _weights(model.graph, tensors).items():
        values = numpy_helper.to_array(tensors[name])
        steps, scales = rounded(values, axis)
        model.graph.initializer.remove(tensors[name])
        model.graph.initializer.append(numpy_helper.from_array(steps, f"{name}_int8"))
        model.graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scale"))
        before.append(helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], to=TensorProto.FLOAT))
        before.append(helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name]))
    nodes = [*before, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, out)


def rounded(values: Floats, axis: int) -> tuple[npt.NDArray[np.int8], Floats]:
    """Numbers in whole steps from -127 to 127, and the size of a step for each channel along ``axis``.

    The size is, of several, the one with the least squared error: a lone outlier may be cut off.
    """
    others = tuple(i for i in range(values.ndim) if i != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    whole = np.where(largest > 0, largest, 1).astype(np.float32) / _LARGEST
    best, error = whole, _error(values, whole, others)
    for share in (0.98, 0.95, 0.92, 0.88, 0.84, 0.8):
        scale = np.asarray(whole * share, np.float32)
        found = _error(values, scale, others)
        best, error = np.where(found < error, scale, best), np.minimum(found, error)
    return _steps(values, best).astype(np.int8), best


def _steps(values: Floats, scale: Floats) -> Floats:
    return np.asarray(np.clip(np.round(values / scale), -_LARGEST, _LARGEST), dtype=np.float32)


def _error(values: Floats, scale: Floats, axes: tuple[int, ...]) -> Floats:
    """Of each channel, summed."""
    return np.asarray(np.square(values - _steps(values, scale) * scale).sum(axis=axes, keepdims=True), np.float32)


def _weights(graph: onnx.GraphProto, tensors: dict[str, onnx.TensorProto]) -> dict[str, int]:
    """Names of the weights of products and convolutions, and the axis of their output channels."""
    found = {}
    for node in graph.node:
        tensor = tensors.get(node.input[1]) if node.op_type in _PRODUCTS else None
        if tensor is not None and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _LEAST:
            turned = any(item.name == "transB" and item.i for item in node.attribute)
            found[tensor.name] = 0 if "Conv" in node.op_type or turned else 1
    return found
