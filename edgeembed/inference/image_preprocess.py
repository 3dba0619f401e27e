"""Images to pixels, as a bundle wants them.

The order is that of ``models/README.md``: open, turn upright, convert to the colour mode, resize, crop, normalise. On
upright RGB images the result equals that of transformers' image processors in their Pillow form, bit for bit, unless
one side is hundreds of times the other.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from ..bundle.bundle import Bundle
from ..bundle.manifest import MANIFEST_NAME, ImageSection
from ..errors import BundleError, ImageError
from ..reading.budget import BYTES_PER_PIXEL
from ..reading.images import ImageSource, opened, orientation_of, path_of, translated, turned
from ..reading.photos.colours import as_positive, in_mode
from ..reading.photos.cut_files import load
from ..reading.photos.pillow import MAX_PIXELS, megapixels
from ..reading.sandbox.protocol import DecodeRequest
from ..system.limits import memory_bytes
from .image_geometry import Box, Pixels, crop_box, faults, filter_name, normalisation, normalised, resized_size

if TYPE_CHECKING:
    from PIL.Image import Image

_PIXELS_AT_A_TIME = 48_000_000
"""Pixels of images that are decoded side by side: four photos of 12 megapixels, some 200 to 400 MB."""
_LARGE = 2_000_000
"""Pixels from which on an image is decoded in one of the few threads kept for large ones.

The C library keeps tens of megabytes for each thread that ever decoded a large image: on photos of 12 megapixels 16
threads took 1.3 GB, with these few 0.5 GB.
"""
_LARGE_AT_A_TIME = 4
_LARGEST_RESIZED = 16_000_000
"""Pixels of a resized image beyond which only what the crop keeps is computed (a side 300 times the other)."""
_REDUCING_GAP = 4
"""Pillow's reducing gap: an image reduced by a whole factor first stays at least so many times as large as its target
size; a bundle may say another number.

With 4, features of a MobileNetV2 stayed at a cosine of 0.9993 or more to the exact ones, over some 70 enlarged or tiled
photos of 3 to 19 megapixels; with 2, which is Pillow's own choice for thumbnails, they fell to 0.997.
"""


class ImagePreprocessor:
    """Image preprocessing of a bundle: from an image to the pixels that its graph takes.

    Safe to use from several threads; together they hold a limited number of decoded pixels at a time.
    """

    def __init__(self, bundle: Bundle, *, max_pixels: int | None = None) -> None:
        """Prepare for ``bundle``, which must have an image section.

        Args:
            bundle: where every fact comes from.
            max_pixels: larger images are refused; ``None`` is :data:`MAX_PIXELS`, or less on a machine with little
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

    def encode(
        self, source: ImageSource, *, reduced: bool = False, tell: Callable[[str], None] | None = None
    ) -> Pixels:
        """The pixels of an image as the graph takes them.

        Args:
            source: a path, the bytes of an image file, or a Pillow image, which is not changed.
            reduced: decode large JPEGs at a half, a quarter or an eighth of their size, and take means of blocks of
                pixels before large images are resized, which together is several times as fast and needs less
                memory; pixels then differ a little from the exact ones.
            tell: is told what is missing of an image whose file is cut off, and what can be decoded of it is taken;
                ``None``: such an image is damaged.

        Returns:
            float32 ``(C, H, W)``.

        Raises:
            ImageError: not an image, of an unlisted format, damaged, or too large.
            OSError: the file is missing or may not be read.
            TypeError: ``source`` is none of the above.
        """
        with opened(source) as image:
            full = self._checked_size(image, source)
            drafted = reduced and image is not source and self._draft(image)
            stored = full if drafted else None
            if image.width * image.height < _LARGE:
                cropped = self._decoded(image, source, stored, reduced=reduced, tell=tell)
            else:
                cropped = self._few.submit(self._decoded, image, source, stored, reduced=reduced, tell=tell).result()
            return normalised(np.asarray(cropped), self._table, reverse=self._section.mode == "BGR")

    def close(self) -> None:
        """End the threads; the encoder must not be used afterwards."""
        self._few.shutdown()

    def _decoded(
        self,
        image: Image,
        source: ImageSource,
        full: tuple[int, int] | None,
        *,
        reduced: bool,
        tell: Callable[[str], None] | None,
    ) -> Image:
        """The image as the graph takes it, in bytes; ``full`` is its size as stored if it is decoded reduced."""
        with self._budget.take(image.width * image.height), translated(source):
            upright, turned = self._upright(image, tell, shared=image is source)
            size = upright.size if full is None else full[::-1] if turned else full
            cropped = self._cropped(in_mode(upright, self._section.mode), size, reduced=reduced)
            if image is not source:
                image.close()  # its pixels go before another image takes their place
            return cropped

    def _checked_size(self, image: Image, source: ImageSource) -> tuple[int, int]:
        if min(image.size) < 1:
            raise ImageError(path_of(source), "has no pixels")
        if image.width * image.height > self.max_pixels:
            raise ImageError(
                path_of(source), f"larger than {megapixels(self.max_pixels)}: {image.width} x {image.height} pixels"
            )
        return image.size

    def _draft(self, image: Image) -> bool:
        """Have a JPEG decoded at the smallest scale that leaves enough pixels; ``False``: it cannot be."""
        least = _least_side(self._section)
        return least is not None and image.draft(None, (least, least)) is not None

    def _upright(self, image: Image, tell: Callable[[str], None] | None, *, shared: bool) -> tuple[Image, bool]:
        """The decoded image as its EXIF data says, and whether width and height changed places."""
        # The caller's image may be given twice, and Pillow must not load one from two threads.
        with self._loading if shared else contextlib.nullcontext():
            missing = load(image, partial=tell is not None)
            if missing is not None and tell is not None:
                tell(missing)
            # Read only now: PNG may keep EXIF data behind the pixels, and Pillow turns TIFF itself while it loads.
            orientation = orientation_of(image) if self._section.orientation == "exif" else 1
        return turned(as_positive(image), orientation), orientation >= 5

    def _cropped(self, image: Image, full: tuple[int, int], *, reduced: bool) -> Image:
        """Resized and cropped; ``full`` is the size (width, height) that the image has when not reduced."""
        from PIL.Image import Resampling

        size = resized_size(self._section, *full)
        box = crop_box(self._section, *size)
        how = Resampling[filter_name(self._section, full, size).upper()]
        if size[0] * size[1] <= _LARGEST_RESIZED:
            # Outside of the image Pillow's crop gives zeros, as transformers' does.
            return image.resize(size, how, reducing_gap=_gap(self._section) if reduced else None).crop(box)
        return _resized_part(image, size, box, how)


