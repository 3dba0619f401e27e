"""MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381) in torch, from plain arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...errors import ExportError
from .backbone import Backbone, Block, Convolution, named_classifier

_RELU6 = 3
"""TensorFlow Lite's code of this activation."""
Arrays = Mapping[str, npt.NDArray[Any]]


def load_mobilenet(arrays: Path, names: Path) -> Backbone:
    """Read a MobileNetV2.

    Args:
        arrays: an ``.npz`` of the operators' weights ``<op>.w`` and ``<op>.b``, and of ``meta``, JSON in bytes: ``ops``
            in order (``op``, ``in``, ``out``, ``stride``, ``pad``, ``act``) and ``in_q``, scale and zero point of the
            bytes that are put in.
        names: as :func:`.named_classifier` reads it; the class of a first line ``background`` is left out too.

    Raises:
        ExportError: it is no MobileNetV2, or the names are not as many as its classes.
    """
    with np.load(arrays, allow_pickle=False) as file:
        tensors = {key: file[key] for key in file.files}
    meta = json.loads(tensors.pop("meta").tobytes())
    blocks, last = _blocks(arrays, meta["ops"], tensors)
    weight, bias = (torch.from_numpy(tensors[f"{last}.{part}"]) for part in ("w", "b"))
    lines, classifier = named_classifier(names, weight.reshape(len(bias), -1), bias)
    scale, zero = meta["in_q"]
    return Backbone(
        blocks=torch.nn.Sequential(*blocks),
        classifier=classifier,
        names=lines,
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
