"""The float reference of an image tower: transformers' processor on upright RGB, then the model in torch."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from ..types import Vectors

if TYPE_CHECKING:
    from transformers import BatchFeature

_BATCH = 16


class TorchImages:
    """An image tower in torch, float32, run as transformers runs it."""

    def __init__(self, processor: Callable[..., BatchFeature], tower: torch.nn.Module) -> None:
        """Prepare.

        Args:
            processor: an image processor of transformers, or what can be called like one.
            tower: takes ``pixel_values`` (B, C, H, W) and gives unit vectors (B, dim).
        """
        self._processor = processor
        self._tower = tower

    def pixels(self, image: bytes) -> npt.NDArray[np.float32]:
        """What the model takes of an image file, ``(C, H, W)``."""
        # Said, because an image three pixels high could be taken for one whose channels come first.
        batch = self._processor(upright_rgb(image), return_tensors="np", input_data_format="channels_last")
        return np.asarray(batch["pixel_values"][0], dtype=np.float32)

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1, of image files."""
        rows = []
        for start in range(0, len(images), _BATCH):
            batch = np.stack([self.pixels(image) for image in images[start : start + _BATCH]])
            with torch.inference_mode():
                rows.append(self._tower(torch.from_numpy(batch)).numpy())
        return np.concatenate(rows).astype(np.float32)


def upright_rgb(file: bytes) -> Image.Image:
    """An image file as the bundle format wants it before it is resized; transformers leaves all of this to its user.

    Turned as its EXIF data says; what is transparent shows white; grey of 16 bits is brought to 8.
    """
    with Image.open(io.BytesIO(file)) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):
        values = np.asarray(image, np.float64)
        white = next(white for white in (1, 255, 4095, 65535) if values.max() <= white)
        image = Image.fromarray(np.floor(values * 255 / white + 0.5).astype(np.uint8))
    if image.has_transparency_data:
        values = np.asarray(image.convert("RGBA"), np.float64)
        alpha = values[..., 3:] / 255
        image = Image.fromarray(np.floor(values[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8))
    return image.convert("RGB")
