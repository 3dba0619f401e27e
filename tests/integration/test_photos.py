"""Photos in a folder: what they say is searched and filtered by, copies are one hit, cut ones are incomplete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeembed import Document, Folder, Index
from edgeembed.catalog.settings import READERS_VERSION
from tests.support.images import drawing, noise, saved
from tests.support.tiny_image import tiny_two_tower_bundle

VIENNA, ZANZIBAR = (48.2165, 16.396), (-6.16, 39.19)


def exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0110] = "Grandmother on the big wheel", "Canon", "Canon EOS 5D"
    exif[0x8769] = {0x9003: "2019:07:14 12:30:05"}
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 59.4), 3: "E", 4: (16.0, 23.0, 45.6)}
    return exif


def sidecar(path: Path, **change: Any) -> None:
    said = {
        "title": "IMG_2.jpg",
        "description": "Dhows in the harbour",
        "people": [{"name": "Obadiah"}],
        "photoTakenTime": {"timestamp": "1500000000"},
        "geoData": {"latitude": ZANZIBAR[0], "longitude": ZANZIBAR[1]},
    }
    path.write_text(json.dumps({**said, **change}), encoding="utf-8")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    root = tmp_path / "album"
    (root / "backup").mkdir(parents=True)
    drawing(120, 90).save(root / "IMG_1.jpg", exif=exif())
    (root / "backup/IMG_1 copy.jpg").write_bytes((root / "IMG_1.jpg").read_bytes())
    noise(60, 40).save(root / "IMG_2.jpg")
    sidecar(root / "IMG_2.jpg.supplemental-metadata.json")
    noise(60, 40, 5).save(root / "IMG_3.png")
    return root


@pytest.fixture
def folder(album: Path, two_towers: Path) -> Iterator[Folder]:
    with Folder.open(album, model=two_towers) as folder:
        folder.sync()
        yield folder


def found(folder: Folder, where: dict[str, Any] | None = None, query: str = "picture") -> set[str]:
    return {id for hit in folder.search(query, k=50, where=where) for id in (hit.id, *hit.copies)}


def settle(folder: Folder) -> None:
    """Let all files be older than a tick of the file system's clock, so that only what is new is looked at."""
    for path in folder.path.rglob("*"):
        if ".edgeembed" not in path.parts:
            os.utime(path, (10**9, 10**9))
    folder.sync()
    assert folder.plan().is_empty


FIRST = {"IMG_1.jpg", "backup/IMG_1 copy.jpg"}


def test_what_photos_say_is_searched_as_their_words(folder: Folder) -> None:
    def by_words(query: str) -> set[str]:
        hits = folder.search(query, mode="keyword")
        return {id for hit in hits for id in (hit.id, *hit.copies)}

    assert by_words("grandmother") == by_words("canon") == by_words('"big wheel"') == FIRST
    assert by_words("obadiah") == by_words('"dhows in the"') == {"IMG_2.jpg"}
    assert by_words("supplemental") == set()  # a sidecar is no document
    assert "IMG_2.jpg" not in found(folder, query="picture -harbour")
    (hit,) = folder.search("harbour", mode="keyword")
    assert hit.matched == ("keyword",)
    assert hit.metadata["photo.caption"] == "Dhows in the harbour"


def test_filters_by_facts_of_photos(folder: Folder) -> None:
    assert found(folder, {"photo.camera": {"glob": "Canon*"}}) == FIRST
    assert found(folder, {"photo.people": {"has": "Obadiah"}}) == {"IMG_2.jpg"}
    assert found(folder, {"photo.taken": {">=": "2019-07-14", "<": "2019-07-15"}}) == FIRST
    assert found(folder, {"photo.taken": {"<": datetime(2018, 1, 1)}}) == {"IMG_2.jpg"}
    assert found(folder, {"photo.taken": None}) == {"IMG_3.png"}
    assert found(folder, {"file.date": {">=": "2017-07-13", "<": "2017-07-16"}}) == {"IMG_2.jpg"}
    os.utime(folder.path / "IMG_3.png", (10**9, 10**9))  # 2001, of which nothing else is known
    folder.sync()
    assert found(folder, {"file.date": {"<": "2002-01-01"}}) == {"IMG_3.png"}


