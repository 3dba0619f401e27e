"""What photo towers are made with: the losses, and weights that are stored as int8."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from edgeembed_export.photos.losses import Captions, Contrast, caption_loss, mixup_loss, naming_loss
from edgeembed_export.photos.networks.backbone import Block, Convolution
from edgeembed_export.photos.networks.channel_equalization import equalize
from edgeembed_export.photos.networks.gptq_rounding import gptq_round, gptq_round_network
from edgeembed_export.quantization.static_int8 import quantize_static_int8
from edgeembed_export.quantization.weight_only import rounded, store_weights
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def captions() -> Captions:
    """Five photos in a space of six dimensions, each with one or two captions along an axis of its own."""
    owners = np.array([0, 0, 1, 2, 3, 3, 4])
    return Captions.of(np.eye(6, dtype=np.float32)[owners], owners)


def loss(vectors: torch.Tensor, captions: Captions, *, soft: float = 0.0, known: bool = False) -> float:
    bank = torch.eye(6)[:5]
    rows, there = torch.tensor([1, 3]), torch.full((5,), known)
    return float(caption_loss(vectors, rows, captions, bank, there, Contrast(soft=soft), np.random.default_rng(0)))


def test_captions_are_found_by_photo(captions: Captions) -> None:
    assert captions.first.tolist() == [0, 2, 3, 4, 6]
    assert captions.counts.tolist() == [2, 1, 1, 2, 1]
    assert torch.equal(captions.means, torch.eye(6)[:5])
    assert torch.equal(captions.sample(np.random.default_rng(3)), torch.eye(6)[:5])


def test_the_right_captions_make_the_loss_small(captions: Captions) -> None:
    right, wrong = torch.eye(6)[[1, 3]], torch.eye(6)[[3, 1]]
    assert loss(right, captions) < 0.01 < 10 < loss(wrong, captions)
    assert loss(right, captions, soft=0.5) < loss(wrong, captions, soft=0.5)


def test_other_photos_count_once_they_were_seen(captions: Captions) -> None:
    between = torch.nn.functional.normalize(torch.eye(6)[[1, 3]] + 2 * torch.eye(6)[[0, 0]], dim=1)
    assert loss(between, captions, known=True) > loss(between, captions)


def test_a_mixture_is_drawn_to_the_captions_of_both_by_their_shares(captions: Captions) -> None:
    first, second = torch.tensor([1, 3]), torch.tensor([2, 4])

    def found(vectors: torch.Tensor, share: float) -> float:
        parts = [(first, torch.full((2,), share)), (second, torch.full((2,), 1 - share))]
        return float(mixup_loss(vectors, parts, captions, Contrast(soft=0.0), np.random.default_rng(0)))

    one, other = torch.eye(6)[first], torch.eye(6)[second]
    between = torch.nn.functional.normalize(one + other, dim=1)
    assert found(between, 0.5) < min(found(one, 0.5), found(other, 0.5))
    assert found(one, 1.0) < 0.01 < 10 < found(other, 1.0)
    assert found(one, 0.9) < found(other, 0.9)


def test_likeness_of_captions_is_aimed_at() -> None:
    """Of a photo whose caption is near another's, a vector between the two is better the more likeness counts."""
    texts = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1, 0], [1.0, -0.1, 0], [0, 0, 1.0]]), dim=1)
    captions = Captions.of(texts.numpy(), np.arange(3))
    nothing = torch.zeros(3, dtype=torch.bool)

    def gain(soft: float) -> float:
        how, rows = Contrast(soft=soft), torch.tensor([0, 2])
        between, own = texts[[0, 2]].clone(), texts[[0, 2]].clone()
        between[0] = torch.tensor([1.0, 0, 0])
        first, second = (
            caption_loss(vectors, rows, captions, torch.zeros(3, 3), nothing, how, np.random.default_rng(0))
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
@pytest.mark.parametrize(("most", "allowed"), [(127, 0.004), (7, 0.06)])
def test_each_channel_has_steps_of_its_own(axis: int, most: int, allowed: float) -> None:
    sizes = np.logspace(-3, 3, 9 if axis else 8).reshape((1, -1) if axis else (-1, 1))
    values = (np.random.default_rng(0).normal(size=(8, 9)) * sizes).astype(np.float32)
    steps, scale = rounded(values, axis, most=most)
    assert np.array_equal(steps, np.round(steps))
    assert np.abs(steps).max() <= most
    assert scale.shape == sizes.shape
    error = (steps * scale - values) / np.abs(values).max(axis=1 - axis, keepdims=True)
    assert np.sqrt(np.mean(error**2)) < allowed
    nothing, one = rounded(np.zeros((2, 3), np.float32), 0, most=most)
    assert not nothing.any()
    assert np.isfinite(one).all()


@pytest.mark.parametrize("four_bit_side", [None, 20])
def test_a_stored_graph_computes_what_the_float_graph_does(tmp_path: Path, four_bit_side: int | None) -> None:
    rng = np.random.default_rng(0)
    shapes = {"conv": (16, 3, 3, 3), "turned": (20, 16), "plain": (20, 12), "small": (12, 2)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
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
    store_weights(tmp_path / "float.onnx", tmp_path / "small.onnx", four_bit_side=four_bit_side)
    stored = {item.name for item in onnx.load(tmp_path / "small.onnx").graph.initializer if item.data_type in (2, 3)}
    eight, four = {"conv_int8"}, {"turned", "plain"}
    if four_bit_side is None:
        assert stored == eight | {f"{name}_int8" for name in four}
    else:
        assert stored == eight | {f"{name}_packed" for name in four}
    pixels = {"x": rng.normal(size=(1, 3, 8, 8)).astype(np.float32)}
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "opened.onnx")
    options.log_severity_level = 4
    run = [
        onnxruntime.InferenceSession(str(tmp_path / name), options, providers=["CPUExecutionProvider"]).run(
            None, pixels
        )
        for name in ("float.onnx", "small.onnx")
    ]
    allowed = 0.03 if four_bit_side is None else 0.3
    assert np.abs(run[0][0] - run[1][0]).max() < allowed * np.abs(run[0][0]).max()
    # All that unpacks has been folded when the graph was opened, but for what products take packed.
    opened = [node.op_type for node in onnx.load(tmp_path / "opened.onnx").graph.node]
    assert not {"Cast", "Mul"} & set(opened)
    assert opened.count("MatMulNBits") == (0 if four_bit_side is None else len(four))


def test_convolutions_are_computed_in_int8_and_pad_by_themselves(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"first": (8, 3, 3, 3), "second": (8, 8, 1, 1), "head": (8, 4)}
    weights = {name: rng.normal(size=shape).astype(np.float32) / 3 for name, shape in shapes.items()}
    weights |= {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}
    margins = np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64)
    nodes = [
        helper.make_node("Pad", ["x", "margins"], ["padded"], name="pad"),
        helper.make_node("Conv", ["padded", "first"], ["a"], name="first", strides=[2, 2]),
        helper.make_node("Clip", ["a", "zero", "six"], ["b"], name="clip"),
        helper.make_node("Conv", ["b", "second"], ["c"], name="second"),
        helper.make_node("Add", ["b", "c"], ["sum"], name="add"),
        helper.make_node("GlobalAveragePool", ["sum"], ["mean"], name="mean"),
        helper.make_node("Flatten", ["mean"], ["flat"], name="flat"),
        helper.make_node("MatMul", ["flat", "head"], ["y"], name="product"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [
            numpy_helper.from_array(margins, "margins"),
            *(numpy_helper.from_array(values, name) for name, values in weights.items()),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "float.onnx"
    )
    inputs = [{"x": rng.normal(size=(1, 3, 16, 16)).astype(np.float32)} for _ in range(16)]
    quantize_static_int8(tmp_path / "float.onnx", tmp_path / "int8.onnx", inputs)
    model = onnx.load(tmp_path / "int8.onnx")
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("QLinearConv") == 2
    assert not {"Clip", "Conv"} & set(operators)
    tensors = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    (pad,) = (node for node in model.graph.node if node.op_type == "Pad")
    assert tensors[pad.input[1]].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]  # a channel that fills the four, no margin
    assert not any(tensors[node.input[3]][:, 3:].any() for node in model.graph.node if pad.output[0] in node.input)
    assert len({(values.dtype, values.shape, values.tobytes()) for values in tensors.values()}) == len(tensors)
    assert all(len(name) < 5 for node in model.graph.node for name in (*node.input, *node.output))
    wanted, found = (
        np.concatenate([_run(tmp_path / name, feed) for feed in inputs]) for name in ("float.onnx", "int8.onnx")
    )
    assert np.abs(wanted - found).max() < 0.05 * np.abs(wanted).max()


def _run(graph: Path, feed: dict[str, np.ndarray]) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"]).run(None, feed)[0]


def test_rounding_is_made_good_by_what_is_rounded_later() -> None:
    """Inputs that vary together, as features do: the products stay nearer than with each weight at its nearest step."""
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(2000, 8)) @ rng.normal(size=(8, 32)) + 3).astype(np.float32)
    weight = rng.normal(size=(16, 32)).astype(np.float32)
    steps, scales = rounded(weight, 0, most=127)
    products = rows.astype(np.float64).T @ rows.astype(np.float64)
    found = gptq_round(*map(torch.from_numpy, (weight, scales[:, 0], products)), most=127).numpy()
    assert np.abs(found / scales - np.round(found / scales)).max() < 1e-4
    plain, made_good = (np.square(rows @ (weight - other).T).mean() for other in (steps * scales, found))
    assert made_good < plain / 10


