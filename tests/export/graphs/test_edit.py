"""Queries and edits of an ONNX graph."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from edgeembed_export.graphs.edit import Graph
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def graph() -> Graph:
    """``out = (x * 2 / 4) @ w``, split into heads; and a branch that nothing needs."""
    constants = {
        "two": np.float32([2]),
        "four": np.float32(4),
        "weights": np.ones((6, 6), np.float32),
        "shape": np.array([0, 0, 2, 3]),
        "unused": np.ones((3,), np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["two", "x"], ["doubled"]),
        helper.make_node("Div", ["doubled", "four"], ["halved"]),
        helper.make_node("MatMul", ["halved", "weights"], ["product"]),
        helper.make_node("Reshape", ["product", "shape"], ["split"]),
        helper.make_node("Transpose", ["split"], ["by_head"], perm=[0, 2, 1, 3]),
        helper.make_node("Transpose", ["by_head"], ["keys"], perm=[0, 1, 3, 2]),
        helper.make_node("Add", ["unused", "unused"], ["lost"]),
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "heads",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "T", 6])],
            [helper.make_tensor_value_info("keys", TensorProto.FLOAT, ["B", 2, 3, "T"])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    return Graph(model)


def test_makers_and_users(graph: Graph) -> None:
    maker = graph.maker("halved")
    assert maker is not None
    assert maker.op_type == "Div"
    assert graph.maker("x") is graph.maker("two") is None
    assert [node.op_type for node in graph.users("halved")] == ["MatMul"]
    assert len(graph.users("unused")) == 2  # once for each time that it is taken
    assert graph.only_user("halved", "MatMul") is not None
    for name in ("halved", "unused", "keys"):
        assert graph.only_user(name, "Add") is None
    assert [node.op_type for node in graph.nodes("Transpose")] == ["Transpose"] * 2


def test_factors_are_multiplied_along_the_way(graph: Graph) -> None:
    assert graph.scaled("halved") == ("x", 0.5)
    assert graph.scaled("doubled") == ("x", 2.0)
    assert graph.scaled("product") == ("product", 1.0)
    graph.prepend(helper.make_node("Div", ["four", "x"], ["reciprocal"]))
    assert graph.scaled("reciprocal") == ("reciprocal", 1.0)  # is no multiple of x


def test_heads_are_found_in_either_order(graph: Graph) -> None:
    assert graph.heads("by_head", (0, 2, 1, 3)) == ("product", 1.0)
    assert graph.heads("keys", (0, 2, 3, 1)) == ("product", 1.0)
    assert graph.heads("by_head", (0, 1, 2, 3)) == (None, 1.0)
    assert graph.heads("product", (0, 2, 1, 3)) == (None, 1.0)


def test_constants_are_compared_as_a_whole(graph: Graph) -> None:
    assert graph.constant("shape", [0, 0, 2, 3])
    assert not graph.constant("shape", [0, 0, 2])
    assert not graph.constant("product", [1])


def test_values_of_one_example(graph: Graph) -> None:
    values = graph.values(["by_head", "shape", "x", "by_head"], tokens=5)
    shapes = {name: value.shape for name, value in values.items()}
    assert shapes == {"by_head": (1, 2, 5, 3), "shape": (4,), "x": (1, 5, 6)}
    assert graph.values([], tokens=5) == {}


def test_pruning_leaves_what_the_output_needs(graph: Graph) -> None:
    graph.prune()
    operators = [node.op_type for node in graph.model.graph.node]
    assert operators == ["Mul", "Div", "MatMul", "Reshape", "Transpose", "Transpose"]
    assert {item.name for item in graph.model.graph.initializer} == {"two", "four", "weights", "shape"}
    assert graph.maker("lost") is None


def test_a_tensor_that_is_replaced_is_pruned_with_what_made_it(graph: Graph) -> None:
    graph.replace("halved", "x")
    graph.prune()
    assert [node.op_type for node in graph.model.graph.node] == ["MatMul", "Reshape", "Transpose", "Transpose"]
    assert [node.op_type for node in graph.users("x")] == ["MatMul"]
    onnx.checker.check_model(graph.model)


def test_an_input_that_is_removed_comes_from_elsewhere(graph: Graph) -> None:
    constant = numpy_helper.from_array(np.ones((1, 2, 6), np.float32))
    graph.prepend(helper.make_node("Constant", [], ["x"], value=constant))
    graph.remove_input("x")
    assert graph.inputs == []
    np.testing.assert_array_equal(graph.values(["halved"], tokens=1)["halved"], np.full((1, 2, 6), 0.5))
