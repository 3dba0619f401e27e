"""Images of every mode of Pillow as RGB or grey of 8 bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_PHOTOMETRIC, _BITS = 262, 258
"""Tags of TIFF."""


def in_mode(image: Image, mode: str) -> Image:
    """As ``RGB``, or ``L``; what is transparent shows white. Colour profiles are not applied."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        image = _to_eight_bits(image)
    elif image.has_transparency_data:
        image = _on_white(image)
    target = "L" if mode == "L" else "RGB"
    return image if image.mode == target else image.convert(target)


def _on_white(image: Image) -> Image:
    from PIL import Image as images

    if image.mode == "La":  # premultiplied; Pillow converts it to LA only
        image = image.convert("LA")
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    white = images.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _to_eight_bits(image: Image) -> Image:
    """Grey of more than 8 bits as ``L``.

    Files rarely say how large their numbers get. White is the smallest of 1, 255, 4095 and 65535 (floats, 8, 12 and
    16 bits) that no pixel exceeds; if there are negative or still larger numbers, the lowest becomes black and the
    highest white.
    """
    values = image.convert("F")
    low, high = _range(values)
    if low < 0 or high > 65535:
        factor = 255 / (high - low) if high > low else 0.0
    else:
        low, factor = 0.0, 255 / next(white for white in (1, 255, 4095, 65535) if high <= white)
    # Pillow cuts the fraction off; the half makes that rounding to the nearest.
    return values.point(lambda value: value * factor + (0.5 - low * factor)).convert("L")


def _range(values: Image) -> tuple[float, float]:
    """The lowest and highest number in an image of mode ``F``, of a sample if some are not finite."""
    from PIL.Image import Resampling

    low, high = cast("tuple[float, float]", values.getextrema())  # of one band
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    width, height = values.size
    sample = np.asarray(values.resize((min(width, 512), min(height, 512)), Resampling.NEAREST))
    finite = sample[np.isfinite(sample)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def as_positive(image: Image) -> Image:
    """A grey TIFF of 16 bits in which 0 is white as one in which it is black; any other image as it is.

    Pillow does that for 8 bits only.
    """
    tags = getattr(image, "tag_v2", None)
    if tags is None or not image.mode.startswith("I;16") or tags.get(_PHOTOMETRIC) != 0:
        return image
    white = (1 << tags.get(_BITS, (16,))[0]) - 1
    return image.convert("I").point(lambda value: value * -1 + white)
