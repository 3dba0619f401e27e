"""The image of a raw photo: the largest JPEG in it, or, where that is small or missing, what LibRaw develops."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, cast

from ...errors import ImageError
from ..budget import BYTES_PER_PIXEL, allow_memory
from ..entries import TOO_LARGE
from ..extras import needs
from .cut_files import JpegStream, load
from .pillow import MAX_PIXELS, ORIENTATION, formats, megapixels, pillow_errors
from .raw import developed, embedded_jpegs, tiff_headers

if TYPE_CHECKING:
    from PIL.Image import Image

CAMERA_DATA = "edgeembed raw"
"""Name in ``Image.info`` of the EXIF data of a raw file, a list."""
_MAKE = 0x010F
_LEAST_SIDE = 256
"""Pixels of the shorter side of a JPEG from which on the raw photo itself is not looked at: what models take in."""
_LEAST_CONTRAST = 8
_JPEG = b"\xff\xd8\xff"


def open_raw(data: bytes) -> Image:
    """The image of a raw photo, loaded.

    Raises:
        ImageError: there is none; names the extra that may find one.
    """
    headers = [_exif(header) for header in tiff_headers(data)]
    picture = _largest_jpeg(data)
    if picture is None or min(picture.size) < _LEAST_SIDE:
        better, reason = _developed(data, headers)
        picture = better or picture or _as_tiff(data)
        if picture is None:
            raise ImageError(None, reason)
    picture.info[CAMERA_DATA] = headers
    return picture


def _developed(data: bytes, headers: list[Any]) -> tuple[Image | None, str]:
    """The raw photo as LibRaw develops it, upright, as ``headers`` then say; or ``None``, and why not."""
    from PIL import Image as images

    try:
        picture = images.fromarray(developed(data))
    except ImportError:
        maker = next((header[_MAKE] for header in headers if isinstance(header.get(_MAKE), str)), "")
        return None, needs("raw photo", maker.strip("\0 ").title()).reason
    except Exception as error:  # LibRaw's errors have no other base, and hold bytes
        said = next(iter(error.args), "")
        said = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
        return None, f"raw photo without a picture that can be read: {said}"
    for header in headers:
        header.pop(ORIENTATION, None)
    return picture, ""


def _as_tiff(data: bytes) -> Image | None:
    """The small image that is the first in the TIFF structure of old raw files; ``None``: there is none."""
    from PIL import Image as images

    with contextlib.suppress(*pillow_errors()):
        picture = images.open(io.BytesIO(data), formats=("TIFF",))
        if picture.width * picture.height <= MAX_PIXELS:
            picture.load()
            return picture if _shows_something(picture) else None
    return None


def _largest_jpeg(data: bytes) -> Image | None:
    """The largest JPEG that can be decoded and shows something; ``None``: there is none."""
    from PIL import Image as images

    for jpeg in embedded_jpegs(data):
        count = jpeg.width * jpeg.height
        if count > MAX_PIXELS:
            continue
        if not allow_memory(count * BYTES_PER_PIXEL + 3 * len(data)):
            raise ImageError(None, f"{TOO_LARGE} ({megapixels(count)})")
        with contextlib.suppress(*pillow_errors()):
            picture = images.open(JpegStream(data[jpeg.start :]), formats=formats(_JPEG))
            load(picture, partial=True)
            if _shows_something(picture):
                return picture
    return None


def _exif(header: bytes) -> Any:
    """EXIF data from a TIFF structure; empty if it is damaged."""
    from PIL.Image import Exif

    exif = Exif()
    with contextlib.suppress(*pillow_errors()):
        exif.load(b"Exif\0\0" + header)
    return exif


def _shows_something(image: Image) -> bool:
    """Whether it is not all black, or of one colour, as previews that nobody filled are."""
    low, high = cast("tuple[int, int]", image.convert("L").getextrema())
    return high - low > _LEAST_CONTRAST
