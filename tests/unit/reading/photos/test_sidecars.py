"""Which files belong to a photo, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeembed.reading.photos.facts import PhotoFacts
from edgeembed.reading.photos.sidecars import sidecars_by_photo, takeout_facts, with_sidecars

LONG = "a_very_long_name_of_a_photo_that_is_longer_than_46_characters.jpg"


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("a.jpg", "a.jpg.json"),
        ("a.jpg", "a.jpg.supplemental-metadata.json"),
        ("a.jpg", "a.jpg.supplemental-me.json"),
        ("a.jpg", "a.jpg..json"),
        ("a(2).jpg", "a.jpg(2).json"),
        ("a(2).jpg", "a.jpg.supplemental-metadata(2).json"),
        ("a-edited.jpg", "a.jpg.json"),
        ("a-bearbeitet.jpg", "a.jpg.supplemental-metadata.json"),
        (LONG, f"{LONG[:46]}.json"),
        ("PXL_20230101_123456789.PORTRAIT.jpg", "PXL_20230101_123456789.PORTRAIT.jpg.supplement.json"),
        ("a.jpg", "a.xmp"),
        ("A.JPG", "a.jpg.XMP"),
        ("a.CR2", "a.xmp"),
        ("a.HEIC", "a.AAE"),
        ("a.jpg", "a.jpg_original"),
    ],
)
def test_names_that_belong_together(photo: str, sidecar: str) -> None:
    others = ["z.jpg", "b.jpg", photo]
    if "-" in photo:
        others.append("a.jpg")
    assert sidecars_by_photo(others, [sidecar, "notes.json", "metadata.json", "z.txt"])[photo] == [sidecar]


@pytest.mark.parametrize("other", ["a.json", "metadata.json", "a.jpg.txt", "ab.xmp", "a(1).jpg.json", "a_original"])
def test_names_that_do_not(other: str) -> None:
    assert sidecars_by_photo(["a.jpg", "a.png"], [other]) == {}


def test_two_photos_of_one_name() -> None:
    found = sidecars_by_photo(["a.jpg", "a(1).jpg", "a.CR2"], ["a.jpg.json", "a.jpg(1).json", "a.xmp", "a.CR2.xmp"])
    assert found == {"a.jpg": ["a.xmp", "a.jpg.json"], "a(1).jpg": ["a.jpg(1).json"], "a.CR2": ["a.CR2.xmp", "a.xmp"]}


TAKEOUT = {
    "title": "IMG_1.jpg",
    "description": "At the harbour",
    "photoTakenTime": {"timestamp": "1500000000", "formatted": "14.07.2017"},
    "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
    "geoDataExif": {"latitude": -6.16, "longitude": 39.19},
    "people": [{"name": "Ann Lee"}, {}, 5],
}


def test_what_google_says() -> None:
    expected = PhotoFacts(
        caption="At the harbour", people=("Ann Lee",), taken="2017-07-14T02:40:00+00:00", position=(-6.16, 39.19)
    )
    assert takeout_facts(json.dumps(TAKEOUT).encode()) == expected
    assert takeout_facts(json.dumps({**TAKEOUT, "title": "Our trip"}).encode()).title == "Our trip"
    odd = {"title": 5, "description": [], "people": 7, "photoTakenTime": {"timestamp": "soon"}, "geoData": "here"}
    assert takeout_facts(json.dumps(odd).encode()) == PhotoFacts()


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"{", b"[" * 100_000, b"\xff\xfe", b'{"photoTakenTime": {"timestamp": 1e99}}']
)
def test_what_is_no_json_of_google_says_nothing(data: bytes) -> None:
    assert takeout_facts(data) == PhotoFacts()


def test_what_counts_more(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.json").write_text(json.dumps(TAKEOUT))
    (tmp_path / "a.xmp").write_text(
        '<a xmlns:e="http://ns.adobe.com/exif/1.0/"><e:DateTimeOriginal>1968-05-01T10:00:00</e:DateTimeOriginal></a>'
    )
    embedded = PhotoFacts(caption="A boat", taken="2016-01-01T00:00:00", position=(1.0, 1.0))
    paths = [tmp_path / name for name in ("a.jpg.json", "a.AAE", "a.xmp", "gone.xmp")]
    facts = with_sidecars(embedded, paths)
    assert (facts.taken, facts.position, facts.people) == ("1968-05-01T10:00:00", (1.0, 1.0), ("Ann Lee",))
    assert facts.caption == "A boat\nAt the harbour"
    assert with_sidecars(embedded, paths[:2]).taken == "2016-01-01T00:00:00"
