"""A transformers model to one ONNX graph: tokens in, unit vectors out.

optimum converts the transformer; pooling, dense layers and the division by the length are appended here, so that
nothing about a model is left to the code that runs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import ExportError
from ..sources.loading import quiet
from ..sources.pooling import Dense, Normalize, Pooling, PoolingStep
from .optimize import plain_graph, save_optimized

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_INPUTS = ("input_ids", "attention_mask")


def text_graph(model: PreTrainedModel, pooling: Sequence[PoolingStep], dim: int, out: Path) -> None:
    """Write the float graph of a text encoder, optimised, and beside it as it was converted.

    Args:
        model: gives ``last_hidden_state`` (B, T, hidden).
        pooling: what follows it, the first a :class:`Pooling`.
        dim: length of the vectors.
        out: file to write; inputs ``input_ids`` and ``attention_mask`` int64 (B, T), output ``embedding`` float32
            (B, dim).

    Raises:
        ExportError: optimum does not know the model, or its graph wants inputs that a bundle has not.
    """
    graph = _transformer(model)
    _drop_token_types(graph.graph)
    _Builder(graph.graph).append(pooling, dim)
    inputs = [item.name for item in graph.graph.input]
    if not set(inputs) <= set(_INPUTS):
        raise ExportError(f"{model.config.model_type} takes {inputs}; a bundle can give only {list(_INPUTS)}")
    onnx.checker.check_model(graph)
    onnx.save(graph, plain_graph(out))
    save_optimized(plain_graph(out), out)


def _transformer(model: PreTrainedModel) -> onnx.ModelProto:
    from optimum.exporters.onnx import onnx_export_from_model
    from optimum.exporters.tasks import TasksManager

    model_type = model.config.model_type
    try:
        tasks = TasksManager.get_supported_tasks_for_model_type(model_type, "onnx", library_name="transformers")
    except KeyError as error:
        raise ExportError(f"optimum cannot convert models of type {model_type!r} to ONNX") from error
    if "feature-extraction" not in tasks:
        raise ExportError(f"optimum cannot convert models of type {model_type!r} for feature extraction")
    with tempfile.TemporaryDirectory() as scratch, quiet():
        onnx_export_from_model(model, Path(scratch), task="feature-extraction", do_validation=False)
        return onnx.load(Path(scratch) / "model.onnx")


def _drop_token_types(graph: onnx.GraphProto) -> None:
    """Remove the input ``token_type_ids``: a bundle embeds one text at a time, so they are zeros.

    Looking them up always gives row 0 of their table, so that row takes the place of the lookup.
    """
    if "token_type_ids" not in {item.name for item in graph.input}:
        return
    tables = {item.name: item for item in graph.initializer}
    for node in [node for node in graph.node if "token_type_ids" in node.input]:
        if node.op_type != "Gather" or node.input[0] not in tables:
            raise ExportError(f"token_type_ids goes to {node.op_type}, not to a table; it cannot be removed")
        row = numpy_helper.to_array(tables[node.input[0]])[:1].copy()  # (1, hidden)
        graph.initializer.append(numpy_helper.from_array(row, "token_type_row"))
        _replace_input(graph, node.output[0], "token_type_row")
        graph.initializer.remove(tables[node.input[0]])
        graph.node.remove(node)
    graph.input.remove(next(item for item in graph.input if item.name == "token_type_ids"))


def _replace_input(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == old:
                node.input[i] = new


class _Builder:
    """Appends nodes whose names depend on nothing but their order."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._count = 0

    def append(self, pooling: Sequence[PoolingStep], dim: int) -> None:
        """Lead ``last_hidden_state`` through the steps of ``pooling`` to the only output, ``embedding``."""
        if "attention_mask" not in {item.name for item in self._graph.input}:
            raise ExportError("the model takes no attention mask; pooling needs one")
        value = "last_hidden_state"
        for step in pooling:
            if isinstance(step, Pooling):
                value = self._pooling(step, value)
            elif isinstance(step, Dense):
                value = self._dense(step, value)
            else:
                assert isinstance(step, Normalize)
                value = self._normalize(value)
        self._graph.node[-1].output[0] = "embedding"
        del self._graph.output[:]
        self._graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch_size", dim]))

    def _node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"edgeembed_{self._count}_{op}"
        self._count += 1
        self._graph.node.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, value: npt.NDArray[Any]) -> str:
        name = f"edgeembed_{self._count}_constant"
        self._count += 1
        self._graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def _axes(self, *axes: int) -> str:
        return self._constant(np.array(axes, np.int64))

    def _pooling(self, step: Pooling, hidden: str) -> str:
        """Formulas of sentence-transformers' ``Pooling``; ``hidden`` is (B, T, hidden)."""
        mask = self._node("Cast", "attention_mask", to=TensorProto.FLOAT)  # (B, T)
        mask = self._node("Unsqueeze", mask, self._axes(2))  # (B, T, 1)
        parts = [getattr(self, f"_{mode}")(hidden, mask) for mode in step.modes]
        return parts[0] if len(parts) == 1 else self._node("Concat", *parts, axis=1)

    def _mean(self, hidden: str, mask: str) -> str:
        total, count = self._weighted_sum(hidden, mask)
        return self._node("Div", total, count)

    def _mean_sqrt_len(self, hidden: str, mask: str) -> str:
        total, count = self._weighted_sum(hidden, mask)
        return self._node("Div", total, self._node("Sqrt", count))

    def _weightedmean(self, hidden: str, mask: str) -> str:
        """Weights 1, 2, 3, … by position (SGPT, https://arxiv.org/abs/2202.08904)."""
        position = self._node("CumSum", mask, self._constant(np.array(1, np.int64)))
        total, count = self._weighted_sum(hidden, self._node("Mul", position, mask))
        return self._node("Div", total, count)

    def _weighted_sum(self, hidden: str, weight: str) -> tuple[str, str]:
        total = self._node("ReduceSum", self._node("Mul", hidden, weight), self._axes(1), keepdims=0)
        count = self._node("ReduceSum", weight, self._axes(1), keepdims=0)
        return total, self._at_least(count, 1e-9)

    def _cls(self, hidden: str, mask: str) -> str:
        return self._node("Gather", hidden, self._constant(np.array(0, np.int64)), axis=1)

    def _max(self, hidden: str, mask: str) -> str:
        lowest = self._constant(np.array(-1e9, np.float32))
        masked = self._node("Where", self._node("Cast", mask, to=TensorProto.BOOL), hidden, lowest)
        return self._node("ReduceMax", masked, self._axes(1), keepdims=0)

    def _dense(self, step: Dense, value: str) -> str:
        value = self._node("MatMul", value, self._constant(np.ascontiguousarray(step.weight.T)))
        if step.bias is not None:
            value = self._node("Add", value, self._constant(step.bias))
        return value if step.activation == "Identity" else self._node(step.activation, value)

    def _normalize(self, value: str) -> str:
        length = self._node("ReduceL2", value, self._axes(1), keepdims=1)
        return self._node("Div", value, self._at_least(length, 1e-12))

    def _at_least(self, value: str, least: float) -> str:
        """Against a division by zero; torch's ``normalize`` and sentence-transformers use the same numbers."""
        return self._node("Max", value, self._constant(np.array(least, np.float32)))
