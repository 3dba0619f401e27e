"""Static int8 quantization of convolutions: weights and activations, whose ranges are learnt from examples."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ..graphs.edit import Graph
from ..graphs.optimize import save_optimized
from ..types import Feed
from .schemes import Scheme, quiet_onnxruntime
from .weight_only import in_steps, rounded

SEVEN_BITS = 63
"""Largest quantized value of a 7-bit weight."""
_LARGEST_BIAS = 1 << 30
"""Largest quantized bias; 32 bits hold twice as much."""
_DEQUANTIZED = "_DequantizeLinear_Output"
"""What onnxruntime appends to the name of a tensor for its dequantized form."""
STATIC_INT8 = Scheme(
    name="int8-static",
    precision="int8 static, per channel, 7-bit; heads in float32 from 8 bits, classes from 4",
    operators=("Conv", "Add"),
    least_cosine=0.9,
    least_mean_cosine=0.97,
)


def quantize_static_int8(graph: Path, out: Path, calibration: Sequence[Feed]) -> None:
    """Write ``graph`` with its convolutions, and the sums that skip them, in int8; all else stays float32.

    Ranges are fixed here, so a vector depends on nothing but its own image. ReLU6 costs nothing then: what is beyond
    it cannot be stored.

    Args:
        graph: a float graph, optimised as far as it has operators of ONNX itself.
        out: file to write, optimised.
        calibration: inputs, from which the ranges of activations are learnt; some hundreds.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(calibration)

        def get_next(self) -> Feed | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        padded, raw = Path(folder, "padded.onnx"), Path(folder, "quantized.onnx")
        _pad_in_convolutions(graph, padded)
        with quiet_onnxruntime():
            quantize_static(
                padded,
                raw,
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=STATIC_INT8.per_channel,
                reduce_range=STATIC_INT8.reduce_range,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                nodes_to_quantize=_convolutions(padded),
            )
        _store_rounded(padded, raw)
        save_optimized(raw, out)
    model = onnx.load(out)
    _fill_channels(model)
    _share_tensors(model)
    _shorten_names(model)
    onnx.checker.check_model(model)
    onnx.save(model, out)


def _pad_in_convolutions(graph: Path, out: Path) -> None:
    """Fuse ``Pad`` into the convolution after it: torch can add zeros on two sides alone only beforehand."""
    model = onnx.load(graph)
    edited = Graph(model)
    for node in edited.nodes("Pad"):
        convolution = edited.only_user(node.output[0], "Conv")
        margins = edited.tensors.get(node.input[1])
        if convolution is None or margins is None or edited.attributes(node).get("mode", b"constant") != b"constant":
            continue
        above, left, below, right = numpy_helper.to_array(margins).reshape(2, 4)[:, 2:].ravel().tolist()
        attributes = [item for item in convolution.attribute if item.name != "pads"]
        own = edited.attributes(convolution).get("pads", [0] * 4)
        del convolution.attribute[:]
        convolution.attribute.extend(attributes)
        pads = [a + b for a, b in zip(own, (above, left, below, right), strict=True)]
        convolution.attribute.append(helper.make_attribute("pads", pads))
        convolution.input[0] = node.input[0]
        model.graph.node.remove(node)
    onnx.checker.check_model(model)
    onnx.save(model, out)


def _convolutions(graph: Path) -> list[str]:
    """Nodes to quantize: convolutions, activations that bound their results, and sums of two results (residuals)."""
    nodes = onnx.load(graph).graph.node
    makers = {output: node.name for node in nodes for output in node.output}
    quantized = {node.name for node in nodes if node.op_type == "Conv"}
    for node in nodes:  # in order: a sum may add to what was a sum before
        sources = [makers.get(name) in quantized for name in node.input]
        if (node.op_type == "Add" and all(sources)) or (node.op_type in ("Clip", "Relu") and sources[0]):
            quantized.add(node.name)
    return sorted(quantized)


def _store_rounded(graph: Path, quantized: Path) -> None:
    """Replace the weights of a quantized graph by those of ``graph``, with the scales of least squared error.

    Weights that are rounded already (GPTQ) stay as they are; onnxruntime's own scales follow from the largest weight.
    """
    exact = {item.name: numpy_helper.to_array(item) for item in onnx.load(graph).graph.initializer}
    model = onnx.load(quantized)
    edited = Graph(model)

    def stored(name: str, position: int) -> onnx.TensorProto:
        node = edited.maker(name)
        assert node is not None
        tensor: onnx.TensorProto = edited.tensors[node.input[position]]
        return tensor

    def put(name: str, position: int, values: npt.NDArray[Any]) -> None:
        tensor = stored(name, position)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    for node in edited.nodes("Conv"):
        pixels, weight, *bias = node.input
        weights = exact[weight.removesuffix(_DEQUANTIZED)]
        added = [exact[name.removesuffix(_DEQUANTIZED)] for name in bias]
        step = float(numpy_helper.to_array(stored(pixels, 1)))
        scales = rounded(weights, 0, most=SEVEN_BITS)[1].ravel()
        for values in added:  # the bias of a nearly dead channel is many times its scale
            scales = np.maximum(scales, np.abs(values) / step / _LARGEST_BIAS)
        put(weight, 0, in_steps(weights, scales.reshape(-1, 1, 1, 1), SEVEN_BITS).astype(np.int8))
        put(weight, 1, scales.astype(np.float32))
        for name, values in zip(bias, added, strict=True):
            put(name, 0, np.round(values / (scales * step)).astype(np.int32))
            put(name, 1, (scales * step).astype(np.float32))
    onnx.save(model, quantized)


def _fill_channels(model: onnx.ModelProto) -> None:
    """Give convolutions of red, green and blue a fourth channel, whose weights are zero.

    Only with whole fours of channels does onnxruntime convolve pixels where they lie; it would copy those under every
    place of the kernel first, which takes 2.3 times as long.
    """
    edited = Graph(model)
    for node in edited.nodes("QLinearConv"):
        weight = edited.tensors[node.input[3]]
        values = numpy_helper.to_array(weight)
        missing = -values.shape[1] % 4
        if edited.attributes(node).get("group", 1) != 1 or not missing:
            continue
        weight.CopyFrom(numpy_helper.from_array(np.pad(values, ((0, 0), (0, missing), (0, 0), (0, 0))), weight.name))
        pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, missing, 0, 0], np.int64), f"{node.input[0]}_margins")
        model.graph.initializer.append(pads)
        filled = f"{node.input[0]}_filled"
        place = list(model.graph.node).index(node)
        model.graph.node.insert(place, helper.make_node("Pad", [node.input[0], pads.name, node.input[2]], [filled]))
        model.graph.node[place + 1].input[0] = filled


def _share_tensors(model: onnx.ModelProto) -> None:
    """Deduplicate constants, such as the zero points of channels."""
    names: dict[tuple[object, ...], str] = {}
    duplicates = {}
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        first = names.setdefault((tensor.data_type, *tensor.dims, values.tobytes()), tensor.name)
        if first != tensor.name:
            duplicates[tensor.name] = first
            model.graph.initializer.remove(tensor)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = duplicates.get(name, name)


def _shorten_names(model: onnx.ModelProto) -> None:
    """Rename inner tensors to numbers: the names that the tools give are a hundredth of the file."""
    public = {item.name for item in [*model.graph.input, *model.graph.output]}
    short: dict[str, str] = {}
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.name = ""
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name and name not in public:
                    names[place] = short.setdefault(name, f"t{len(short)}")
    for item in model.graph.initializer:
        item.name = short.get(item.name, item.name)
