"""Pictures to pixels. The only module that uses ``PIL``.

The order is that of ``models/README.md``: open, turn upright, convert to the colour mode, resize, crop, normalise. On
upright RGB pictures the result equals that of transformers' image processors in their Pillow form, bit for bit, unless
one side is hundreds of times the other.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, cast

import numpy as np

from .bundle import Bundle
from .errors import BundleError, ImageError
from .manifest import MANIFEST_NAME, ImageSection
from .readers.extracted import PictureNeed, needs
from .transform import Box, Pixels, crop_box, faults, normalisation, normalised, resized_size

if TYPE_CHECKING:
    from PIL.Image import Image

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image"
"""A path, the bytes of an image file, or a picture that is open already."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "ICO", "PPM", "AVIF", "HEIF")
"""What is opened, by Pillow's names: nothing that starts a program (EPS does), nothing that only guesses. HEIF if
``pillow-heif`` is there."""

MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused; the number above which Pillow itself refuses them."""

_BYTES_PER_PIXEL = 16
"""The most that decoding, turning and converting hold at a time for one pixel: a picture and three copies."""
_PIXELS_AT_A_TIME = 48_000_000
"""Pixels of pictures that are decoded side by side: four photos of 12 megapixels, some 200 to 400 MB."""
_LARGE = 2_000_000
"""Pixels from which on a picture is decoded in one of the few threads kept for large ones.

The C library keeps tens of megabytes for each thread that ever decoded a large picture: on photos of 12 megapixels 16
threads took 1.3 GB, with these few 0.5 GB.
"""
_LARGE_AT_A_TIME = 4
_LARGEST_RESIZED = 16_000_000
"""Pixels of a resized picture beyond which only what the crop keeps is computed (a side 300 times the other)."""
_REDUCING_GAP = 4
"""A picture decoded at reduced scale is still at least so many times as large as it must become.

With 4, features of a MobileNetV2 stayed at a cosine of 0.9993 or more to the exact ones, over some 70 enlarged or tiled
photos of 3 to 19 megapixels; with 2, which is Pillow's own choice for thumbnails, they fell to 0.997.
"""

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What such files call themselves; the library for them is loaded for them alone."""
_ORIENTATION = 0x0112
"""The EXIF tag; its values 2 to 8 each stand for one way to turn or mirror."""
_TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")


