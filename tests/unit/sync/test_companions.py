"""Files that belong to a photo are no documents of their own."""

from __future__ import annotations

from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.sync.companions import LEFT_BEHIND, RAW, SIDECAR, with_companions
from edgeembed.sync.walk_options import LeftOut


def stat(path: str, changed: int = 1) -> FileStat:
    return FileStat(path, 10, changed, 5, changed)


def test_a_folder_of_photos() -> None:
    names = [
        "a.jpg",
        "a.jpg.json",
        "a.CR2",
        "a.CR2.xmp",
        "b.HEIC",
        "b.AAE",
        "c.nef",
        "d.jpg",
        "d.jpg_original",
        "notes.json",
    ]
    left_out: list[LeftOut] = []
    found = list(with_companions([stat(f"trip/{name}") for name in names], left_out))
    assert [entry.path for entry in found] == [
        f"trip/{name}" for name in ("a.jpg", "b.HEIC", "c.nef", "d.jpg", "notes.json")
    ]
    assert found[0].sidecars == ("a.CR2.xmp", "a.jpg.json")  # type: ignore[union-attr]
    assert {item.path.rpartition("/")[2]: item.rule for item in left_out} == {
        "a.jpg.json": SIDECAR,
        "a.CR2": RAW,
        "a.CR2.xmp": SIDECAR,
        "b.AAE": LEFT_BEHIND,
        "d.jpg_original": LEFT_BEHIND,
    }


def test_each_folder_by_itself_and_what_is_skipped_stays() -> None:
    entries: list[FileStat | Skipped] = [
        stat("a.jpg"),
        stat("b/a.jpg.json"),
        Skipped("c", "not readable"),
        stat("c.json"),
        stat("d/a.cr2"),
        stat("e/a.jpg"),
    ]
    assert list(with_companions(entries)) == entries


def test_a_photo_looks_changed_when_its_sidecar_does() -> None:
    def ctime(*entries: FileStat) -> int | None:
        return next(iter(with_companions(entries))).ctime_ns  # type: ignore[union-attr]

    alone = ctime(stat("a.jpg", 3))
    assert alone == ctime(stat("a.jpg", 3), stat("notes.json", 7)) == 3
    assert ctime(stat("a.jpg", 3), stat("a.xmp", 7)) == 7
    assert ctime(stat("a.jpg", 3), FileStat("a.xmp", 10, 9, 5, 2)) == 9  # on Windows its ctime is that of its creation
    assert ctime(FileStat("a.jpg", 1, 1), stat("a.xmp", 7)) is None