def test_places_near_another(folder: Folder) -> None:
    assert found(folder, {"photo.position": {"near": (48.2, 16.4, 5)}}) == FIRST
    assert found(folder, {"photo.position": {"near": [48.2, 16.4, 1]}}) == set()
    assert found(folder, {"photo.position": {"near": (48.2, 16.4, 10_000)}}) == {*FIRST, "IMG_2.jpg"}
    wrong: object
    for wrong in ((1, 2), "48,16,5", (1, 2, "x"), 5, (True, 1, 1)):
        with pytest.raises(TypeError, match="takes latitude, longitude and kilometres"):
            found(folder, {"photo.position": {"near": wrong}})
    for wrong in ((91, 0, 1), (0, 181, 1), (0, 0, -1)):
        with pytest.raises(ValueError, match="takes degrees"):
            found(folder, {"photo.position": {"near": wrong}})


def test_copies_are_one_hit(folder: Folder, album: Path) -> None:
    hits = folder.search(album / "IMG_1.jpg", k=2)
    assert {hits[0].id, *hits[0].copies} == FIRST
    assert hits[1].id not in FIRST
    (hit,) = folder.search(album / "IMG_1.jpg", k=1, where={"file.path": {"glob": "backup/"}})
    assert (hit.id, hit.copies) == ("backup/IMG_1 copy.jpg", ())
    assert {hit.id for hit in folder.similar("IMG_1.jpg") if hit.same_content} == {"backup/IMG_1 copy.jpg"}
    for number in range(30):
        (album / f"again {number}.jpg").write_bytes((album / "IMG_1.jpg").read_bytes())
    assert folder.sync().embedded == 0
    for query in (album / "IMG_1.jpg", "wheel"):
        hits = folder.search(query, k=3)
        assert len(hits) == 3
        assert max(len(hit.copies) for hit in hits) == 31


def test_records_of_an_application_stay_apart(tmp_path: Path, two_towers: Path) -> None:
    with Index.open(tmp_path / "index", model=two_towers) as index:
        index.add([Document(name, text="Thank you!") for name in ("m1", "m2", "m3")])
        hits = index.search("thank you")
    assert [(hit.id, hit.copies) for hit in hits] == [("m1", ()), ("m2", ()), ("m3", ())]


def test_a_changed_sidecar_embeds_nothing(folder: Folder, album: Path) -> None:
    beside = album / "IMG_2.jpg.supplemental-metadata.json"
    settle(folder)
    sidecar(beside, description="Boats at dawn")
    report = folder.sync()
    assert (report.updated, report.embedded) == (1, 0)
    assert found(folder, {"photo.caption": "Boats at dawn"}) == {"IMG_2.jpg"}
    assert [hit.id for hit in folder.search("dawn", mode="keyword")] == ["IMG_2.jpg"]
    assert folder.search("dhows", mode="keyword") == []
    (album / "IMG_3.xmp").write_text('<a xmlns:d="http://purl.org/dc/elements/1.1/" d:title="Zebras"/>')
    assert (folder.sync().updated, [hit.id for hit in folder.search("zebras", mode="keyword")]) == (1, ["IMG_3.png"])
    beside.unlink()
    folder.sync()
    assert "IMG_2.jpg" not in {hit.id for hit in folder.search("dawn obadiah", mode="keyword")}
    assert folder.index.verify().problems == ()
    (album / "IMG_3.png").unlink()  # and its sidecar is a document again
    assert folder.sync().added == 1


def test_photos_of_an_index_made_before_are_looked_at_again(album: Path, two_towers: Path) -> None:
    with Folder.open(album, model=two_towers) as folder:
        folder.sync()
        store = folder.index._store
        rows = store.read(lambda snapshot: snapshot.files())
        with store.writing() as writer:
            writer.put_setting(READERS_VERSION, "2")
            for name, row in rows.items():
                writer.add(Document(name, image=album / name), file=row)
        assert folder.search("grandmother", mode="keyword") == []
        report = folder.sync()
        assert (report.embedded, report.added, report.updated) == (0, 0, 3)
        assert len(folder.search("grandmother", mode="keyword")) == 1


