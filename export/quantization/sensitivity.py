"""Sensitivity analysis: what quantizing each matrix product or table of a graph alone costs in cosine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from edgeembed.maintenance.check_bundle import cosines

from ..graphs.run import GraphVectors
from ..types import Feed
from .schemes import Scheme, quantize_weights, quantized_operators
from .smoothing import smooth

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Sensitivity:
    """The cost of quantizing one node alone."""

    node: str
    """Its name in the float graph."""
    operator: str
    """``MatMul``: a product; ``Gather``: a table."""
    weight_bytes: int
    """Of its weights as float32; quantized they take a quarter."""
    cost: float
    """Mean of 1 - cosine to the float graph, over ordinary inputs."""


def sensitivities(
    graph: Path, scheme: Scheme, feeds: Sequence[Feed], *, calibration: Sequence[Feed] = ()
) -> list[Sensitivity]:
    """Quantize every node alone that ``scheme`` quantizes, and measure; the costliest comes first.

    Args:
        graph: an optimised float graph.
        scheme: how weights are stored; :attr:`Scheme.keep_float` is not looked at.
        feeds: ordinary inputs to measure on.
        calibration: ordinary inputs for :mod:`.smoothing`, as :func:`.schemes.quantize` takes them.
    """
    results = []
    exact = GraphVectors(graph)(feeds)
    with tempfile.TemporaryDirectory() as scratch:
        smoothed, one = Path(scratch, "smoothed.onnx"), Path(scratch, "one.onnx")
        smooth(graph, smoothed, calibration, strength=scheme.smoothing if calibration else 0)
        for node, weight_bytes in quantizable(graph, scheme):
            quantize_weights(smoothed, one, scheme, only=[node.name])
            cost = float(1 - cosines(GraphVectors(one)(feeds), exact).mean())
            results.append(Sensitivity(node.name, node.op_type, weight_bytes, cost))
    return sorted(results, key=lambda item: (-item.cost, item.node))


def quantizable(graph: Path, scheme: Scheme) -> list[tuple[onnx.NodeProto, int]]:
    """Nodes that have float weights to quantize, in the order of the graph, and the weights' size in bytes."""
    import onnx

    model = onnx.load(graph)
    operators = quantized_operators(scheme)
    sizes = {
        item.name: 4 * prod(item.dims)
        for item in model.graph.initializer
        if item.data_type == onnx.TensorProto.FLOAT and len(item.dims) >= 2
    }
    nodes = [(node, sum(sizes.get(name, 0) for name in node.input)) for node in model.graph.node]
    return [(node, size) for node, size in nodes if size and node.name and node.op_type in operators]
