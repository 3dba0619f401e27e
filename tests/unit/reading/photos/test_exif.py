"""EXIF and IPTC as Pillow and other programs write them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from edgeembed.reading.images import facts_of, opened
from edgeembed.reading.photos.exif import exif_facts, iptc_facts
from edgeembed.reading.photos.facts import PhotoFacts
from tests.support.images import saved


def exif_of(tags: dict[int, Any], inner: dict[int, Any] | None = None, gps: dict[int, Any] | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif.update(tags)
    for tag, values in ((0x8769, inner), (0x8825, gps)):
        if values:
            exif[tag] = values
    return exif


FULL = exif_of(
    {0x010E: "Grandmother on the wheel", 0x010F: "Canon", 0x0110: "Canon EOS 5D", 0x0132: "2022:02:02 02:02:02"},
    {0x9003: "2019:07:14 12:30:05", 0x9011: "+02:00"},
    {1: "N", 2: (48.0, 12.0, 59.4), 3: "W", 4: (16.0, 23.0, 45.6)},
)
FACTS = PhotoFacts(
    caption="Grandmother on the wheel",
    camera="Canon EOS 5D",
    taken="2019-07-14T12:30:05+02:00",
    position=(48.2165, -16.396),
)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_in_files_of_each_format(file_format: str) -> None:
    data = saved(Image.new("RGB", (20, 20)), file_format, exif=FULL)
    with opened(data) as image:
        assert facts_of(image) == FACTS


def read_again(exif: Image.Exif) -> PhotoFacts:
    with Image.open(io.BytesIO(saved(Image.new("RGB", (9, 9)), "JPEG", exif=exif))) as image:
        return exif_facts(image.getexif())


def test_letters_of_every_kind() -> None:
    assert read_again(exif_of({0x010E: "Großmutter".encode()})).caption == "Großmutter"
    assert read_again(exif_of({0x010E: "Großmutter in Zürich".encode("latin-1")})).caption == "Großmutter in Zürich"
    assert read_again(exif_of({0x9C9B: "Бабушка\0".encode("utf-16-le")})).title == "Бабушка"
    assert read_again(exif_of({0x9C9E: "sea;море\0".encode("utf-16-le")})).keywords == ("sea", "море")
    for comment in (
        b"ASCII\0\0\0by the sea",
        b"UNICODE\0" + "by the sea".encode("utf-16-le"),
        b"\0" * 8 + b"by the sea",
    ):
        assert read_again(exif_of({}, {0x9286: comment})).caption == "by the sea"
    assert read_again(exif_of({}, {0x9286: b"UNICODE\0" + "海".encode("utf-16-be") + b"\0a"})).caption


def test_the_time_of_the_last_change_counts_for_cameras_only() -> None:
    assert read_again(exif_of({0x0132: "2022:02:02 02:02:02"})).taken == ""
    assert read_again(exif_of({0x0132: "2022:02:02 02:02:02", 0x0110: "D70"})).taken == "2022-02-02T02:02:02"
    assert read_again(exif_of({}, {0x9003: "0000:00:00 00:00:00", 0x9004: "2001-05-06 07:08"})).taken.startswith("2001")


@pytest.mark.parametrize("gps", [{2: (1.0, 2.0, 3.0)}, {2: (0, 0, 0), 4: (0, 0, 0)}, {1: "N", 2: "x", 3: "E", 4: None}])
def test_half_a_place_is_none(gps: dict[int, Any]) -> None:
    class Stub(dict[int, Any]):
        def get_ifd(self, tag: int) -> dict[int, Any]:
            return gps if tag == 0x8825 else {}

    assert exif_facts(Stub()).position is None


def test_damaged_data_say_nothing() -> None:
    class Broken(dict[int, Any]):
        def get_ifd(self, tag: int) -> dict[int, Any]:
            raise SyntaxError("not a TIFF file")

    assert exif_facts(Broken()) == PhotoFacts()


def iim(*sets: tuple[int, int, bytes]) -> bytes:
    return b"".join(bytes((0x1C, record, name)) + len(raw).to_bytes(2) + raw for record, name, raw in sets)


def test_iptc() -> None:
    data = iim(
        (1, 90, b"\x1b%G"),
        (2, 5, "Grüße".encode()),
        (2, 25, b"sea"),
        (2, 25, "Möwe".encode()),
        (2, 55, b"20190714"),
        (2, 60, b"123005+0200"),
        (2, 90, b"Wien"),
        (2, 92, b"Prater"),
        (2, 101, b"Austria"),
        (2, 120, b"On the wheel"),
    )
    facts = PhotoFacts("Grüße", "On the wheel", ("sea", "Möwe"), (), "Prater, Wien, Austria", "", "2019-07-14T12:30:05")
    assert iptc_facts(data) == facts
    assert iptc_facts(iim((2, 120, "Die Möwe fliegt über das Meer".encode("latin-1")))).caption.startswith("Die Möwe")
    assert iptc_facts(data[:20] + b"garbage") == iptc_facts(data[:20])
    assert iptc_facts(b"\x1c\x02\x78\xff\xff") == iptc_facts(b"") == PhotoFacts()


def test_iptc_in_a_jpeg() -> None:
    resource = b"8BIM\x04\x04\0\0" + len(raw := iim((2, 120, b"A caption of old"))).to_bytes(4) + raw
    segment = b"Photoshop 3.0\0" + resource + b"\0" * (len(raw) % 2)
    data = saved(Image.new("RGB", (9, 9)), "JPEG")
    with opened(data[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2) + segment + data[2:]) as image:
        assert facts_of(image).caption == "A caption of old"