class ImageEncoder:
    """The way of a bundle from a picture to the pixels that its graph takes.

    Safe to use from several threads; together they hold a limited number of decoded pixels at a time.
    """

    def __init__(self, bundle: Bundle, *, max_pixels: int | None = None) -> None:
        """Prepare for ``bundle``, which must have an image section.

        Args:
            bundle: where every fact comes from.
            max_pixels: larger pictures are refused; ``None`` is :data:`MAX_PIXELS`, or less on a machine with little
                memory. Pillow's own limit (``PIL.Image.MAX_IMAGE_PIXELS``) remains in force.

        Raises:
            BundleError: the image section asks for something that this version does not know.
        """
        section = bundle.manifest.image
        assert section is not None
        if max_pixels is not None and max_pixels < 1:
            raise ValueError(f"max_pixels must be at least 1, not {max_pixels}")
        for fault in faults(section):
            raise BundleError(bundle.file(MANIFEST_NAME), f"image section: {fault}")
        self.max_pixels = max_pixels or _default_max_pixels()
        self._section = section
        self._table = normalisation(section)  # (C, 256)
        self._budget = _Budget(_PIXELS_AT_A_TIME)
        self._loading = threading.Lock()
        self._few = ThreadPoolExecutor(_LARGE_AT_A_TIME, thread_name_prefix="edgeembed-large")

    def encode(self, source: ImageSource, *, reduced: bool = False) -> Pixels:
        """The pixels of a picture as the graph takes them.

        Args:
            source: a path, the bytes of an image file, or a Pillow image, which is not changed.
            reduced: decode large JPEGs at a half, a quarter or an eighth of their size, which is several times as
                fast and needs as much less memory; pixels then differ a little from the exact ones.

        Returns:
            float32 ``(C, H, W)``.

        Raises:
            ImageError: not a picture, of an unlisted format, damaged, or too large.
            OSError: the file is missing or may not be read.
            TypeError: ``source`` is none of the above.
        """
        with _opened(source) as image:
            full = self._checked_size(image, source)
            drafted = reduced and image is not source and self._draft(image)
            if image.width * image.height < _LARGE:
                picture = self._decoded(image, source, full if drafted else None)
            else:
                picture = self._few.submit(self._decoded, image, source, full if drafted else None).result()
            return normalised(np.asarray(picture), self._table, reverse=self._section.mode == "BGR")

    def picture(self, source: ImageSource) -> Image:
        """The picture upright and in its colour mode (``RGB`` also for ``BGR``), before it is resized.

        Raises:
            As :meth:`encode`.
        """
        with _opened(source) as image:
            self._checked_size(image, source)
            with self._budget.take(image.width * image.height), _translated(source):
                picture = _in_mode(self._upright(image, shared=image is source)[0], self._section.mode)
                return picture.copy() if picture is image else picture  # the file behind it is closed now

    def close(self) -> None:
        """End the threads; the encoder must not be used afterwards."""
        self._few.shutdown()

    def _decoded(self, image: Image, source: ImageSource, full: tuple[int, int] | None) -> Image:
        """The picture as the graph takes it, in bytes; ``full`` is its size as stored if it is decoded reduced."""
        with self._budget.take(image.width * image.height), _translated(source):
            upright, turned = self._upright(image, shared=image is source)
            size = upright.size if full is None else full[::-1] if turned else full
            picture = self._cropped(_in_mode(upright, self._section.mode), size)
            if image is not source:
                image.close()  # its pixels go before another picture takes their place
            return picture

    def _checked_size(self, image: Image, source: ImageSource) -> tuple[int, int]:
        if min(image.size) < 1:
            raise ImageError(_path(source), "has no pixels")
        if image.width * image.height > self.max_pixels:
            raise ImageError(
                _path(source), f"larger than {_megapixels(self.max_pixels)}: {image.width} x {image.height} pixels"
            )
        return image.size

    def _draft(self, image: Image) -> bool:
        """Have a JPEG decoded at the smallest scale that leaves enough pixels; ``False``: it cannot be."""
        section = self._section
        if section.resize == "none":
            return False
        least = _REDUCING_GAP * (section.resize_to or max(section.height, section.width))
        return image.draft(None, (least, least)) is not None

    def _upright(self, image: Image, *, shared: bool) -> tuple[Image, bool]:
        """The decoded picture as its EXIF data says, and whether width and height changed places."""
        # The caller's picture may be given twice, and Pillow must not load one from two threads.
        with self._loading if shared else contextlib.nullcontext():
            image.load()
            # Read only now: PNG may keep EXIF data behind the pixels, and Pillow turns TIFF itself while it loads.
            orientation = _orientation(image) if self._section.orientation == "exif" else 1
        return _turned(image, orientation), orientation >= 5

    def _cropped(self, image: Image, full: tuple[int, int]) -> Image:
        """Resized and cropped; ``full`` is the size (width, height) that the picture has when not reduced."""
        from PIL.Image import Resampling

        size = resized_size(self._section, *full)
        box = crop_box(self._section, *size)
        how = Resampling[self._section.filter.upper()]
        if size[0] * size[1] <= _LARGEST_RESIZED:
            # Outside of the picture Pillow's crop gives zeros, as transformers' does.
            return image.resize(size, how).crop(box)
        return _resized_part(image, size, box, how)


def picture_need(section: ImageSection) -> PictureNeed:
    """What a model needs of a picture that another process decodes for it."""
    side = (
        None if section.resize == "none" else _REDUCING_GAP * (section.resize_to or max(section.height, section.width))
    )
    return PictureNeed(side, section.orientation == "exif")


