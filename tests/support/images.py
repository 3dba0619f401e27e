"""Pictures drawn for tests, and image sections that read them."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from edgeembed.bundle.manifest import ImageSection

CLIP = ImageSection(
    graph="image.onnx",
    height=32,
    width=32,
    resize="shortest-edge",
    resize_to=32,
    crop="center",
    filter="bicubic",
    mean=(0.48, 0.46, 0.41),
    std=(0.27, 0.26, 0.28),
)
PLAIN = dataclasses.replace(CLIP, scale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), resize="none", resize_to=None)
"""Bytes as they are, the middle 32 x 32 of them."""


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def drawing(width: int = 60, height: int = 40) -> Image.Image:
    """Something with an up and a left: a gradient, a box and a word."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    image = Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((2, 3, width // 3, height // 4), fill="red")
    pen.text((width // 3, height // 2), "edge", fill="white")
    return image


def saved(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def in_bytes(pixels: np.ndarray) -> np.ndarray:
    """``(C, H, W)`` of a section like ``PLAIN`` as ``(H, W, C)`` bytes."""
    return pixels.transpose(1, 2, 0).astype(np.uint8)


UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""Orientation to the transposition (by Pillow's number) with which a picture is stored that is to be seen upright."""
