"""The picture of a raw photo; files are put together as cameras do it: a TIFF structure, and JPEG pictures in it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeembed.errors import ImageError
from edgeembed.reading.extras import is_there_now
from edgeembed.reading.images import facts_of, opened, orientation_of
from edgeembed.reading.sandbox.process import Worker
from edgeembed.reading.sandbox.protocol import DecodeRequest
from tests.support.images import drawing, saved


def raw_file(*pictures: Image.Image, magic: bytes = b"", orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif.endian = "<"
    exif[0x010F], exif[0x0110], exif[0x0112] = "NIKON", "NIKON D70", orientation
    exif[0x8769] = {0x9003: "2004:05:06 07:08:09"}
    header = exif.tobytes().removeprefix(b"Exif\0\0")
    return (
        (magic or header[:4]) + header[4:] + bytes(64) + b"".join(saved(image, "JPEG") + bytes(9) for image in pictures)
    )


@pytest.fixture
def without_rawpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)


@pytest.mark.parametrize("magic", [b"", b"IIU\0", b"IIRO"])
def test_the_largest_picture_and_what_the_camera_says(magic: bytes, tmp_path: Path, without_rawpy: None) -> None:
    path = tmp_path / "a.nef"
    path.write_bytes(raw_file(drawing(160, 120), drawing(900, 600), magic=magic, orientation=6))
    with opened(path) as image:
        assert (image.size, orientation_of(image)) == ((900, 600), 6)
        facts = facts_of(image)
    assert (facts.camera, facts.taken) == ("NIKON D70", "2004-05-06T07:08:09")


def test_a_black_preview_is_not_the_picture(tmp_path: Path, without_rawpy: None) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(
        raw_file(Image.new("RGB", (1200, 800)), drawing(600, 400), Image.new("RGB", (700, 500), "#404040"))
    )
    with opened(path) as image:
        assert image.size == (600, 400)


def test_a_cut_preview_is_taken_as_far_as_it_goes(tmp_path: Path, without_rawpy: None) -> None:
    data = raw_file(drawing(900, 600))
    (tmp_path / "a.arw").write_bytes(data[: len(data) * 8 // 10])
    with opened(tmp_path / "a.arw") as image:
        assert np.asarray(image)[:100].any()


def test_without_a_picture_its_reason_says_what_to_install(tmp_path: Path, without_rawpy: None) -> None:
    path = tmp_path / "a.nef"
    path.write_bytes(raw_file())
    with pytest.raises(ImageError, match=r"needs edgeembed\[raw\]: raw photo of Nikon") as caught, opened(path):
        pass
    assert not is_there_now("needs edgeembed[raw]: raw photo of Nikon") or "rawpy" in sys.modules
    assert caught.value.reason.startswith("needs edgeembed[raw]")


def test_the_small_picture_of_old_raw_files(tmp_path: Path, without_rawpy: None) -> None:
    (tmp_path / "a.nef").write_bytes(saved(drawing(160, 120), "TIFF"))
    with opened(tmp_path / "a.nef") as image:
        assert image.size == (160, 120)


def test_in_the_worker(tmp_path: Path) -> None:
    (tmp_path / "a.nef").write_bytes(raw_file(drawing(160, 120), drawing(900, 600), orientation=8))
    with Worker() as worker:
        picture = worker.decode_image(tmp_path / "a.nef", DecodeRequest(300, upright=True))
    assert (picture.size, picture.missing) == ((300, 450), None)
    assert picture.facts.camera == "NIKON D70"


def test_what_libraw_cannot_read_either(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    (tmp_path / "a.nef").write_bytes(raw_file())
    with pytest.raises(ImageError, match="raw photo without a picture that can be read"), opened(tmp_path / "a.nef"):
        pass
