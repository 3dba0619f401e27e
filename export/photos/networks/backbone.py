"""Image classifiers as all backbones are held here: blocks of convolutions, and a linear classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ...errors import ExportError


class Convolution(torch.nn.Module):
    """A convolution with TensorFlow's ``SAME`` padding: where the margin is odd, more at the right and below."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, *, stride: int, depthwise: bool, relu6: bool) -> None:
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
        self.stride, self.groups, self.relu6 = stride, weight.shape[0] if depthwise else 1, relu6

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in, (B, D, ceil(H / stride), ceil(W / stride)) out."""
        margins = self._margins(value)
        even = all(before == after for before, after in margins)
        if not even:
            value = self.padded(value)
        result = torch.nn.functional.conv2d(
            value,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=(margins[1][0], margins[0][0]) if even else 0,
            groups=self.groups,
        )
        return torch.nn.functional.relu6(result) if self.relu6 else result

    def padded(self, value: torch.Tensor) -> torch.Tensor:
        """The input with zeros at its margins."""
        width, height = self._margins(value)
        return torch.nn.functional.pad(value, [*width, *height])

    def _margins(self, value: torch.Tensor) -> list[tuple[int, int]]:
        """Margins of the width, and of the height."""
        return [_margin(int(side), self.weight.shape[-1], self.stride) for side in value.shape[:-3:-1]]


def _margin(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one side."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


class Block(torch.nn.Module):
    """Convolutions one after another; where they keep the shape, perhaps with a residual connection."""

    def __init__(self, layers: Sequence[Convolution], *, residual: bool) -> None:
        super().__init__()
        self.layers, self.residual = torch.nn.Sequential(*layers), residual

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in and out."""
        result: torch.Tensor = self.layers(value)
        return value + result if self.residual else result


@dataclass(frozen=True)
class Backbone:
    """A trained image classifier."""

    blocks: torch.nn.Sequential
    """:class:`Block`; pixels (B, 3, H, W) to features (B, C, H / 32, W / 32), whose mean goes to the classifier."""
    classifier: torch.nn.Linear
    """Mean features to a logit for each class."""
    names: tuple[str, ...]
    """Names of the classes; each may have synonyms, separated by commas."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Pixels are (byte / 255 - mean) / std, one number for each channel."""
    sha256: str
    """SHA-256 of the file that it was read from."""

    @property
    def features(self) -> int:
        """C, the number of features."""
        return self.classifier.in_features


def named_classifier(path: Path, weight: torch.Tensor, bias: torch.Tensor) -> tuple[tuple[str, ...], torch.nn.Linear]:
    """The names of classes, and the classifier of those that have one.

    Args:
        path: a line for each class, in order; a first one, ``background``, is left out, and so is that class.
        weight: (classes, features), the background counted or not.
        bias: (classes,).

    Raises:
        ExportError: the names are not as many.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    names = lines[1:] if lines[:1] == ["background"] else lines
    if len(weight) not in (len(names), len(lines)):
        raise ExportError(f"{path}: has {len(names)} names, the classifier {len(weight)} classes")
    classifier = torch.nn.Linear(weight.shape[1], len(names))
    classifier.load_state_dict({"weight": weight[-len(names) :], "bias": bias[-len(names) :]})  # copied
    return tuple(names), classifier
