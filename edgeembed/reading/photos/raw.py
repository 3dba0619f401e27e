"""Raw photos: the JPEG images that cameras put into them, and the TIFF structure with what the camera says.

The formats differ in where they keep these (in IFDs and maker notes of TIFF, in boxes, behind a header of their own),
and new cameras bring new places. A JPEG shows itself wherever it lies: by its marks, from the first one to the frame
header with its size. So a file is looked through for them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_NAMES = (
    "3fr ari arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef ptx raf raw rw2 rwl sr2 srf"
    " srw x3f"
)
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())
"""File extensions of raw photos."""
_MAGIC = (b"FUJIFILMCCD-RAW", b"II\x1a\0\0\0HEAPCCDR", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
"""Fujifilm, Canon's CRW, Olympus, Panasonic, Sigma, Minolta."""
_TIFF = (b"II*\0", b"MM\0*")
_LIKE_TIFF = (*_TIFF, b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_FRAMES = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive. Raw data itself may be lossless JPEG (0xC3), which is no image."""
_ALONE = (0x01, *range(0xD0, 0xD9))
_MOST_SEGMENTS = 100


class EmbeddedJpeg(NamedTuple):
    """A JPEG in a raw file."""

    start: int
    """Offset of its first byte."""
    width: int
    height: int


def is_raw(head: bytes, name: str) -> bool:
    """Whether a file is a raw photo.

    Args:
        head: its first bytes, at least 16.
        name: its name, or the extension alone, without which those that are TIFF files as well are not told apart.
    """
    if head.startswith(_MAGIC) or head[4:12] == b"ftypcrx " or (head[:4] in _TIFF and head[8:10] == b"CR"):
        return True
    return head[:4] in _TIFF and name[name.rfind(".") :].lower() in SUFFIXES


def embedded_jpegs(data: bytes) -> list[EmbeddedJpeg]:
    """The JPEG images in a file, the largest first."""
    found = (_jpeg_at(data, match.start()) for match in re.finditer(rb"\xff\xd8\xff", data))
    return sorted((jpeg for jpeg in found if jpeg is not None), key=lambda jpeg: -jpeg.width * jpeg.height)


def _jpeg_at(data: bytes, start: int) -> EmbeddedJpeg | None:
    """What begins with the mark at ``start``; ``None``: no image of 8 bits, in grey or three colours."""
    for marker, at, length in _segments(data, start + 2):
        if marker in _FRAMES and length >= 8:
            height, width = (int.from_bytes(data[i : i + 2]) for i in (at + 1, at + 3))
            return EmbeddedJpeg(start, width, height) if data[at] == 8 and data[at + 5] in (1, 3) and width else None
        if marker == 0xDA or (0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return None
    return None


def _segments(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Marker, offset of the content and its length, of each segment of a JPEG up to what is none."""
    for _ in range(_MOST_SEGMENTS):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if len(data) < at + 12 or data[at] != 0xFF or data[at + 1] in _ALONE:
            return
        length = int.from_bytes(data[at + 2 : at + 4]) - 2
        if length < 0:
            return
        yield data[at + 1], at + 4, length
        at += 4 + length


def tiff_headers(data: bytes) -> list[bytes]:
    """The TIFF structures of a raw file, as EXIF data are read from; empty: it has none of its own.

    Makers change the four bytes at its start, so that nobody takes it for an ordinary TIFF file. Canon's CR3 has boxes:
    size, name, and a structure each for what else is in one.
    """
    if data[:4] in _LIKE_TIFF:
        return [(_TIFF[0] if data[:2] == b"II" else _TIFF[1]) + data[4:]]
    if data[4:12] != b"ftypcrx ":
        return []
    starts = [data.find(name, 0, 1 << 20) for name in (b"CMT1", b"CMT2", b"CMT4")]
    return [data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at])] for at in starts if at > 0]


def developed(data: bytes) -> Any:
    """A raw photo as an image, by LibRaw: uint8 ``(H, W, 3)``, upright, at half of its size.

    Raises:
        ImportError: ``rawpy`` is not installed.
        Exception: it cannot be read.
    """
    import rawpy

    with rawpy.imread(io.BytesIO(data)) as raw:
        return raw.postprocess(half_size=True, use_camera_wb=True)
