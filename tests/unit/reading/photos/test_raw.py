"""Raw photos by their first bytes, and the JPEG pictures in them."""

from __future__ import annotations

import pytest

from edgeembed.reading.detect import detect
from edgeembed.reading.photos.raw import EmbeddedJpeg, embedded_jpegs, is_raw, tiff_headers
from tests.support.images import drawing, noise, saved

SMALL, LARGE = saved(drawing(160, 120), "JPEG"), saved(drawing(1200, 900), "JPEG", progressive=True)
LOSSLESS = b"\xff\xd8\xff\xc4\x00\x02\xff\xc3\x00\x0e\x0e\x10\x00\x20\x00\x02\x00\x11\x00\x01\x11\x00\xff\xda" + bytes(
    99
)
"""As in the raw data of CR2 and DNG: larger than any picture, and none."""


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "a.cr2"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "picture"),
        (b"II*\0" + bytes(50), "a.NEF"),
        (b"MM\0*" + bytes(50), "photos/a.b/a.dng"),
        (b"IIRO\x08" + bytes(50), "a.orf"),
        (b"IIU\0\x08" + bytes(50), "a"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(50), "a.raf"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(50), "a.CR3"),
        (b"FOVb" + bytes(50), "a.x3f"),
    ],
)
def test_how_they_begin(head: bytes, name: str) -> None:
    assert is_raw(head, name)
    assert detect(head, name).image == "raw"


@pytest.mark.parametrize(
    ("head", "name"), [(b"II*\0" + bytes(50), "a.tif"), (b"\xff\xd8\xff\xe0" + bytes(50), "a.nef")]
)
def test_what_is_none(head: bytes, name: str) -> None:
    assert not is_raw(head, name)
    assert detect(head, name).image in ("common", "rare")


def test_a_raw_that_nobody_knows_is_called_by_its_name() -> None:
    assert detect(b"\0\1\2\3" * 20, "a.iiq").image == "raw"


def test_the_largest_picture_comes_first() -> None:
    data = (
        b"II*\0" + bytes(100) + SMALL + bytes(33) + LARGE + LOSSLESS + b"\xff\xd8\xff" + bytes(7) + b"\xff\xd8\xff\xe0"
    )
    start = data.index(LARGE)
    assert embedded_jpegs(data) == [EmbeddedJpeg(start, 1200, 900), EmbeddedJpeg(104, 160, 120)]
    assert embedded_jpegs(data[: start + 20])[0].width == 160
    assert embedded_jpegs(b"") == embedded_jpegs(bytes(1000)) == embedded_jpegs(b"\xff\xd8\xff" * 1000) == []


def test_a_thumbnail_in_the_exif_data_is_one_of_them() -> None:
    inner = saved(noise(32, 32), "JPEG")
    assert len(embedded_jpegs(saved(drawing(), "JPEG", exif=b"Exif\0\0" + inner))) == 2


def test_tiff_structures() -> None:
    assert tiff_headers(b"IIRO\x08\0\0\0rest") == [b"II*\0\x08\0\0\0rest"]
    assert tiff_headers(b"MMOR\0\0\0\x08rest") == [b"MM\0*\0\0\0\x08rest"]
    box = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"\0\0\0\x0cCMT1" + b"II*\0" + b"\0\0\0\x0cCMT2" + b"MM\0*"
    assert tiff_headers(box) == [b"II*\0", b"MM\0*"]
    assert tiff_headers(b"FUJIFILMCCD-RAW 0201") == []
