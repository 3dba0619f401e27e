"""Pillow: which files it opens here, and what it raises about them."""

from __future__ import annotations

import contextlib
import struct
import zlib
from functools import cache
from importlib import import_module

from ...errors import ImageError
from ..extras import PLUGIN, needs

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "ICO", "PPM", "AVIF", "HEIF")
"""What is opened, by Pillow's names: nothing that starts a program (EPS does), nothing that only guesses. HEIF if
``pillow-heif`` is there; JPEG XL (``JXL``) besides, if its plugin is."""
MAX_PIXELS = 178_956_970
"""Images with more pixels are refused; the number above which Pillow itself refuses them."""
ORIENTATION = 0x0112
"""The EXIF tag."""
JXL_MAGIC = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
"""What such files call themselves; the library for them is loaded for them alone."""
_MODULES = {"DIB": "Bmp", "JPEG": "Jpeg", "PNG": "Png", "WEBP": "WebP", "TIFF": "Tiff"}


def formats(head: bytes) -> tuple[str, ...]:
    """The formats to try on a file that begins with ``head``, by Pillow's names.

    Raises:
        ImageError: the plugin for its format is not installed.
    """
    if head.startswith(JXL_MAGIC):
        return _jxl_format()
    brands = {head[at : at + 4] for at in range(8, len(head), 4)} if head[4:8] == b"ftyp" else set()
    # AVIF is built as HEIF is, and Pillow reads it by itself.
    return _known_formats(heif=not brands.isdisjoint(_HEIF_BRANDS) and brands.isdisjoint((b"avif", b"avis")))


@cache
def _known_formats(*, heif: bool) -> tuple[str, ...]:
    """Those of :data:`FORMATS` that this Pillow knows, their plugins loaded; else it would load all that it has."""
    from PIL import Image as images

    if heif:
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise ImageError(None, needs("HEIC").reason) from error
        register_heif_opener()
    for name in FORMATS:
        with contextlib.suppress(ImportError):  # AVIF came with Pillow 11.3; HEIF has no module there
            import_module(f"PIL.{_MODULES.get(name, name.capitalize())}ImagePlugin")
    return tuple(name for name in FORMATS if name in images.OPEN)


def _jxl_format() -> tuple[str, ...]:
    try:
        import_module("pillow_jxl")
    except ImportError as error:
        raise ImageError(None, PLUGIN) from error
    return ("JXL",)


@cache
def pillow_errors() -> tuple[type[Exception], ...]:
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


def megapixels(pixels: int) -> str:
    """A number of pixels for people."""
    return f"{pixels / 1e6:.0f} megapixels" if pixels >= 1e6 else f"{pixels} pixels"