def test_neighbours_in_an_image_are_made_good_for_too() -> None:
    """In plain parts of an image a depthwise kernel sees nine times the same: its sum must stay what it was."""
    torch.manual_seed(0)
    layer = Convolution(torch.randn(32, 1, 3, 3), torch.zeros(32), stride=2, depthwise=True, relu6=False)
    smooth = torch.nn.functional.interpolate(torch.randn(40, 32, 3, 3), size=32, mode="bilinear", align_corners=True)
    steps, scales = rounded(layer.weight.detach().numpy(), 0, most=63)
    plain, made_good = copy.deepcopy(layer), copy.deepcopy(layer)
    with torch.no_grad():
        plain.weight.copy_(torch.from_numpy(steps * scales))
    gptq_round_network(torch.nn.Sequential(Block([made_good], residual=False)), smooth, most=63)
    found = made_good.weight.detach().numpy() / scales
    assert np.abs(found - np.round(found)).max() < 1e-4
    with torch.inference_mode():
        wrong, less_so = ((layer(smooth) - other(smooth)).square().mean() for other in (plain, made_good))
    assert less_so < wrong / 3, float(less_so / wrong)


def test_equalized_blocks_give_the_same_and_their_channels_reach_equally_far() -> None:
    torch.manual_seed(0)

    def layer(inputs: int, outputs: int, *, relu6: bool, spread: float = 0) -> Convolution:
        weight = torch.randn(outputs, inputs, 1, 1) / inputs**0.5 * torch.exp(spread * torch.randn(outputs, 1, 1, 1))
        return Convolution(weight, torch.randn(outputs), stride=1, depthwise=False, relu6=relu6)

    def block(inputs: int, *, residual: bool) -> Block:
        layers = [layer(inputs, 24, relu6=True), layer(24, 8, relu6=False, spread=1)]
        return Block(layers, residual=residual)

    exact = torch.nn.Sequential(
        Block([layer(3, 3, relu6=False)], residual=True),  # adds to what goes in: it stays as it is
        Block([layer(3, 6, relu6=True)], residual=False),  # bounded: it stays as it is
        block(6, residual=False),
        block(8, residual=True),
        block(8, residual=True),
        Block([layer(8, 16, relu6=True)], residual=False),
    )
    blocks, maps = copy.deepcopy(exact), torch.randn(64, 3, 5, 5)
    equalize(blocks, maps)
    with torch.inference_mode():
        assert torch.allclose(blocks(maps), exact(maps), atol=1e-4)
        reach = [
            torch.stack([found[:count](maps) for count in (3, 4, 5)]).abs().amax((0, 1, 3, 4))
            for found in (exact, blocks)
        ]
    assert reach[0].max() > 3 * reach[0].min()
    assert reach[1].max() < 1.5 * reach[1].min()
    for number in (0, 1):
        assert torch.equal(blocks[number].layers[0].weight, exact[number].layers[0].weight)


