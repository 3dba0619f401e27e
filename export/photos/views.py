"""Data augmentation: each photo in several views, and the cache of the frozen trunk's feature maps of them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageEnhance

from ..references.image import upright_rgb

Maps = npt.NDArray[np.float16]
"""Feature maps of the trunk for N images, channels last: (N, H, W, C)."""
FILTER, SHRINK_FILTER = "bicubic", "hamming"
"""Resampling filters, as :class:`edgeembed.bundle.manifest.ImageSection` has them."""
_BATCH = 16
_MIN_AREA = 0.45
"""Random resized crop: least share of a photo's area."""
_ASPECT_JITTER = 1.5
"""Aspect ratio jitter: a crop is at most so many times wider or higher than the photo's own shape. Photos are squeezed
to a square, and a network that has seen one thing squeezed by many factors knows it in any photo."""
_COLOUR_JITTER = 0.3
"""Colour jitter: brightness, contrast and saturation change at most by this share."""


def filter_name(size: tuple[float, float], side: int) -> str:
    """Resampling filter from a width and height to a square: Hamming to downscale, bicubic otherwise.

    A Hamming window looks half as far as the bicubic filter. That costs nothing where pixels become fewer; enlarged
    photos it blurs, and they are found less often. The rule stands here once more: the runtime's is proved by it.
    """
    return SHRINK_FILTER if min(size) >= side else FILTER


def stretched(photo: bytes, side: int) -> Image.Image:
    """The whole photo upright as a square of ``side`` pixels."""
    image = upright_rgb(photo)
    return _square(image, side, (0, 0, *image.size))


def view(photo: bytes, side: int, rng: np.random.Generator) -> Image.Image:
    """Random augmentation: resized crop with aspect ratio jitter, horizontal flip, colour jitter, rarely greyscale.

    Mirrored, a photo still fits to its captions: those of Flickr8k name left and right once in some 300.
    """
    image = upright_rgb(photo)
    width, height = image.size
    area = rng.uniform(_MIN_AREA, 1)
    squeeze = math.exp(rng.uniform(-math.log(_ASPECT_JITTER), math.log(_ASPECT_JITTER)))
    part = min(1.0, math.sqrt(area * squeeze)), min(1.0, math.sqrt(area / squeeze))  # of width and height
    left, top = rng.uniform(0, 1 - part[0]) * width, rng.uniform(0, 1 - part[1]) * height
    box = (left, top, left + part[0] * width, top + part[1] * height)
    image = _square(image, side, box)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(float(rng.uniform(1 - _COLOUR_JITTER, 1 + _COLOUR_JITTER)))
    if rng.random() < 0.05:
        image = image.convert("L").convert("RGB")
    return image


def _square(image: Image.Image, side: int, box: tuple[float, float, float, float]) -> Image.Image:
    size = box[2] - box[0], box[3] - box[1]
    return image.resize((side, side), Image.Resampling[filter_name(size, side).upper()], box=box)


def numbered_view(photo: bytes, side: int, number: int, seed: int, row: int) -> Image.Image:
    """View ``number`` of photo ``row``: the whole photo if it is 0, else an augmentation seeded by all the numbers."""
    return stretched(photo, side) if number == 0 else view(photo, side, np.random.default_rng([seed, number, row]))


def view_file(photo: bytes, side: int, number: int, seed: int, row: int) -> bytes:
    """:func:`numbered_view` as the contents of a PNG file, for a teacher that takes files."""
    buffer = io.BytesIO()
    numbered_view(photo, side, number, seed, row).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class FeatureCache:
    """Disk cache of the frozen trunk's feature maps of photos, for each view."""

    def __init__(
        self,
        trunk: torch.nn.Module,
        folder: Path,
        *,
        side: int,
        mean: Sequence[float],
        std: Sequence[float],
        key: str,
        bfloat16: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Prepare.

        Args:
            trunk: pixels (B, 3, ``side``, ``side``) to maps (B, C, H, W).
            folder: of the cache; made where it is missing.
            side: of a view, in pixels.
            mean, std: pixels are (byte / 255 - mean) / std.
            key: equal keys, equal weights of ``trunk``.
            bfloat16: compute in bfloat16 where torch's autocast thinks it safe.
            say: told what is computed.
        """
        self._trunk = trunk.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._folder, self._side, self._bfloat16, self._say = folder, side, bfloat16, say
        self._mean, self._std = np.array(mean, np.float32), np.array(std, np.float32)
        self._key = f"{key} {side} {bfloat16} {_MIN_AREA} {_ASPECT_JITTER} {_COLOUR_JITTER} {FILTER} {SHRINK_FILTER}"

    def maps(self, photos: Sequence[bytes], *, number: int = 0, seed: int = 0) -> Maps:
        """Maps of one view of every photo, memory-mapped: (N, H, W, C).

        Args:
            photos: contents of image files.
            number: 0: the whole photo, as it is; others: :func:`view`, each number another.
            seed: of the views.
        """
        content = hashlib.sha256(f"{self._key} {number} {seed if number else 0} {len(photos)}".encode())
        for photo in photos:
            content.update(hashlib.sha256(photo).digest())
        path = self._folder / f"{content.hexdigest()[:24]}.npy"
        if not path.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(path, photos, number, seed)
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))

    def _write(self, path: Path, photos: Sequence[bytes], number: int, seed: int) -> None:
        partial = path.with_suffix(".part")
        out: np.memmap[Any, np.dtype[np.float16]] | None = None

        def pixels(i: int) -> npt.NDArray[np.float32]:
            image = numbered_view(photos[i], self._side, number, seed, i)
            values = (np.asarray(image, np.float32) / 255 - self._mean) / self._std
            return np.asarray(values, dtype=np.float32)  # (H, W, 3)

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for start in range(0, len(photos), _BATCH):
                rows = range(start, min(start + _BATCH, len(photos)))
                maps = self._run(np.stack(list(pool.map(pixels, rows))))
                if out is None:
                    out = np.lib.format.open_memmap(
                        partial, mode="w+", dtype=np.float16, shape=(len(photos), *maps.shape[1:])
                    )
                out[rows.start : rows.stop] = maps
                if start // _BATCH % 50 == 49:
                    self._say(f"view {number}: {rows.stop} of {len(photos)} photos")
        assert out is not None, "there are photos"
        out.flush()
        partial.replace(path)

    def _run(self, pixels: npt.NDArray[np.float32]) -> Maps:
        value = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (B, 3, H, W), channels last in memory
        autocast = torch.autocast("cpu", torch.bfloat16) if self._bfloat16 else contextlib.nullcontext()
        with torch.inference_mode(), autocast:
            maps: torch.Tensor = self._trunk(value)
        return np.asarray(maps.permute(0, 2, 3, 1).to(torch.float16).contiguous().numpy())
