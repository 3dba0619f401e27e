"""What the image section of a bundle says, as arithmetic: sizes, where a crop begins, bytes to values. Knows no files.

Every rounding is that of transformers' image processors; torchvision's, where it differs, has a name of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import ImageSection

Pixels = npt.NDArray[np.float32]  # (C, H, W)
Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""
_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
_KNOWN: dict[str, tuple[str, ...]] = {
    "resize": ("shortest-edge", "stretch", "none"),
    "crop": ("center", "none"),
    "crop_rounding": ("down", "up", "even"),
    "filter": _FILTERS,
    "mode": ("RGB", "BGR", "L"),
    "orientation": ("exif", "none"),
}


def faults(section: ImageSection) -> Iterator[str]:
    """What this version cannot do, or makes no sense; nothing for a section that can be used."""
    for name, values in _KNOWN.items():
        if getattr(section, name) not in values:
            yield f"{name} is {getattr(section, name)!r}, not one of {', '.join(values)}"
    if section.shrink_filter not in (None, *_FILTERS):
        yield f"shrink_filter is {section.shrink_filter!r}, not one of {', '.join(_FILTERS)}"
    side = section.resize_to
    if section.resize == "shortest-edge" and side is None:
        yield "resize 'shortest-edge' needs resize_to"
    if side is not None and side < 1:
        yield f"resize_to is {side}"
    fits = section.resize == "stretch" and side in (None, section.height) and side in (None, section.width)
    if section.crop == "none" and not fits:
        yield f"without a crop not every picture becomes {section.width} x {section.height}"
    channels = 1 if section.mode == "L" else 3
    if len(section.mean) != channels or len(section.std) != channels:
        yield f"mean and std need {channels} numbers each"
    elif not all(map(math.isfinite, (section.scale, *section.mean, *section.std))) or 0 in section.std:
        yield "scale, mean and std must be finite numbers, std not 0"


def resized_size(section: ImageSection, width: int, height: int) -> tuple[int, int]:
    """Width and height after resizing."""
    if section.resize == "none":
        return width, height
    if section.resize == "stretch":
        return section.resize_to or section.width, section.resize_to or section.height
    assert section.resize_to is not None
    # Exactly so: another order of the operations rounds differently.
    if width <= height:
        return section.resize_to, int(section.resize_to * height / width)
    return int(section.resize_to * width / height), section.resize_to


def filter_name(section: ImageSection, before: tuple[int, int], after: tuple[int, int]) -> str:
    """How an image is resized from a width and height to others."""
    shrinks = after[0] <= before[0] and after[1] <= before[1]
    return section.shrink_filter if shrinks and section.shrink_filter is not None else section.filter


def crop_box(section: ImageSection, width: int, height: int) -> Box:
    """What is kept of a resized image; reaches beyond it where it is smaller."""
    if section.crop == "none":
        return 0, 0, width, height
    left = _start(width, section.width, section.crop_rounding)
    top = _start(height, section.height, section.crop_rounding)
    return left, top, left + section.width, top + section.height


def _start(side: int, crop: int, rounding: str) -> int:
    start, odd = divmod(side - crop, 2)
    if odd and (rounding == "up" or (rounding == "even" and (start < 0 or start % 2))):
        start += 1
    return start


def normalisation(section: ImageSection) -> npt.NDArray[np.float32]:
    """(byte * scale - mean) / std of every byte for every channel, ``(C, 256)``, rounded as transformers rounds."""
    values = (np.arange(256, dtype=np.float64) * section.scale).astype(np.float32)
    mean, std = np.array(section.mean, np.float32), np.array(section.std, np.float32)
    return np.asarray((values - mean[:, None]) / std[:, None], dtype=np.float32)


def normalised(image: npt.NDArray[np.uint8], table: npt.NDArray[np.float32], *, reverse: bool = False) -> Pixels:
    """Bytes to what the graph takes.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        table: as :func:`normalisation` makes it, its rows in the order of the result's channels.
        reverse: turn the order of the channels around first.
    """
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)  # (C, H, W)
    if reverse:
        planes = planes[::-1]
    out = np.empty(planes.shape, np.float32)
    for channel, plane in enumerate(planes):
        np.take(table[channel], plane, out=out[channel], mode="clip")  # with no other mode may it write into ``out``
    return out
