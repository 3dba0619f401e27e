"""Images with Pillow: how a file is opened, what it says about itself, how it is turned upright, what goes wrong.

What a model makes of an image is in ``image_preprocess.py``; no module but these two and ``photos/`` imports ``PIL``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from ..errors import ImageError
from .budget import BYTES_PER_PIXEL, SECONDS_PER_PIXEL, allow_memory, allow_more
from .entries import TOO_LARGE
from .photos.colours import as_positive, in_mode
from .photos.cut_files import JpegStream, is_about_notes, load, padded_webp, without_notes
from .photos.exif import exif_facts, iptc_facts
from .photos.facts import PhotoFacts
from .photos.pillow import FORMATS as FORMATS
from .photos.pillow import MAX_PIXELS, ORIENTATION, formats, megapixels, pillow_errors
from .photos.raw import is_raw
from .photos.raw_images import CAMERA_DATA, open_raw
from .photos.xmp import xmp_facts
from .sandbox.protocol import DecodedImage, DecodeRequest

if TYPE_CHECKING:
    from PIL.Image import Image

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image"
"""A path, the bytes of an image file, or an image that is open already."""
_CLOSED = "was closed before it was used: keep it open until then, or give its path"
_TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
"""For the values 2 to 8 of the EXIF orientation."""
_IPTC, _TIFF_IPTC, _TIFF_XMP = 0x0404, 33723, 700
"""Resource of Photoshop in a JPEG, and tags of TIFF."""
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"


def orientation_of(image: Image) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data counts as none."""
    values = (exif.get(ORIENTATION) for exif in _exif_of(image))
    return next((value for value in values if isinstance(value, int) and 1 <= value <= 8), 1)


def _exif_of(image: Image) -> list[Any]:
    """The EXIF data of an image, as Pillow's ``Exif``: of a raw file its own, then those of the image in it."""
    outer: list[Any] = image.info.get(CAMERA_DATA, [])
    try:
        return [*outer, image.getexif()]
    except pillow_errors():
        return outer


def facts_of(image: Image) -> PhotoFacts:
    """What an image that was opened says about itself: its file alone, nothing beside it."""
    facts = PhotoFacts()
    for exif in _exif_of(image):
        facts |= exif_facts(exif)
    resources = image.info.get("photoshop")
    iptc = resources.get(_IPTC) if isinstance(resources, dict) else getattr(image, "tag_v2", {}).get(_TIFF_IPTC)
    if isinstance(iptc, bytes):
        facts |= iptc_facts(iptc)
    return facts | xmp_facts(_xmp_in(image))


def _xmp_in(image: Image) -> bytes:
    """The XMP packet of an image; empty: it has none."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or getattr(image, "tag_v2", {}).get(_TIFF_XMP)
    if packet is None:  # of a JPEG, before Pillow 11
        segments = (content for _, content in getattr(image, "applist", ()))
        packet = next((part.removeprefix(_XMP_IN_JPEG) for part in segments if part.startswith(_XMP_IN_JPEG)), b"")
    return packet.encode() if isinstance(packet, str) else packet if isinstance(packet, bytes) else b""


@contextlib.contextmanager
def opened(source: ImageSource) -> Iterator[Image]:
    """The image, its header read; a Pillow image is handed on as it is. Of a raw file, the image in it, loaded."""
    from PIL import Image as images

    if isinstance(source, images.Image):
        yield source
        return
    name = ""
    if isinstance(source, (bytes, bytearray, memoryview)):
        stream: IO[bytes] = io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        name = path.name
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
            image = open_raw(stream.read()) if is_raw(head, name) else _open(stream, head)
        with image:
            yield image


def _open(stream: IO[bytes], head: bytes) -> Image:
    """The image in a file, its header read."""
    from PIL import Image as images

    wanted = formats(head)
    if head.startswith(b"\xff\xd8\xff"):
        return images.open(JpegStream(stream.read()), formats=wanted)
    try:
        return images.open(stream, formats=wanted)
    except (OSError, ValueError) as error:
        stream.seek(0)
        data = stream.read() if head.startswith((b"RIFF", b"\x89PNG")) else b""
        whole = without_notes(data) if is_about_notes(error) else padded_webp(data)
        if whole is None:
            raise
        return images.open(whole, formats=wanted)


@contextlib.contextmanager
def translated(source: ImageSource) -> Iterator[None]:
    """Pillow's exceptions as :class:`ImageError`."""
    try:
        yield
    except pillow_errors() as error:
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
    if lacks_memory(error):
        return TOO_LARGE
    message = next(iter(str(error).splitlines()), type(error).__name__)
    # What the decoder lacks is no damage, and it does not always tell which of the two it is.
    foreign = re.search(
        r"unsupported|not supported|not implemented|decoder error|cannot load|not available", message, re.I
    )
    return f"damaged picture, or of a rare kind: {message}" if foreign else f"damaged picture: {message}"


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an image could not be decoded for want of memory, of which libraries speak in their own words."""
    words = re.search(r"memory|bad_alloc|security limit", str(error), re.IGNORECASE)
    return isinstance(error, MemoryError) or (isinstance(error, Exception) and words is not None)


def path_of(source: ImageSource) -> Path | None:
    """Where an image came from; ``None``: from memory."""
    return Path(source) if isinstance(source, (str, os.PathLike)) else None


def turned(image: Image, orientation: int) -> Image:
    """The image upright, given its EXIF orientation, 1 to 8."""
    from PIL.Image import Transpose

    return image if orientation == 1 else image.transpose(Transpose[_TURNS[orientation - 2]])


def decoded_pixels(path: Path, need: DecodeRequest, *, max_bytes: int) -> DecodedImage:
    """The pixels of an image, no more of them than needed: what the worker process hands back.

    Args:
        need: see :class:`DecodeRequest`.
        max_bytes: it becomes smaller than needed rather than take more; only the longest panoramas do.

    Returns:
        What :func:`from_pixels` makes an image of, and what else is known of it.

    Raises:
        ImageError: as :meth:`ImageEncoder.encode`. It comes from a ``MemoryError`` if it was for want of memory.
    """
    with opened(path) as image, translated(path):
        count = image.width * image.height
        if count > MAX_PIXELS:
            raise ImageError(path, f"larger than {megapixels(MAX_PIXELS)}: {image.width} x {image.height} pixels")
        if CAMERA_DATA not in image.info and not allow_memory(count * BYTES_PER_PIXEL):
            raise ImageError(path, f"{TOO_LARGE} ({megapixels(count)})")
        allow_more(count * SECONDS_PER_PIXEL)
        missing = load(image, partial=True)
        facts = facts_of(image)
        orientation = orientation_of(image) if need.upright else 1
        picture = in_mode(as_positive(image), "RGB")
        factor = max(1, min(picture.size) // need.least_side) if need.least_side else 1
        while picture.width * picture.height * 3 > max_bytes * factor**2:
            factor += 1
        picture = turned(picture.reduce(factor) if factor > 1 else picture, orientation)
        return DecodedImage(picture.size, picture.tobytes(), missing, facts)


def from_pixels(size: tuple[int, int], pixels: bytes) -> Image:
    """The image that :func:`decoded_pixels` took apart."""
    from PIL import Image as images

    return images.frombytes("RGB", size, pixels)
