"""Weights stored in 8 or 4 bits and computed with as float32: a quarter of the size, the same vectors everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]

LEAST = 64
"""Tensors with fewer numbers stay float32."""
STEPS, _NIBBLE = 127, 7
"""Most steps of 8 and of 4 bits."""
_PRODUCTS = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")


def store_weights(graph: Path, out: Path, *, coarse: int | None = None) -> None:
    """Write ``graph``, an optimised float graph, with its weights in int8, each channel in steps of its own.

    onnxruntime makes float32 of them again when the graph is opened (operators on constants are folded), and then
    computes as fast as with the float graph. DequantizeLinear says the same in one operator, but is not folded, and
    would run for every picture. For the same reason the graph must not be optimised again.

    Args:
        graph: file to read.
        out: file to write.
        coarse: matrices with a side of this length are stored in 4 bits: a thousand classes that are told apart by
            1280 features do not mind (of 508 pictures, 3 changed their class). ``None``: none are.
    """
    model = onnx.load(graph)
    tensors = {item.name: item for item in model.graph.initializer}
    before: list[onnx.NodeProto] = []
    for name, axis in _weights(model.graph, tensors).items():
        values = numpy_helper.to_array(tensors[name])
        stored = _Stored(name)
        if values.ndim == 2 and coarse in values.shape and values.shape[1] % 2 == 0:
            stored.four_bits(values, axis)
        else:
            stored.eight_bits(values, axis)
        model.graph.initializer.remove(tensors[name])
        model.graph.initializer.extend(stored.tensors)
        before += stored.nodes
    nodes = [*before, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, out)


class _Stored:
    """The tensors that stand for a weight, and the operators that make it of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: list[onnx.TensorProto] = []
        self.nodes: list[onnx.NodeProto] = []

    def eight_bits(self, values: Floats, axis: int) -> None:
        steps, scales = rounded(values, axis, most=STEPS)
        number = self._node("Cast", [self._tensor("int8", steps.astype(np.int8))], "cast", to=TensorProto.FLOAT)
        self._node("Mul", [number, self._tensor("scale", scales)])

    def four_bits(self, values: Floats, axis: int) -> None:
        """Two columns in a byte: one of the left half in its low bits, one of the right half in its high bits."""
        steps, scales = rounded(values, axis, most=_NIBBLE)
        left, right = np.split((steps + _NIBBLE).astype(np.uint8), 2, axis=1)  # 0 to 14
        packed = self._tensor("packed", left | right << 4)
        low = self._node("Mod", [packed, self._tensor("sixteen", np.array(16, np.uint8))], "low")
        high = self._node("BitShift", [packed, self._tensor("four", np.array(4, np.uint8))], "high", direction="RIGHT")
        both = self._node("Concat", [low, high], "both", axis=1)
        number = self._node("Cast", [both], "cast", to=TensorProto.FLOAT)
        middle = self._tensor("zero", np.array(_NIBBLE, np.float32))
        self._node("Mul", [self._node("Sub", [number, middle], "steps"), self._tensor("scale", scales)])

    def _tensor(self, part: str, values: npt.NDArray[Any]) -> str:
        self.tensors.append(numpy_helper.from_array(values, f"{self.name}_{part}"))
        return self.tensors[-1].name

    def _node(self, operator: str, inputs: list[str], part: str = "", **attributes: Any) -> str:
        """The name of its output; without a part of its own that is the weight itself."""
        output = f"{self.name}_{part}" if part else self.name
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def rounded(values: Floats, axis: int, *, most: int) -> tuple[Floats, Floats]:
    """Numbers in whole steps from ``-most`` to ``most``, and the size of a step for each channel along ``axis``.

    The size is, of several, the one with the least squared error: a lone outlier may be cut off, and what is in whole
    steps already stays as it is, also where its largest is a few steps below ``most``.
    """
    others = tuple(i for i in range(values.ndim) if i != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    whole = np.asarray(np.where(largest > 0, largest, 1) / most, np.float32)
    best, error = whole, _error(values, whole, others, most)
    below = [most / steps for steps in range(most - 1, most * 3 // 4, -1)]
    for share in (0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7, *below):
        scale = np.asarray(whole * share, np.float32)
        found = _error(values, scale, others, most)
        best, error = np.where(found < error, scale, best), np.minimum(found, error)
    return in_steps(values, best, most), best


def in_steps(values: Floats, scale: Floats, most: int) -> Floats:
    """Numbers as whole steps of size ``scale``, at most ``most`` either way."""
    return np.asarray(np.clip(np.round(values / scale), -most, most), dtype=np.float32)


def _error(values: Floats, scale: Floats, axes: tuple[int, ...], most: int) -> Floats:
    """Of each channel, summed."""
    return np.asarray(
        np.square(values - in_steps(values, scale, most) * scale).sum(axis=axes, keepdims=True), np.float32
    )


def _weights(graph: onnx.GraphProto, tensors: dict[str, onnx.TensorProto]) -> dict[str, int]:
    """Names of the weights of products and convolutions, and the axis of their output channels."""
    found = {}
    for node in graph.node:
        tensor = tensors.get(node.input[1]) if node.op_type in _PRODUCTS else None
        if tensor is not None and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LEAST:
            turned = any(item.name == "transB" and item.i for item in node.attribute)
            found[tensor.name] = 0 if "Conv" in node.op_type or turned else 1
    return found
