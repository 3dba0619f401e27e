"""Queries and edits of an ONNX graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Values = dict[str, npt.NDArray[Any]]
"""Name of a tensor to its value in one run."""


class Graph:
    """An ONNX graph with an index of the producers and consumers of its tensors."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Changes are made in ``model`` itself, whose nodes are in topological order and hold no graphs."""
        self.model = model
        self.changed()

    def changed(self) -> None:
        """Rebuild the index; to be called after a node was altered from outside."""
        graph = self.model.graph
        self.tensors = {item.name: item for item in graph.initializer}
        self.inputs = [item.name for item in graph.input]
        self._makers = {output: node for node in graph.node for output in node.output if output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def nodes(self, operator: str) -> list[onnx.NodeProto]:
        """All nodes with this operator."""
        return [node for node in self.model.graph.node if node.op_type == operator]

    def maker(self, name: str) -> onnx.NodeProto | None:
        """The node that gives this tensor; ``None`` for constants and inputs."""
        return self._makers.get(name)

    def users(self, name: str) -> list[onnx.NodeProto]:
        """The nodes that take this tensor, once for each time that they do."""
        return self._users.get(name, [])

    def only_user(self, name: str, operator: str) -> onnx.NodeProto | None:
        """The node that takes this tensor, if it is the only one (``Shape`` aside) and has this operator."""
        users = [node for node in self.users(name) if node.op_type != "Shape"]
        return users[0] if len(users) == 1 and users[0].op_type == operator else None

    def constant(self, name: str, value: Sequence[int]) -> bool:
        """Whether ``name`` is a constant of just these numbers."""
        return name in self.tensors and numpy_helper.to_array(self.tensors[name]).tolist() == list(value)

    @staticmethod
    def attributes(node: onnx.NodeProto) -> dict[str, Any]:
        """Attributes by name."""
        return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}

    def scaled(self, name: str) -> tuple[str, float]:
        """The tensor that ``name`` is a multiple of, and how many times; ``(name, 1)`` where nothing multiplies it."""
        node = self.maker(name)
        if node is None or node.op_type not in ("Mul", "Div"):
            return name, 1.0
        for position, factor in reversed(list(enumerate(node.input))):
            tensor = self.tensors.get(factor)
            if tensor is None or math.prod(tensor.dims) != 1 or (node.op_type == "Div" and position == 0):
                continue
            number = float(numpy_helper.to_array(tensor).reshape(()))
            source, times = self.scaled(node.input[1 - position])
            return source, times * (number if node.op_type == "Mul" else 1 / number)
        return name, 1.0

    def heads(self, name: str, order: tuple[int, ...]) -> tuple[str | None, float]:
        """The ``(B, T, channels)`` tensor that was cut into heads, ``(B, T, heads, n)``, and brought into ``order``.

        Returns:
            It, and by what it was multiplied meanwhile; ``None`` where something else was done to it.
        """
        name, times = self.scaled(name)
        node = self.maker(name)
        if node is not None and order == (0, 2, 3, 1) and self._order(node) == (0, 1, 3, 2):
            source, more = self.heads(node.input[0], (0, 2, 1, 3))
            return source, times * more
        if node is None or self._order(node) != order:
            return None, times
        reshape = self.maker(node.input[0])
        return (None if reshape is None or reshape.op_type != "Reshape" else reshape.input[0]), times

    def _order(self, node: onnx.NodeProto) -> tuple[int, ...] | None:
        return tuple(self.attributes(node).get("perm", ())) if node.op_type == "Transpose" else None

    def values(self, names: Sequence[str], *, tokens: int) -> Values:
        """Values of tensors for one input of zeros, with a mask of ones; open dimensions are ``tokens``."""
        computed = [name for name in dict.fromkeys(names) if name in self._makers]
        feed = {item.name: _example(item, tokens) for item in self.model.graph.input}
        outputs = self._run(computed, feed) if computed else {}
        constants = {name: numpy_helper.to_array(self.tensors[name]) for name in names if name in self.tensors}
        return {**outputs, **constants, **{name: feed[name] for name in names if name in feed}}

    def _run(self, computed: Sequence[str], feed: Values) -> Values:
        """Values of tensors that nodes give."""
        import onnxruntime

        probe = onnx.ModelProto()
        probe.CopyFrom(self.model)
        del probe.graph.output[:]
        probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in computed)
        Graph(probe).prune()
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
        inputs = {item.name: feed[item.name] for item in session.get_inputs()}
        return dict(zip(computed, session.run(computed, inputs), strict=True))

    def replace(self, old: str, new: str) -> None:
        """Let all that take ``old`` take ``new``."""
        for node in self.users(old):
            for position, name in enumerate(node.input):
                if name == old:
                    node.input[position] = new
        self.changed()

    def prepend(self, *nodes: onnx.NodeProto) -> None:
        """Put nodes before all others."""
        for node in reversed(nodes):
            self.model.graph.node.insert(0, node)
        self.changed()

    def remove_input(self, name: str) -> None:
        """Remove an input of the graph; who takes it must get it from elsewhere."""
        self.model.graph.input.remove(next(item for item in self.model.graph.input if item.name == name))
        self.changed()

    def prune(self) -> None:
        """Remove nodes and constants that nothing needs."""
        graph = self.model.graph
        needed = {item.name for item in graph.output}
        for node in reversed(graph.node):
            if needed & set(node.output):
                needed.update(node.input)
        for node in [node for node in graph.node if not needed & set(node.output)]:
            graph.node.remove(node)
        for tensor in [item for item in graph.initializer if item.name not in needed]:
            graph.initializer.remove(tensor)
        del graph.value_info[:]  # shapes and types may be out of date, and nobody needs them
        self.changed()


def _example(item: onnx.ValueInfoProto, tokens: int) -> npt.NDArray[Any]:
    """Zeros (for the mask ones) for an input; of open dimensions the first is 1, others ``tokens``."""
    sizes = [size.dim_value if size.HasField("dim_value") else tokens for size in item.type.tensor_type.shape.dim]
    dtype = np.float32 if item.type.tensor_type.elem_type == onnx.TensorProto.FLOAT else np.int64
    return np.full([1, *sizes[1:]], int(item.name == "attention_mask"), dtype)
