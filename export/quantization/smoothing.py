"""SmoothQuant: outliers of activations are moved into the weights before both are quantized.

Dynamic quantization has one scale for a whole activation tensor, so a few large channels leave the others few of the
256 steps. Dividing each channel by a number and multiplying the weights of that channel by the same number computes the
same product with smaller outliers (SmoothQuant, Xiao et al. 2023, https://arxiv.org/abs/2211.10438, with the weights'
own range left out of its formula: weights here have one scale for each output channel, and taking their range in
measured worse).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..types import Feed

if TYPE_CHECKING:
    import onnx


def smooth(graph: Path, out: Path, calibration: Iterable[Feed], *, strength: float) -> None:
    """Divide the input channels of every matrix product with a constant by ``maximum ** strength``.

    Args:
        graph: an optimised float graph.
        out: file to write; computes the same as ``graph``.
        calibration: ordinary inputs, over which the maximum of each channel is taken.
        strength: 0 changes nothing, 1 makes the maxima of all channels equal.
    """
    import onnx

    model = onnx.load(graph)
    if strength == 0:
        onnx.save(model, out)
        return
    weights = {item.name: item for item in model.graph.initializer if len(item.dims) == 2}
    products: dict[str, list[onnx.NodeProto]] = {}  # by the name of their activation
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights and node.input[0] not in weights:
            products.setdefault(node.input[0], []).append(node)
    maxima = _channel_maxima(model, list(products), calibration)
    shared = {name for name in weights if sum(name in node.input for node in model.graph.node) > 1}
    for number, (activation, nodes) in enumerate(products.items()):
        if shared & {node.input[1] for node in nodes}:
            continue  # a weight with several uses cannot take up the scale of one of them
        _divide(model.graph, number, activation, nodes, weights, _scales(maxima[activation], strength))
    onnx.save(model, out)


def _channel_maxima(
    model: onnx.ModelProto, names: list[str], calibration: Iterable[Feed]
) -> dict[str, npt.NDArray[np.float32]]:
    """Name of an activation to the largest magnitude of each of its channels, (channels,)."""
    if not names:
        return {}  # a session without outputs cannot be run
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    maxima: dict[str, Any] = dict.fromkeys(names, 0.0)
    for feed in calibration:
        for name, value in zip(names, session.run(names, dict(feed)), strict=True):
            maxima[name] = np.maximum(maxima[name], np.abs(value).reshape(-1, value.shape[-1]).max(axis=0))
    return maxima


def _scales(maxima: npt.NDArray[np.float32], strength: float) -> npt.NDArray[np.float32]:
    """Divisor of each channel; 1 for the median one. Channels that were always zero stay nearly as they are."""
    scales = np.maximum(maxima, 1e-6) ** strength
    return np.asarray(np.clip(scales / np.median(scales), 1e-2, 1e2), dtype=np.float32)


def _divide(
    graph: onnx.GraphProto,
    number: int,
    activation: str,
    nodes: list[onnx.NodeProto],
    weights: Mapping[str, onnx.TensorProto],
    scales: npt.NDArray[np.float32],
) -> None:
    from onnx import helper, numpy_helper

    factor, smoothed = f"smooth_{number}", f"smoothed_{number}"
    graph.initializer.append(numpy_helper.from_array(1 / scales, factor))
    position = min(i for i, node in enumerate(graph.node) if node in nodes)
    graph.node.insert(position, helper.make_node("Mul", [activation, factor], [smoothed], name=factor))
    for node in nodes:
        tensor = weights[node.input[1]]
        matrix = numpy_helper.to_array(tensor) * scales[:, None]  # (in, out)
        tensor.CopyFrom(numpy_helper.from_array(matrix, tensor.name))
        node.input[0] = smoothed
