"""Image files that end too early, or that Pillow refuses for something beside the image.

Pillow decodes what there is of a cut file only if a switch of the whole process says so, which belongs to the
application. Here the same is done for one image.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .pillow import pillow_errors

if TYPE_CHECKING:
    from PIL.Image import Image

CUT = "cut off: the end of the picture is missing"
"""Said of an image of which a part was decoded."""
_LEAST_SHARE = 0.1
"""Share of the rows that must have been decoded: less says little of what the image shows."""
_END_OF_IMAGE = b"\xff\xd9"
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf", b"sBIT", b"gAMA")
"""Chunks of a PNG without which it would look otherwise."""
_TOO_LONG_NOTES = ("max_text", "text memory", "decompressed data too large")


def load(image: Image, *, partial: bool) -> str | None:
    """Decode an image that was opened.

    Args:
        partial: whether it will do if the end of the file is missing, and some of the image with it.

    Returns:
        What is missing; ``None``: nothing.

    Raises:
        Exception: what Pillow raises, see :func:`translated`.
    """
    stream = getattr(image, "fp", None)
    try:
        image.load()
    except pillow_errors() as error:
        if is_about_notes(error) and _has_pixels(image):
            image.tile = []  # type: ignore[attr-defined]  # they stand behind the pixels, which are there
            return None
        if partial and not isinstance(error, MemoryError) and keep_what_is_decoded(image):
            return CUT
        raise
    if not isinstance(stream, CutStream) or not stream.was_cut:
        return None
    if partial and has_enough(image):
        return CUT
    raise OSError("image file is truncated")


class CutStream(io.BytesIO):
    """The content of an image file, which may turn out to be cut."""

    was_cut = False
    """Whether it ended before the image did."""


class JpegStream(CutStream):
    """A JPEG that ends with its end mark in any case, after which the decoder gives what it has."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any stream; once, behind the last byte, the mark."""
        data = super().read(size)
        if data or size == 0 or self.was_cut:
            return data
        self.was_cut = True
        return _END_OF_IMAGE


def padded_webp(data: bytes) -> CutStream | None:
    """A cut WebP with zeros in place of what is missing: its decoder takes none that is shorter than it says.

    ``None``: it is whole, or too short to be worth it.
    """
    if len(data) < 64 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    length = struct.unpack("<I", data[4:8])[0] + 8
    if not len(data) < length <= len(data) / (1 - _LEAST_SHARE):
        return None
    stream = CutStream(data + bytes(length - len(data)))
    stream.was_cut = True
    return stream


def without_notes(data: bytes) -> CutStream | None:
    """A PNG without texts and profiles, which Pillow refuses from one megabyte on; ``None``: it is no PNG."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return CutStream(data[:8] + b"".join(chunk for name, chunk in _chunks(data) if name in _NEEDED))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the whole of each chunk of a PNG; the last one may be cut."""
    at = 8
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def is_about_notes(error: Exception) -> bool:
    """Whether it is what Pillow says of texts and profiles in a PNG that are too long for it."""
    said = str(error).lower()
    return isinstance(error, ValueError) and any(part in said for part in _TOO_LONG_NOTES)


def keep_what_is_decoded(image: Image) -> bool:
    """Make an image whose decoding failed one that is loaded; ``False``: hardly anything of it was decoded."""
    if not _has_pixels(image):
        return False
    image.tile = []  # type: ignore[attr-defined]
    image.load()
    return has_enough(image)


def _has_pixels(image: Image) -> bool:
    """Whether there is room for its pixels already, some of which are decoded."""
    return any(vars(image).get(name) is not None for name in ("_im", "im"))  # the latter before Pillow 11


def has_enough(image: Image) -> bool:
    """Whether enough rows of a cut image were decoded: in the others, at one of its ends, all pixels are alike."""
    rows = np.asarray(image.convert("RGB").reduce((max(1, image.width // 64), 1)))  # (H, W, 3)
    decoded = min(_rows_before(rows, rows[-1, -1]), _rows_before(rows[::-1], rows[0, 0]))  # BMP begins below
    return decoded >= _LEAST_SHARE * image.height


def _rows_before(rows: npt.NDArray[np.uint8], colour: npt.NDArray[np.uint8]) -> int:
    """How many rows there are before those at the end that are all of one colour."""
    others = np.flatnonzero((rows != colour).any(axis=(1, 2)))
    return int(others[-1]) + 1 if len(others) else 0
