"""What photo towers are made with: the losses, and weights that are stored as int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from edgeembed_export.photo_losses import Contrast, Said, caption_loss, naming_loss, said
from edgeembed_export.stored_weights import rounded, store_weights
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def lesson() -> Said:
    """Five photos in a space of six dimensions, each with one or two captions along an axis of its own."""
    owners = np.array([0, 0, 1, 2, 3, 3, 4])
    return said(np.eye(6, dtype=np.float32)[owners], owners)


def loss(vectors: torch.Tensor, lesson: Said, *, soft: float = 0.0, known: bool = False) -> float:
    bank = torch.eye(6)[:5]
    rows, there = torch.tensor([1, 3]), torch.full((5,), known)
    return float(caption_loss(vectors, rows, lesson, bank, there, Contrast(soft=soft), np.random.default_rng(0)))


def test_captions_are_found_by_photo(lesson: Said) -> None:
    assert lesson.first.tolist() == [0, 2, 3, 4, 6]
    assert lesson.counts.tolist() == [2, 1, 1, 2, 1]
    assert torch.equal(lesson.means, torch.eye(6)[:5])
    assert torch.equal(lesson.drawn(np.random.default_rng(3)), torch.eye(6)[:5])


def test_the_right_captions_make_the_loss_small(lesson: Said) -> None:
    right, wrong = torch.eye(6)[[1, 3]], torch.eye(6)[[3, 1]]
    assert loss(right, lesson) < 0.01 < 10 < loss(wrong, lesson)
    assert loss(right, lesson, soft=0.5) < loss(wrong, lesson, soft=0.5)


def test_other_photos_count_once_they_were_seen(lesson: Said) -> None:
    between = torch.nn.functional.normalize(torch.eye(6)[[1, 3]] + 2 * torch.eye(6)[[0, 0]], dim=1)
    assert loss(between, lesson, known=True) > loss(between, lesson)


def test_likeness_of_captions_is_aimed_at() -> None:
    """Of a photo whose caption is near another's, a vector between the two is better the more likeness counts."""
    captions = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1, 0], [1.0, -0.1, 0], [0, 0, 1.0]]), dim=1)
    lesson = said(captions.numpy(), np.arange(3))
    nothing = torch.zeros(3, dtype=torch.bool)

    def gain(soft: float) -> float:
        how, rows = Contrast(soft=soft), torch.tensor([0, 2])
        between, own = captions[[0, 2]].clone(), captions[[0, 2]].clone()
        between[0] = torch.tensor([1.0, 0, 0])
        first, second = (
            caption_loss(vectors, rows, lesson, torch.zeros(3, 3), nothing, how, np.random.default_rng(0))
            for vectors in (own, between)
        )
        return float(first - second)

    assert gain(1.0) > gain(0.0)


def test_names_are_as_probable_as_the_backbone_says() -> None:
    names = torch.eye(4)
    probabilities = torch.tensor([[0.7, 0.1, 0.1, 0.1]])
    same = torch.log(probabilities) * 0.05
    assert float(naming_loss(same, probabilities, names, temperature=0.05)) == pytest.approx(0, abs=1e-6)
    assert float(naming_loss(same.flip(1), probabilities, names, temperature=0.05)) > 0.5


@pytest.mark.parametrize("axis", [0, 1])
def test_each_channel_has_steps_of_its_own(axis: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8, 9)).astype(np.float32) * np.logspace(-3, 3, 9 if axis else 8).astype(
        np.float32
    ).reshape((1, -1) if axis else (-1, 1))
    steps, scale = rounded(values, axis)
    assert steps.dtype == np.int8
    assert scale.shape == ((1, 9) if axis else (8, 1))
    error = np.abs(steps * scale - values) / np.abs(values).max(axis=1 - axis, keepdims=True)
    assert error.max() < 0.05
    assert np.sqrt(np.mean(error**2)) < 0.004
    nothing, one = rounded(np.zeros((2, 3), np.float32), 0)
    assert not nothing.any()
    assert np.isfinite(one).all()


def test_a_stored_graph_computes_what_the_float_graph_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = {
        "conv": rng.normal(size=(16, 3, 3, 3)).astype(np.float32),
        "turned": rng.normal(size=(20, 16)).astype(np.float32),
        "plain": rng.normal(size=(20, 12)).astype(np.float32),
        "small": rng.normal(size=(12, 2)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "turned"], ["d"], transB=1),
        helper.make_node("MatMul", ["d", "plain"], ["e"]),
        helper.make_node("MatMul", ["e", "small"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "float.onnx")
    store_weights(tmp_path / "float.onnx", tmp_path / "int8.onnx")
    stored = {item.name: item.data_type for item in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    assert {name for name, kind in stored.items() if kind == TensorProto.INT8} == {
        "conv_int8",
        "turned_int8",
        "plain_int8",
    }
    assert stored["small"] == TensorProto.FLOAT
    pixels = {"x": rng.normal(size=(1, 3, 8, 8)).astype(np.float32)}
    whole, small = (
        onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"]).run(None, pixels)[0]
        for name in ("float.onnx", "int8.onnx")
    )
    assert np.abs(whole - small).max() < 0.03 * np.abs(whole).max()