def decode_request(section: ImageSection) -> DecodeRequest:
    """What a model needs of an image that another process decodes for it."""
    return DecodeRequest(_least_side(section), section.orientation == "exif")


def _least_side(section: ImageSection) -> int | None:
    """Pixels that either side keeps when an image is decoded at reduced scale; ``None``: it must not be."""
    if section.resize == "none":
        return None
    return math.ceil(_gap(section) * (section.resize_to or max(section.height, section.width)))


def _gap(section: ImageSection) -> float:
    return section.reducing_gap or _REDUCING_GAP


class _Budget:
    """Weighted semaphore: threads together take no more than a total; who wants more than that goes alone."""

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
    """``image.resize(size).crop(box)`` without ever holding the whole resized image, which would be gigantic.

    Where the filter is smooth, pixels may differ by one level from those of the long way: positions are rounded in
    other places.
    """
    part = (max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1]))
    across, down = image.width / size[0], image.height / size[1]
    source = (part[0] * across, part[1] * down, part[2] * across, part[3] * down)
    # Pillow keeps the box as float32; cutting the surroundings off first keeps its numbers small and so exact. Lanczos
    # looks furthest: three pixels, of the resized image where it is the smaller one.
    margin_x, margin_y = math.ceil(3 * max(across, 1)) + 1, math.ceil(3 * max(down, 1)) + 1
    left, top = max(math.floor(source[0]) - margin_x, 0), max(math.floor(source[1]) - margin_y, 0)
    right = min(math.ceil(source[2]) + margin_x, image.width)
    bottom = min(math.ceil(source[3]) + margin_y, image.height)
    near = image.crop((left, top, right, bottom))
    within = (source[0] - left, source[1] - top, source[2] - left, source[3] - top)
    resized = near.resize((part[2] - part[0], part[3] - part[1]), how, box=within)
    return resized.crop((box[0] - part[0], box[1] - part[1], box[2] - part[0], box[3] - part[1]))


def _default_max_pixels() -> int:
    """What fits into half of the memory that this process may use, but at most :data:`MAX_PIXELS`."""
    memory = memory_bytes()
    return MAX_PIXELS if memory is None else max(1, min(MAX_PIXELS, memory // 2 // BYTES_PER_PIXEL))