def decoded_pixels(path: Path, need: PictureNeed, *, max_bytes: int) -> tuple[tuple[int, int], bytes]:
    """The pixels of a picture, no more of them than needed: what the worker process hands back.

    Args:
        need: see :class:`PictureNeed`.
        max_bytes: it becomes smaller than needed rather than take more; only the longest panoramas do.

    Returns:
        Size, and red, green, blue of each pixel, for :func:`from_pixels`.

    Raises:
        ImageError: as :meth:`ImageEncoder.encode`. It comes from a ``MemoryError`` if it was for want of memory.
    """
    with _opened(path) as image, _translated(path):
        if image.width * image.height > MAX_PIXELS:
            raise ImageError(path, f"larger than {_megapixels(MAX_PIXELS)}: {image.width} x {image.height} pixels")
        image.load()
        orientation = _orientation(image) if need.upright else 1
        picture = _in_mode(image, "RGB")
        factor = max(1, min(picture.size) // need.least_side) if need.least_side else 1
        while picture.width * picture.height * 3 > max_bytes * factor**2:
            factor += 1
        picture = _turned(picture.reduce(factor) if factor > 1 else picture, orientation)
        return picture.size, picture.tobytes()


def from_pixels(size: tuple[int, int], pixels: bytes) -> Image:
    """The picture that :func:`decoded_pixels` took apart."""
    from PIL import Image as images

    return images.frombytes("RGB", size, pixels)


def _turned(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    return image if orientation == 1 else image.transpose(Transpose[_TURNS[orientation - 2]])


class _Budget:
    """Something of which several threads together may hold no more than a total; who wants more goes alone."""

    def __init__(self, total: int) -> None:
        self._total = self._free = total
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Wait until there is so much left, and hold it meanwhile."""
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= amount)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


def _resized_part(image: Image, size: tuple[int, int], box: Box, how: int) -> Image:
    """``image.resize(size).crop(box)`` without ever holding the whole resized picture, which would be gigantic.

    Where the filter is smooth, pixels may differ by one level from those of the long way: positions are rounded in
    other places.
    """
    part = (max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1]))
    across, down = image.width / size[0], image.height / size[1]
    source = (part[0] * across, part[1] * down, part[2] * across, part[3] * down)
    # Pillow keeps the box as float32; cutting the surroundings off first keeps its numbers small and so exact. Lanczos
    # looks furthest: three pixels, of the resized picture where it is the smaller one.
    margin_x, margin_y = math.ceil(3 * max(across, 1)) + 1, math.ceil(3 * max(down, 1)) + 1
    left, top = max(math.floor(source[0]) - margin_x, 0), max(math.floor(source[1]) - margin_y, 0)
    right = min(math.ceil(source[2]) + margin_x, image.width)
    bottom = min(math.ceil(source[3]) + margin_y, image.height)
    near = image.crop((left, top, right, bottom))
    within = (source[0] - left, source[1] - top, source[2] - left, source[3] - top)
    resized = near.resize((part[2] - part[0], part[3] - part[1]), how, box=within)
    return resized.crop((box[0] - part[0], box[1] - part[1], box[2] - part[0], box[3] - part[1]))


def _in_mode(image: Image, mode: str) -> Image:
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


def _orientation(image: Image) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data counts as none."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _pillow_errors():
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextlib.contextmanager
def _opened(source: ImageSource) -> Iterator[Image]:
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
        with _translated(source):
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
def _translated(source: ImageSource) -> Iterator[None]:
    """Pillow's exceptions as :class:`ImageError`."""
    try:
        yield
    except _pillow_errors() as error:
        raise ImageError(_path(source), _reason(error)) from error


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    if isinstance(error, UnidentifiedImageError):
        return "not a picture that can be read"
    if isinstance(error, (DecompressionBombError, DecompressionBombWarning)):
        found = re.search(r"\d+", str(error))
        size = f": {_megapixels(int(found[0]))}" if found else ""
        return f"larger than {_megapixels(MAX_PIXELS)}{size}"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    said = next(iter(str(error).splitlines()), type(error).__name__)
    # What the decoder lacks is no damage, and it does not always tell which of the two it is.
    foreign = re.search(
        r"unsupported|not supported|not implemented|decoder error|cannot load|not available", said, re.I
    )
    return f"damaged picture, or of a rare kind: {said}" if foreign else f"damaged picture: {said}"


def _path(source: ImageSource) -> Path | None:
    """Where a picture came from; ``None``: from memory."""
    return Path(source) if isinstance(source, (str, os.PathLike)) else None


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:.0f} megapixels" if pixels >= 1e6 else f"{pixels} pixels"


def _default_max_pixels() -> int:
    """What fits into half of the memory that this process may use, but at most :data:`MAX_PIXELS`."""
    memory = _memory_bytes()
    return MAX_PIXELS if memory is None else max(1, min(MAX_PIXELS, memory // 2 // _BYTES_PER_PIXEL))


def _memory_bytes() -> int | None:
    """Memory of this machine, or of the container if that is less; ``None`` where the system does not say (Windows)."""
    try:
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):
        return None
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # control groups version 2, 1
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            found.append(int(Path("/sys/fs/cgroup", name).read_text()))
    return min(found)
