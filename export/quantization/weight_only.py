"""Weight-only quantization: stored in 8 or 4 bits, computed in float32, so that all processors give the same vectors.

The size is a quarter of float32's or less.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
LEAST = 64
"""Tensors with fewer elements stay float32."""
STEPS, _NIBBLE = 127, 7
"""Largest quantized value of 8 and of 4 bits."""
_DOMAIN = "com.microsoft"
_NIBBLE_ZERO = 8
"""Zero point of 4 bits, for MatMulNBits."""
_BLOCK = 256
"""Block size there: so many inputs share a scale."""
_IN_FLOAT32 = 1
"""Its ``accuracy_level`` for float32 activations: only weights are rounded, so every processor gives the same."""
_PRODUCTS = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")


def store_weights(graph: Path, out: Path, *, four_bit_side: int | None = None) -> None:
    """Write ``graph``, an optimised float graph, with its weights in 8 bits, or in 4.

    Weights of 8 bits, with a scale for each channel, are turned into float32 when the graph is opened (onnxruntime
    folds operators on constants), and then computed as fast as the float graph. DequantizeLinear says the same in one
    operator, but is not folded, and would run for every image. For the same reason the graph must not be optimised
    again. Weights of 4 bits it takes as they are (MatMulNBits), and computes in float32 all the same: a seventh
    of the memory to read for each image, which takes longest in products of so few rows.

    Args:
        graph: file to read.
        out: file to write.
        four_bit_side: matrices with a side of this length are stored in 4 bits, a scale for each block of a channel:
            a thousand classes that are told apart by 1280 features do not mind. ``None``: none are.
    """
    model = onnx.load(graph)
    tensors = {item.name: item for item in model.graph.initializer}
    before: list[onnx.NodeProto] = []
    for name, axis in _weights(model.graph, tensors).items():
        values = numpy_helper.to_array(tensors[name])
        model.graph.initializer.remove(tensors[name])
        if values.ndim == 2 and four_bit_side in values.shape:
            model.graph.initializer.extend(_take_four_bits(model.graph, name, values if axis == 0 else values.T))
        else:
            nodes, parts = _eight_bits(name, values, axis)
            before += nodes
            model.graph.initializer.extend(parts)
    nodes = [*before, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    if not any(item.domain == _DOMAIN for item in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    onnx.checker.check_model(model)
    onnx.save(model, out)


def _eight_bits(name: str, values: Floats, axis: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that compute the weight ``name`` from stored tensors, and these tensors."""
    steps, scales = rounded(values, axis, most=STEPS)
    parts: dict[str, npt.NDArray[Any]] = {f"{name}_int8": steps.astype(np.int8), f"{name}_scale": scales}
    nodes = [
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name]),
    ]
    return nodes, [numpy_helper.from_array(part, title) for title, part in parts.items()]


def _take_four_bits(graph: onnx.GraphProto, name: str, values: Floats) -> list[onnx.TensorProto]:
    """Let the products with the weight ``name``, (outputs, inputs), take it packed in 4 bits; the packed tensors."""
    outputs, inputs = values.shape
    blocks = -(-inputs // _BLOCK)
    filled = np.zeros((outputs, blocks * _BLOCK), np.float32)
    filled[:, :inputs] = values
    steps, scales = rounded(filled.reshape(-1, _BLOCK), 0, most=_NIBBLE)
    unsigned = (steps + _NIBBLE_ZERO).astype(np.uint8).reshape(outputs, blocks, _BLOCK)
    parts = {f"{name}_packed": unsigned[..., ::2] | unsigned[..., 1::2] << 4, f"{name}_scale": scales.ravel()}
    for node in graph.node:
        if len(node.input) > 1 and node.input[1] == name:
            bias = node.input[2:]
            node.op_type, node.domain = "MatMulNBits", _DOMAIN
            del node.input[1:], node.attribute[:]
            node.input.extend([*parts, *(["", "", *bias] if bias else [])])
            attributes = {"K": inputs, "N": outputs, "bits": 4, "block_size": _BLOCK, "accuracy_level": _IN_FLOAT32}
            node.attribute.extend(helper.make_attribute(*fact) for fact in attributes.items())
    return [numpy_helper.from_array(part, title) for title, part in parts.items()]


def rounded(values: Floats, axis: int, *, most: int) -> tuple[Floats, Floats]:
    """Quantized values, whole numbers from ``-most`` to ``most``, and the scale of each channel along ``axis``.

    Of several scales the one with the least squared error is taken: a lone outlier may be clipped; what is quantized
    already stays as it is, also where its largest value is a little below ``most``.
    """
    others = tuple(i for i in range(values.ndim) if i != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    whole = np.asarray(np.where(largest > 0, largest, 1) / most, np.float32)
    best, error = whole, _error(values, whole, others, most)
    below = [most / steps for steps in range(most - 1, most * 3 // 4, -1)]
    for share in (0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7, *below):
        scale = np.asarray(whole * share, np.float32)
        scale_error = _error(values, scale, others, most)
        best, error = np.where(scale_error < error, scale, best), np.minimum(scale_error, error)
    return in_steps(values, best, most), best


def in_steps(values: Floats, scale: Floats, most: int) -> Floats:
    """Quantize: values divided by ``scale``, rounded and clipped to ``-most`` … ``most``."""
    return np.asarray(np.clip(np.round(values / scale), -most, most), dtype=np.float32)


def _error(values: Floats, scale: Floats, axes: tuple[int, ...], most: int) -> Floats:
    """Squared error of each channel."""
    return np.asarray(
        np.square(values - in_steps(values, scale, most) * scale).sum(axis=axes, keepdims=True), np.float32
    )


def _weights(graph: onnx.GraphProto, tensors: dict[str, onnx.TensorProto]) -> dict[str, int]:
    """Names of the weights of products and convolutions, and the axis of their output channels."""
    axes = {}
    for node in graph.node:
        tensor = tensors.get(node.input[1]) if node.op_type in _PRODUCTS else None
        if tensor is not None and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LEAST:
            turned = any(item.name == "transB" and item.i for item in node.attribute)
            axes[tensor.name] = 0 if "Conv" in node.op_type or turned else 1
    return axes
