"""Golden images (hard cases for the proof) and background images (ordinary ones): synthetic, drawn here."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

_Draw = Callable[[np.random.Generator, int, int], Image.Image]
"""Generator, height and width in pixels to a random RGB image."""
_ORIENTATION = 0x0112
_ORDINARY = 120


@cache
def golden_images() -> tuple[bytes, ...]:
    """Files that are hard on decoders and on resizing: every form that an image can take on its way to upright RGB.

    JPEGs are of one colour in every block of 8 x 8 pixels, because decoders may differ by a level anywhere else.
    """
    rng = np.random.default_rng(1)
    scene, shapes = _scene(rng, 214, 321), _shapes(rng, 321, 214)
    return (
        _png(scene),  # landscape
        _png(shapes),  # portrait
        _png(_grainy(_gradient(rng, 299, 301))),  # odd sides: margins of a crop that are odd
        _png(_lines(rng, 251, 333)),
        _png(_waves(rng, 24, 640)),  # far wider than high
        _png(_shapes(rng, 37, 50)),  # smaller than any crop
        _png(Image.new("RGB", (1, 1), (200, 30, 90))),
        _png(_checkerboard(240, 240, cell=1)),  # nothing but the finest detail
        _png(_checkerboard(230, 290, cell=29)),
        _png(_clouds(rng, 120, 90)),
        _png(_scene(rng, 180, 240)),
        _png(_shapes(rng, 225, 223)),
        _png(scene.quantize(16)),  # palette
        _png(_with_hole(scene.quantize(16)), transparency=0),
        _png(_with_alpha_ramp(shapes)),  # alpha
        _png(_with_alpha_ramp(shapes.convert("L"))),
        _png(scene.convert("L")),
        _png(shapes.convert("1")),
        _png(_grey_16_bits(230, 231)),
        _tiles(rng, "CMYK", 256, 240),
        _tiles(rng, "RGB", 248, 320, orientation=6),  # a photo taken with the camera held upright
        _tiles(rng, "RGB", 240, 232, orientation=2),  # mirrored
        _png(scene, exif=_orientation(8)),
    )


@cache
def background_images() -> tuple[bytes, ...]:
    """Some hundred ordinary images, against which a similarity can be judged."""
    rng = np.random.default_rng(2)
    kinds: list[_Draw] = [_scene, _shapes, _gradient, _lines, _waves, _clouds]
    sizes = [(160, 224), (224, 160), (192, 192)]
    drawn = [kinds[i % len(kinds)](rng, *sizes[i % len(sizes)]) for i in range(_ORDINARY)]
    return tuple(_png(image) for image in drawn)


def _png(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, **options)  # a bundle carries the golden ones
    return buffer.getvalue()


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def _gradient(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Linear gradient between two colours, in steps so that the file stays small."""
    one, other = (np.array(_colour(rng), np.float64) for _ in range(2))
    slant = float(rng.uniform(-1, 1))
    place = np.linspace(0, 1, height)[:, None] + slant * np.linspace(0, 1, width)[None, :]
    place = (place - place.min()) / np.ptp(place)
    return _rgb(one + (other - one) * place[..., None])


