"""Colour modes: palettes, transparency, CMYK, grey of more than 8 bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from edgeembed.inference.image_preprocess import ImagePreprocessor
from tests.support.images import PLAIN, drawing, in_bytes, saved


def colours(data: bytes | Image.Image, encoder_of: Callable[..., ImagePreprocessor]) -> np.ndarray:
    """The middle 32 x 32 of a picture as RGB bytes."""
    return in_bytes(encoder_of(PLAIN).encode(data))


def middle(image: Image.Image) -> np.ndarray:
    left, top = (image.width - 32) // 2, (image.height - 32) // 2
    return np.asarray(image.convert("RGB").crop((left, top, left + 32, top + 32)))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBX", "YCbCr", "CMYK", "HSV", "LAB"])
def test_opaque_modes(mode: str, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = drawing().convert(mode)
    assert np.array_equal(colours(image, encoder_of), middle(image))


def test_palette(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = drawing().quantize(16)
    assert np.array_equal(colours(saved(image, "GIF"), encoder_of), middle(image))
    assert np.array_equal(colours(saved(image), encoder_of), middle(image))


def test_transparency_is_laid_on_white(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    black = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    half = Image.new("RGBA", (32, 32), (200, 0, 100, 51))
    assert (colours(saved(black), encoder_of) == 255).all()
    assert (colours(saved(half), encoder_of) == (244, 204, 224)).all()  # 0.2 of the colour, 0.8 of white
    assert (colours(saved(black, "WEBP", lossless=True), encoder_of) == 255).all()
    for mode, grey in (("LA", "LA"), ("La", "LA"), ("RGBa", "RGBA")):
        assert (colours(black.convert(grey).convert(mode), encoder_of) == 255).all(), mode
    palette = Image.new("PA", (32, 32))
    palette.putalpha(0)
    assert (colours(palette, encoder_of) == 255).all()
    opaque = drawing().convert("RGBA")
    assert np.array_equal(colours(saved(opaque), encoder_of), middle(opaque))


def test_transparent_colours_of_modes_without_alpha(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    grey = Image.new("L", (32, 32), 7)
    assert (colours(saved(grey, transparency=7), encoder_of) == 255).all()
    assert (colours(saved(grey, transparency=8), encoder_of) == 7).all()
    red = Image.new("RGB", (32, 32), "red")
    assert (colours(saved(red, transparency=(255, 0, 0)), encoder_of) == 255).all()
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert (colours(saved(palette, transparency=1), encoder_of) == 255).all()
    assert (colours(saved(palette, transparency=bytes([255, 0])), encoder_of) == 255).all()
    assert (colours(saved(palette, transparency=0), encoder_of) == (10, 20, 30)).all()


def test_cmyk_photos_are_not_negatives(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    """Adobe's programs store CMYK inverted, and so does Pillow."""
    data = saved(Image.new("RGB", (64, 64), (250, 240, 20)).convert("CMYK"), "JPEG", quality=95)
    found = colours(data, encoder_of).reshape(-1, 3).mean(axis=0)
    assert np.abs(found - (250, 240, 20)).max() < 6


@pytest.mark.parametrize("data_format", ["PNG", "TIFF", "PGM"])
def test_sixteen_bits(data_format: str, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    values = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64  # 0 to 65472
    if data_format == "PGM":
        data = b"P5 32 32 65535\n" + values.astype(">u2").tobytes()
    else:
        data = saved(Image.fromarray(values), data_format)
    found = colours(data, encoder_of)
    assert np.array_equal(found[:, :, 0], np.round(values / 257).astype(np.uint8))
    assert np.array_equal(found[:, :, 0], found[:, :, 2])


@pytest.mark.parametrize(
    ("values", "darkest", "brightest"),
    [
        (np.linspace(0, 1, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 200, 1024, dtype=np.float32), 0, 200),
        (np.linspace(-5, 5, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 1e9, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 4095, 1024).astype(np.int32), 0, 255),
        (np.linspace(-70000, 70000, 1024).astype(np.int32), 0, 255),
        (np.zeros(1024, np.float32), 0, 0),
        (np.full(1024, -3, np.int32), 0, 0),
        (np.full(1024, np.nan, np.float32), 0, 255),
        (np.r_[np.float32("nan"), np.float32("inf"), np.linspace(0, 1, 1022, dtype=np.float32)], 0, 255),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_grey_of_unknown_range(
    values: np.ndarray, darkest: int, brightest: int, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    found = colours(saved(Image.fromarray(values.reshape(32, 32)), "TIFF"), encoder_of)[:, :, 0].reshape(-1)
    known = np.isfinite(values)
    assert found[known].min(initial=darkest) == darkest
    assert found[known].max(initial=0) in ((brightest,) if known.any() else (0,))
    assert (np.diff(found[known].astype(int)) >= 0).all()
