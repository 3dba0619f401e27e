"""Pillow: which files it opens here, how they are turned upright and brought into a colour mode, what goes wrong.

What a model makes of a picture is in ``image_preprocess.py``; no other module imports ``PIL``.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, cast

import numpy as np

from ..errors import ImageError
from .budget import SECONDS_PER_PIXEL, allow_more
from .extras import needs
from .sandbox.protocol import DecodeRequest

if TYPE_CHECKING:
    from PIL.Image import Image

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image"
"""A path, the bytes of an image file, or a picture that is open already."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "ICO", "PPM", "AVIF", "HEIF")
"""What is opened, by Pillow's names: nothing that starts a program (EPS does), nothing that only guesses. HEIF if
``pillow-heif`` is there."""
MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused; the number above which Pillow itself refuses them."""
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What such files call themselves; the library for them is loaded for them alone."""
_CLOSED = "was closed before it was used: keep it open until then, or give its path"
_ORIENTATION = 0x0112
"""The EXIF tag; its values 2 to 8 each stand for one way to turn or mirror."""
_TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")


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
    """The lowest and highest number in a picture of mode ``F``, of a sample if some are not finite."""
    from PIL.Image import Resampling

    low, high = cast("tuple[float, float]", values.getextrema())  # of one band
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    width, height = values.size
    sample = np.asarray(values.resize((min(width, 512), min(height, 512)), Resampling.NEAREST))
    finite = sample[np.isfinite(sample)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def orientation_of(image: Image) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data counts as none."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _pillow_errors():
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextlib.contextmanager
def opened(source: ImageSource) -> Iterator[Image]:
    """The picture, its header read; a Pillow image is handed on as it is."""
    from PIL import Image as images

    if isinstance(source, images.Image):
        yield source
        return
    if isinstance(source, (bytes, bytearray, memoryview)):
        stream: IO[bytes] = io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(path, "not a file")
        # Opened here, not by Pillow, which maps some files into memory and dies when one is cut meanwhile.
        stream = path.open("rb")
    else:
        raise TypeError(f"a picture must be a path, bytes or a Pillow image, not {type(source).__name__}")
    with stream:
        with translated(source):
            head = stream.read(64)
            stream.seek(0)
            image = images.open(stream, formats=_formats(heif=_is_heif(head)))
        with image:
            yield image


def _is_heif(head: bytes) -> bool:
    """Whether a file is HEIF, and not AVIF, which is built the same way."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in head


@cache
def _formats(*, heif: bool = False) -> tuple[str, ...]:
    """Those of :data:`FORMATS` that this Pillow knows, their plugins loaded; else it would load all that it has."""
    from importlib import import_module

    from PIL import Image as images

    modules = {"DIB": "Bmp", "JPEG": "Jpeg", "PNG": "Png", "WEBP": "WebP", "TIFF": "Tiff"}
    if heif:
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise ImageError(None, needs("HEIC").reason) from error
        register_heif_opener()
    for name in FORMATS:
        with contextlib.suppress(ImportError):  # AVIF came with Pillow 11.3; HEIF has no module there
            import_module(f"PIL.{modules.get(name, name.capitalize())}ImagePlugin")
    return tuple(name for name in FORMATS if name in images.OPEN)


@cache
def _pillow_errors() -> tuple[type[Exception], ...]:
    """What Pillow raises about files; its decoders let nearly everything through that damaged numbers can cause."""
    from PIL.Image import DecompressionBombError

    parsing = (
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        AssertionError,
        SyntaxError,
        EOFError,
    )
    # Warnings: where an application turns them into errors.
    return (*parsing, OSError, RuntimeError, MemoryError, struct.error, zlib.error, DecompressionBombError, Warning)


@contextlib.contextmanager
def translated(source: ImageSource) -> Iterator[None]:
    """Pillow's exceptions as :class:`ImageError`."""
    try:
        yield
    except _pillow_errors() as error:
        reason = _CLOSED if _was_closed(source, error) else _reason(error)
        raise ImageError(path_of(source), reason) from error


def _was_closed(source: ImageSource, error: Exception) -> bool:
    """Whether it is a Pillow image that was closed, or whose file was, which Pillow says in several ways."""
    if not hasattr(source, "convert"):  # files are closed here, and by nobody else
        return False
    has_no_file = getattr(source, "fp", source) is None
    return (has_no_file and isinstance(error, (AssertionError, AttributeError))) or (
        re.search("closed (image|file)", str(error)) is not None
    )


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    if isinstance(error, UnidentifiedImageError):
        return "not a picture that can be read"
    if isinstance(error, (DecompressionBombError, DecompressionBombWarning)):
        number = re.search(r"\d+", str(error))
        size = f": {megapixels(int(number[0]))}" if number else ""
        return f"larger than {megapixels(MAX_PIXELS)}{size}"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    message = next(iter(str(error).splitlines()), type(error).__name__)
    # What the decoder lacks is no damage, and it does not always tell which of the two it is.
    foreign = re.search(
        r"unsupported|not supported|not implemented|decoder error|cannot load|not available", message, re.I
    )
    return f"damaged picture, or of a rare kind: {message}" if foreign else f"damaged picture: {message}"


def path_of(source: ImageSource) -> Path | None:
    """Where a picture came from; ``None``: from memory."""
    return Path(source) if isinstance(source, (str, os.PathLike)) else None


def megapixels(pixels: int) -> str:
    """A number of pixels for people."""
    return f"{pixels / 1e6:.0f} megapixels" if pixels >= 1e6 else f"{pixels} pixels"


def turned(image: Image, orientation: int) -> Image:
    """The picture upright, given its EXIF orientation, 1 to 8."""
    from PIL.Image import Transpose

    return image if orientation == 1 else image.transpose(Transpose[_TURNS[orientation - 2]])


def decoded_pixels(path: Path, need: DecodeRequest, *, max_bytes: int) -> tuple[tuple[int, int], bytes]:
    """The pixels of a picture, no more of them than needed: what the worker process hands back.

    Args:
        need: see :class:`DecodeRequest`.
        max_bytes: it becomes smaller than needed rather than take more; only the longest panoramas do.

    Returns:
        Size, and red, green, blue of each pixel, for :func:`from_pixels`.

    Raises:
        ImageError: as :meth:`ImageEncoder.encode`. It comes from a ``MemoryError`` if it was for want of memory.
    """
    with opened(path) as image, translated(path):
        if image.width * image.height > MAX_PIXELS:
            raise ImageError(path, f"larger than {megapixels(MAX_PIXELS)}: {image.width} x {image.height} pixels")
        allow_more(image.width * image.height * SECONDS_PER_PIXEL)
        image.load()
        orientation = orientation_of(image) if need.upright else 1
        picture = in_mode(image, "RGB")
        factor = max(1, min(picture.size) // need.least_side) if need.least_side else 1
        while picture.width * picture.height * 3 > max_bytes * factor**2:
            factor += 1
        picture = turned(picture.reduce(factor) if factor > 1 else picture, orientation)
        return picture.size, picture.tobytes()


def from_pixels(size: tuple[int, int], pixels: bytes) -> Image:
    """The picture that :func:`decoded_pixels` took apart."""
    from PIL import Image as images

    return images.frombytes("RGB", size, pixels)
