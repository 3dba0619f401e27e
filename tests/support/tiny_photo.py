"""A tiny random MobileNetV2 and drawn images with captions, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 220), "yellow": (240, 220, 40)}
_SHAPES = ("disc", "bar", "triangle")


def tiny_backbone(folder: Path, *, seed: int = 0) -> None:
    """Write ``tiny.npz`` and ``tiny.txt``, a backbone as ``edgeembed_export.photos.networks.mobilenet`` reads it.

    Five blocks, one of them residual, strides of 2 at the first and the third, 16 features, 12 classes named after
    the images of :func:`tiny_photos`.
    """
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    ops: list[dict[str, Any]] = [{"op": "QUANTIZE", "in": [0], "out": [1]}]

    def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1, relu6: bool = True) -> None:
        number, depthwise = len(ops), inputs == 1
        fan = inputs * kernel * kernel
        arrays[f"{number}.w"] = rng.normal(0, (2 / fan) ** 0.5, (outputs, inputs, kernel, kernel)).astype(np.float32)
        arrays[f"{number}.b"] = rng.normal(0, 0.1, outputs).astype(np.float32)
        name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        ops.append({"op": name, "in": [], "out": [], "stride": stride, "pad": 0, "act": 3 if relu6 else 0})

    convolution(3, 8, 3, stride=2)
    convolution(1, 8, 3)
    convolution(8, 8, 1, relu6=False)
    for stride, outputs in ((1, 8), (2, 12), (1, 12)):
        inputs = 8 if (stride == 1 and outputs == 8) or stride == 2 else 12
        convolution(inputs, 24, 1)
        convolution(1, 24, 3, stride=stride)
        convolution(24, outputs, 1, relu6=False)
        if stride == 1:
            ops.append({"op": "ADD", "in": [], "out": []})
    convolution(12, 16, 1)
    ops.append({"op": "MEAN", "in": [], "out": []})
    names = [f"{colour} {shape}" for colour in _COLOURS for shape in _SHAPES]
    convolution(16, len(names) + 1, 1, relu6=False)
    meta = json.dumps({"in_q": [2 / 255, 127.0], "ops": ops}).encode()
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "tiny.npz", meta=np.frombuffer(meta, np.uint8), **arrays)
    (folder / "tiny.txt").write_text("\n".join(["background", *(f"{name}, thing" for name in names)]) + "\n")


def tiny_photos(folder: Path, *, count: int = 48, seed: int = 0) -> None:
    """Write ``tiny_captions.jsonl`` and images of one shape each; a fourth of them are of the split ``dev``."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        colour = list(_COLOURS)[number % len(_COLOURS)]
        shape = _SHAPES[number // len(_COLOURS) % len(_SHAPES)]
        width, height = (int(side) for side in rng.integers(32, 64, 2))
        image = Image.new("RGB", (width, height), tuple(int(value) for value in rng.integers(90, 160, 3)))
        draw, box = ImageDraw.Draw(image), (width // 5, height // 5, width - width // 5, height - height // 5)
        if shape == "disc":
            draw.ellipse(box, fill=_COLOURS[colour])
        elif shape == "bar":
            draw.rectangle((box[0], height // 3, box[2], height // 2), fill=_COLOURS[colour])
        else:
            draw.polygon([(box[0], box[3]), (width // 2, box[1]), (box[2], box[3])], fill=_COLOURS[colour])
        image.save(folder / f"{number}.png")
        captions = [f"a {colour} {shape}", f"a picture of a {shape} that is {colour}"]
        split = "dev" if number % 4 == 3 and number // 4 % 2 else "train"
        rows.append({"image": f"{number}.png", "split": split, "captions": captions})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tiny_captions.jsonl").write_text(lines, encoding="utf-8")
