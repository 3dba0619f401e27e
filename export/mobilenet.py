"""MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381) in torch, from plain arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .errors import ExportError

_RELU6 = 3
"""TensorFlow Lite's number for it."""

Arrays = Mapping[str, npt.NDArray[Any]]


class Convolution(torch.nn.Module):
    """A convolution padded as TensorFlow pads with ``SAME``: where the margin is odd, more at the right and below."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, *, stride: int, depthwise: bool, relu6: bool) -> None:
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
        self.stride, self.groups, self.relu6 = stride, weight.shape[0] if depthwise else 1, relu6

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in, (B, D, ceil(H / stride), ceil(W / stride)) out."""
        kernel = self.weight.shape[-1]
        margins = [_margins(int(side), kernel, self.stride) for side in value.shape[:-3:-1]]  # of the width first
        even = all(before == after for before, after in margins)
        if not even:
            value = torch.nn.functional.pad(value, [*margins[0], *margins[1]])
        found = torch.nn.functional.conv2d(
            value,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=(margins[1][0], margins[0][0]) if even else 0,
            groups=self.groups,
        )
        return torch.nn.functional.relu6(found) if self.relu6 else found


def _margins(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


class Block(torch.nn.Module):
    """Convolutions one after another; where they keep the shape, what goes in may be added to what comes out."""

    def __init__(self, layers: Sequence[Convolution], *, residual: bool) -> None:
        super().__init__()
        self.layers, self.residual = torch.nn.Sequential(*layers), residual

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in and out."""
        found: torch.Tensor = self.layers(value)
        return value + found if self.residual else found


@dataclass(frozen=True)
class Backbone:
    """A network trained to name what is in a picture."""

    blocks: torch.nn.Sequential
    """:class:`Block`; pixels (B, 3, H, W) to features (B, C, H / 32, W / 32), whose mean goes to the classifier."""
    classifier: torch.nn.Linear
    """Mean features to one number for each class."""
    names: tuple[str, ...]
    """Of the classes; each may have synonyms, separated by commas."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Pixels are (byte / 255 - mean) / std, one number for each channel."""
    sha256: str
    """Of the file that it was read from."""

    @property
    def features(self) -> int:
        """C, the number of features."""
        return self.classifier.in_features


def load_backbone(arrays: Path, names: Path) -> Backbone:
    """Read a MobileNetV2.

    Args:
        arrays: an ``.npz`` of the operators' weights ``<op>.w`` and ``<op>.b``, and of ``meta``, JSON in bytes: ``ops``
            in order (``op``, ``in``, ``out``, ``stride``, ``pad``, ``act``) and ``in_q``, scale and zero point of the
            bytes that are put in.
        names: a line for each class, in order; a first one, ``background``, is left out, and so is that class.

    Raises:
        ExportError: it is no MobileNetV2, or the names are not as many as its classes.
    """
    with np.load(arrays, allow_pickle=False) as file:
        found = {key: file[key] for key in file.files}
    meta = json.loads(found.pop("meta").tobytes())
    blocks, last = _blocks(arrays, meta["ops"], found)
    lines = names.read_text(encoding="utf-8").splitlines()
    weight, bias = found[f"{last}.w"].reshape(len(found[f"{last}.b"]), -1), found[f"{last}.b"]
    if lines[:1] == ["background"]:
        lines, weight, bias = lines[1:], weight[1:], bias[1:]
    if len(lines) != len(weight):
        raise ExportError(f"{names}: has {len(lines)} names, the classifier of {arrays.name} {len(weight)} classes")
    classifier = torch.nn.Linear(weight.shape[1], weight.shape[0])
    classifier.load_state_dict({"weight": torch.from_numpy(weight.copy()), "bias": torch.from_numpy(bias.copy())})
    scale, zero = meta["in_q"]
    return Backbone(
        blocks=torch.nn.Sequential(*blocks),
        classifier=classifier,
        names=tuple(lines),
        mean=(zero / 255,) * 3,
        std=(float(np.float32(1 / (255 * scale))),) * 3,
        sha256=hashlib.sha256(arrays.read_bytes()).hexdigest(),
    )


def _blocks(path: Path, ops: Sequence[Mapping[str, Any]], arrays: Arrays) -> tuple[list[Block], int]:
    """The blocks before the mean, and the number of the operator that is the classifier.

    A block ends at a convolution without ReLU6, and with the sum that may follow it.
    """
    blocks: list[Block] = []
    layers: list[Convolution] = []
    for number, item in enumerate(ops):
        name, relu6 = item["op"], item.get("act") == _RELU6
        if name == "MEAN":
            blocks += [Block(layers, residual=False)] if layers else []
            classifier = next((i for i in range(number, len(ops)) if f"{i}.w" in arrays), None)
            if classifier is None or not blocks:
                break
            return blocks, classifier
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            if item["pad"] != 0:
                raise ExportError(f"{path}: operator {number} is not padded as SAME")
            weight, bias = (torch.from_numpy(arrays[f"{number}.{part}"].copy()) for part in ("w", "b"))
            depthwise = name != "CONV_2D"
            layers.append(Convolution(weight, bias, stride=item["stride"], depthwise=depthwise, relu6=relu6))
            if not relu6:
                blocks.append(Block(layers, residual=False))
                layers = []
        elif name == "ADD":
            blocks[-1].residual = True
        elif name != "QUANTIZE":
            raise ExportError(f"{path}: operator {number} is {name}, which no MobileNetV2 has")
    raise ExportError(f"{path}: holds no mean over places followed by a classifier, as a MobileNetV2 does")
