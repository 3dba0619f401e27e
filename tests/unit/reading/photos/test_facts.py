"""Facts of a photo: what makes sense of what files hold, and two sources put together."""

from __future__ import annotations

import pytest

from edgeembed.reading.photos.facts import PhotoFacts, camera_name, joined_place


def test_only_what_makes_sense_is_taken() -> None:
    odd = {"title": 5, "caption": "a\0\ud800b", "keywords": "one", "people": [1, " Ann  Lee "], "taken": "never"}
    assert PhotoFacts.of(odd) == PhotoFacts(caption="ab", people=("Ann Lee",))
    assert PhotoFacts.of({"position": [float("nan"), 1]}) == PhotoFacts.of({"position": "here"}) == PhotoFacts()
    assert PhotoFacts.of({"position": (0, 0)}) == PhotoFacts.of({"position": (91, 0)}) == PhotoFacts()
    assert PhotoFacts.of({"position": [-33.8567844, 151.213108]}).position == (-33.856784, 151.213108)
    assert len(PhotoFacts.of({"caption": "x" * 100_000, "keywords": map(str, range(10**6))}).keywords) == 200


@pytest.mark.parametrize(
    "noise", ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCIM\\100GOPRO", "Exif_JPEG_PICTURE", "  ", "---", "1234"]
)
def test_what_cameras_write_by_themselves_is_no_caption(noise: str) -> None:
    assert PhotoFacts.of({"caption": noise}) == PhotoFacts()
    assert PhotoFacts.of({"caption": f"Paul and the {noise} he found"}).caption


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        ("2019-07-14T12:30:05", "2019-07-14T12:30:05"),
        ("2019-07-14T12:30:05.250+02:00", "2019-07-14T12:30:05+02:00"),
        ("2019-07-14", "2019-07-14T00:00:00"),
        ("0001-01-01T00:00:00", ""),
        ("2019-13-14T12:30:05", ""),
    ],
)
def test_times(time: str, taken: str) -> None:
    assert PhotoFacts.of({"taken": time}).taken == taken


def test_two_sources_together() -> None:
    one = PhotoFacts(caption="A boat", keywords=("boat", "Sea"), taken="2019-07-14T12:30:05")
    other = PhotoFacts(caption="a boat", keywords=("sea", "dawn"), taken="2020-01-01T00:00:00", place="Wien")
    assert one | other == PhotoFacts("", "A boat", ("boat", "Sea", "dawn"), (), "Wien", "", "2019-07-14T12:30:05")
    assert (PhotoFacts(title="Trip") | PhotoFacts(title="Our trip to Graz")).title == "Our trip to Graz"
    assert (PhotoFacts(caption="x y") | PhotoFacts(caption="z")).caption == "x y\nz"


def test_metadata_hold_what_is_known() -> None:
    facts = PhotoFacts(keywords=("sea",), position=(1.5, 2.0))
    assert facts.metadata() == {"photo.keywords": ["sea"], "photo.position": [1.5, 2.0]}
    assert PhotoFacts().metadata() == {}


def test_names_of_cameras_and_places() -> None:
    assert camera_name("Canon", "Canon EOS 5D") == "Canon EOS 5D"
    assert camera_name("NIKON CORPORATION", "NIKON D5300") == "NIKON D5300"
    assert camera_name("Apple", "iPhone XR") == "iPhone XR"
    assert camera_name(None, 5) == ""
    assert joined_place("Prater", "Wien", "wien", None, "Austria") == "Prater, Wien, Austria"