def test_what_decodes_of_a_cut_photo_is_indexed(folder: Folder, album: Path) -> None:
    whole = saved(drawing(600, 400), "JPEG", quality=95)
    (album / "cut.jpg").write_bytes(whole[: len(whole) * 8 // 10])
    (album / "cut.gif").write_bytes(saved(drawing(600, 400), "GIF")[:-400])
    (album / "cut again.jpg").write_bytes((album / "cut.jpg").read_bytes())
    (album / "no.jpg").write_bytes(whole[:600])
    report = folder.sync()
    assert report.added == 3
    assert [item.path for item in report.skipped] == ["no.jpg"]
    status = folder.status()
    assert {item.path for item in status.incomplete} == {"cut.jpg", "cut.gif", "cut again.jpg"}
    assert all(item.reason == "cut off: the end of the picture is missing" for item in status.incomplete)
    settle(folder)
    assert folder.sync().unchanged == 7
    assert len(folder.status().incomplete) == 3
    assert folder.index.verify().problems == ()
    (album / "cut.jpg").write_bytes(whole)
    folder.sync()
    assert {item.path for item in folder.status().incomplete} == {"cut.gif", "cut again.jpg"}


def test_what_other_programs_derive_is_left_out_and_counted(album: Path, two_towers: Path) -> None:
    for name in (
        *(
            "@eaDir/IMG_1.jpg/SYNOPHOTO_THUMB_M.jpg",
            "#recycle/IMG_9.jpg",
            "A.photoslibrary/resources/derivatives/a.jpg",
        ),
        *("A.photoslibrary/originals/1/a.jpg", "IMG_3.png_original", "Lr.lrdata/1/a.jpg"),
    ):
        (album / name).parent.mkdir(parents=True, exist_ok=True)
        (album / name).write_bytes(saved(noise(30, 30, len(name)), "JPEG"))
    with Folder.open(album, model=two_towers) as folder:
        folder.sync()
        assert set(folder.index._store.read(lambda snapshot: snapshot.ids())) == {
            *FIRST,
            *("IMG_2.jpg", "IMG_3.png", "A.photoslibrary/originals/1/a.jpg"),
        }
        left_out = {item.path for item in folder.plan(lists_left_out=True).left_out}
    assert left_out >= {"@eaDir/", "#recycle/", "A.photoslibrary/resources/", "IMG_3.png_original", "Lr.lrdata/"}


def test_on_the_command_line(album: Path, tmp_path: Path) -> None:
    from tests.support.commands import edge

    bundle = tiny_two_tower_bundle(tmp_path / "bundle")
    whole = saved(drawing(600, 400), "JPEG", quality=95)
    (album / "cut.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    assert edge("index", "--model", bundle, album).returncode == 0
    status = edge("status", album).stdout
    assert "incomplete 1" in status
    assert "cut.jpg: cut off: the end of the picture is missing" in status
    assert json.loads(edge("status", album, "--json").stdout)["incomplete"][0]["path"] == "cut.jpg"
    run = edge(
        "search", "grandmother", "--near", "48.2,16.4,5", "--since", "2019-07-14", "--until", "2019-07-14", album
    )
    assert "2019-07-14 12:30" in run.stdout
    assert "Grandmother on the big wheel" in run.stdout
    assert "same content: " in run.stdout
    (hit,) = map(json.loads, edge("search", "dhows", "--mode", "keyword", "--json", album).stdout.splitlines())
    assert hit["metadata"]["photo.position"] == list(ZANZIBAR)
    assert "copies" not in hit
    (album.parent / "query").write_bytes((album / "IMG_1.jpg").read_bytes())  # a picture, whatever it is called
    run = edge("search", album.parent / "query", album, "-k", "1", "--json")
    assert len(json.loads(run.stdout)["copies"]) == 1
    assert edge("search", "x", album, "--near", "95,1,1").returncode == 2