def _shapes(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Random ellipses, rectangles and triangles."""
    image = Image.new("RGB", (width, height), _colour(rng))
    draw = ImageDraw.Draw(image)
    for number in range(9):
        left, right = sorted(int(x) for x in rng.integers(0, width, 2))
        top, bottom = sorted(int(y) for y in rng.integers(0, height, 2))
        if number % 3 == 0:
            draw.ellipse((left, top, right, bottom), fill=_colour(rng))
        elif number % 3 == 1:
            draw.rectangle((left, top, right, bottom), fill=_colour(rng))
        else:
            draw.polygon([(left, bottom), ((left + right) // 2, top), (right, bottom)], fill=_colour(rng))
    return image


def _scene(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Landscape: a sky, a sun and two ranges of hills."""
    image = _gradient(rng, height, width)
    draw = ImageDraw.Draw(image)
    x, y, radius = int(rng.integers(0, width)), int(rng.integers(0, height // 2)), int(rng.integers(5, height // 5))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(rng))
    for level in (0.5, 0.7):
        corners = [(0, height)]
        for step in range(8):
            corners.append((step * width // 7, int(height * (level + rng.uniform(-0.1, 0.1)))))
        draw.polygon([*corners, (width, height)], fill=_colour(rng))
    return image


def _lines(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Page of print from afar: rows of dark bars on a light ground."""
    image = Image.new("RGB", (width, height), (245, 243, 238))
    draw = ImageDraw.Draw(image)
    size = int(rng.integers(6, 14))
    for top in range(size, height - size, 2 * size):
        left = size
        while (right := left + int(rng.integers(1, 7)) * size // 2) < width - size:
            draw.rectangle((left, top, right, top + size - 3), fill=(40, 42, 60))
            left = right + size // 2
    return image


def _waves(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Sine gratings, one a channel, in random directions and frequencies, posterised to 8 levels."""
    y, x = np.mgrid[0:height, 0:width]
    values = np.empty((height, width, 3))
    for channel in range(3):
        along, across = rng.uniform(-0.5, 0.5, 2)
        values[..., channel] = 127.5 + 127.5 * np.sin(along * x + across * y)
    return _rgb(values // 32 * 32)


def _clouds(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """1/f noise, as in photographs: amplitude about 1 / frequency."""
    total = np.zeros((height, width, 3))
    for cells in (2, 4, 8, 16):
        coarse = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        total += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), float) / cells
    total -= total.min()
    return _rgb(total / total.max() * 31 // 1 * 8)


def _checkerboard(height: int, width: int, *, cell: int) -> Image.Image:
    """Black and white squares of ``cell`` pixels a side."""
    y, x = np.mgrid[0:height, 0:width]
    return _rgb(255.0 * ((x // cell + y // cell) % 2)[..., None].repeat(3, axis=2))


def _rgb(values: npt.NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8))


def _with_hole(image: Image.Image) -> Image.Image:
    """A palette image with an ellipse of entry 0, which is to be transparent, in the middle."""
    draw = ImageDraw.Draw(image)
    width, height = image.size
    draw.ellipse((width // 4, height // 4, 3 * width // 4, 3 * height // 4), fill=0)
    return image


def _grainy(image: Image.Image) -> Image.Image:
    """With camera grain: coarse luminance noise of two levels either way.

    Networks learn from photographs. To the shipped tower, a ramp without noise is the pattern of where one level
    becomes the next: noise of a single level on top of that takes its float32 vector to a cosine of 0.84, where
    photographs keep 0.99. Such an image cannot tell how well a tower is rounded; with noise of its own it keeps 0.99.
    """
    values = np.asarray(image, np.float64)  # (H, W, 3)
    height, width = values.shape[:2]
    grain = np.random.default_rng(3).choice([-2, 2], (height // 2 + 1, width // 2 + 1)).repeat(2, 0).repeat(2, 1)
    return _rgb(np.clip(values + grain[:height, :width, None], 0, 255))


def _with_alpha_ramp(image: Image.Image) -> Image.Image:
    """With an alpha channel: a ramp from transparent at the left to opaque at the right."""
    width, height = image.size
    ramp = np.linspace(0, 255, width).astype(np.uint8)[None, :].repeat(height, axis=0)
    image = image.copy()
    image.putalpha(Image.fromarray(ramp))
    return image


def _grey_16_bits(height: int, width: int) -> Image.Image:
    """16-bit greyscale ramp, black to white."""
    row = np.linspace(0, 65535, width).astype(np.uint16)
    return Image.fromarray(row[None, :].repeat(height, axis=0))


def _tiles(rng: np.random.Generator, mode: str, height: int, width: int, *, orientation: int = 1) -> bytes:
    """JPEG of uniform tiles of 8 x 8 pixels (a DCT block each), without chroma subsampling."""
    channels = len(mode)
    tiles = rng.integers(0, 256, (height // 8, width // 8, channels), dtype=np.uint8)
    small = Image.frombytes(mode, (width // 8, height // 8), tiles.tobytes())
    image = small.resize((width, height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, subsampling=0, exif=_orientation(orientation))
    return buffer.getvalue()


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = value
    return exif