def test_rounded_blocks_give_nearly_the_same_and_are_stored_as_they_are() -> None:
    torch.manual_seed(0)

    def layer(inputs: int, outputs: int, *, kernel: int = 1, relu6: bool = True) -> Convolution:
        depthwise = kernel > 1
        weight = torch.randn(outputs, 1 if depthwise else inputs, kernel, kernel) / (1 if depthwise else inputs**0.5)
        return Convolution(weight, torch.randn(outputs) / 3, stride=1, depthwise=depthwise, relu6=relu6)

    layers = [layer(12, 48), layer(48, 48, kernel=3), layer(48, 12, relu6=False)]
    exact = torch.nn.Sequential(Block(layers, residual=True), Block([layer(12, 40)], residual=False))
    blocks = copy.deepcopy(exact)
    maps = torch.randn(64, 12, 5, 5) + 1
    gptq_round_network(blocks, maps, most=127)
    with torch.inference_mode():
        wanted, found = exact(maps), blocks(maps)
    assert torch.allclose(found.mean((0, 2, 3)), wanted.mean((0, 2, 3)), atol=5e-3)
    assert float((found - wanted).square().mean() / wanted.var()) < 1e-3
    for module in blocks.modules():
        if isinstance(module, Convolution):
            weight = module.weight.detach().numpy()
            assert not np.array_equal(weight, np.round(weight))
            steps, scales = rounded(weight, 0, most=127)
            np.testing.assert_allclose(steps * scales, weight, rtol=0, atol=1e-6 * np.abs(weight).max())
