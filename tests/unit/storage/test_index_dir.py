"""Whose folder it is: an index lives in one of its own, and nothing else is written to, renamed or removed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from edgeembed import Folder, Index, IndexCorruptError, NotAnIndexError
from tests.support.old_files import write
from tests.support.tiny import tiny_text_bundle


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    write(tmp_path / "notes" / "boat.md", "The boat leaves the harbour at dawn.\n")
    write(tmp_path / "notes" / "tomato.txt", "Tomato seedlings want warmth.\n")
    return tmp_path / "notes"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of somebody's own."""
    write(tmp_path / "photos" / "a.txt", "mine")
    write(tmp_path / "photos" / "deep" / "b.txt", "mine too")
    return tmp_path / "photos"


def tree(root: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


@pytest.mark.parametrize("name", ["photos", "photos/deep"])
def test_an_index_is_not_made_in_a_folder_with_other_files(
    notes: Path, photos: Path, tmp_path: Path, tiny_bundle: Path, name: str
) -> None:
    before, place = tree(photos), tmp_path / name
    for make in (
        lambda: Index.open(place, model=tiny_bundle),
        lambda: Folder.open(notes, index=place, model=tiny_bundle),
        lambda: Folder.rebuild(notes, index=place, model=tiny_bundle),
    ):
        with pytest.raises(NotAnIndexError, match=r"holds what is not edgeembed's, such as .*name an empty or a new"):
            make()
        assert tree(photos) == before


def test_rebuild_leaves_the_neighbours_of_an_index_alone(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    for end in ("old", "new"):
        write(tmp_path / f"idx.{end}" / "mine.txt", "mine")
    with Folder.open(notes, index=tmp_path / "idx", model=tiny_bundle) as folder:
        folder.sync()
    shutil.copytree(tmp_path / "idx", tmp_path / "idx.new" / "backup")
    before = {end: tree(tmp_path / f"idx.{end}") for end in ("old", "new")}
    assert Folder.rebuild(notes, index=tmp_path / "idx").added == 2
    assert {end: tree(tmp_path / f"idx.{end}") for end in ("old", "new")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["idx", "idx.new", "idx.old", "notes"]


@pytest.mark.parametrize("name", [".edgeembed.old", ".edgeembed.new", ".edgeembed"])
def test_rebuild_refuses_to_touch_what_is_not_its_own(notes: Path, tiny_bundle: Path, name: str) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
    write(notes / name / "diary.txt", "mine")
    before = tree(notes)
    with pytest.raises(NotAnIndexError, match=rf"{name}: holds what is not edgeembed's, such as diary.txt"):
        Folder.rebuild(notes)
    assert tree(notes) == before
    with Folder.open(notes) as folder:
        assert folder.search("boat")


def test_what_comes_into_an_index_during_a_rebuild_stays(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
    with pytest.raises(NotAnIndexError, match=r"such as diary\.txt"):
        Folder.rebuild(notes, progress=lambda _: write(notes / ".edgeembed" / "diary.txt", "mine"))
    assert (notes / ".edgeembed" / "diary.txt").read_text() == "mine"
    (notes / ".edgeembed" / "diary.txt").unlink()
    assert Folder.rebuild(notes).unchanged == 2  # what was made is kept
    assert [path.name for path in notes.glob(".*")] == [".edgeembed"]


def test_a_rebuild_does_not_read_the_old_index(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, index=notes / "idx", model=tiny_bundle) as folder:
        folder.sync()
    assert [stat.path for stat in Folder.plan_rebuild(notes, index=notes / "idx")] == ["boat.md", "tomato.txt"]
    report = Folder.rebuild(notes, index=notes / "idx")
    assert (report.added, report.skipped) == (2, ())


def test_an_interrupted_switch_is_undone(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    for index, old in ((None, notes / ".edgeembed.old"), (tmp_path / "idx", tmp_path / ".edgeembed-idx.old")):
        with Folder.open(notes, index=index, model=tiny_bundle) as folder:
            folder.sync()
            place = folder.index.path
        place.rename(old)
        with Folder.open(notes, index=index) as folder:
            assert folder.plan().is_empty
        place.rename(old)
        assert Folder.rebuild(notes, index=index).added == 2
        with Folder.open(notes, index=index) as folder:
            assert folder.status().model == "tiny"
        assert not old.exists()


def test_a_folder_that_is_no_index_is_not_rolled_back_as_an_interrupted_swap(notes: Path, tiny_bundle: Path) -> None:
    write(notes / ".edgeembed.old" / "catalog.sqlite", "mine")
    with Folder.open(notes, model=tiny_bundle) as folder:
        assert folder.sync().added == 2
    assert (notes / ".edgeembed.old" / "catalog.sqlite").read_text() == "mine"


def test_a_catalog_of_another_program(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    place = tmp_path / "camera"
    place.mkdir()
    db = sqlite3.connect(place / "catalog.sqlite")
    db.execute("CREATE TABLE photos (name)")
    db.close()
    before = tree(place)
    with pytest.raises(IndexCorruptError, match="is not an edgeembed catalog"):
        Index.open(place, model=tiny_bundle)
    for act in (lambda: Folder.rebuild(notes, index=place, model=tiny_bundle), lambda: Index.repair(place)):
        with pytest.raises(NotAnIndexError, match=r"catalog\.sqlite"):
            act()
    assert tree(place) == before


@pytest.mark.parametrize("damage", [b"", b"x" * 5000])
def test_an_index_whose_catalog_is_past_repair_can_be_made_anew(notes: Path, tiny_bundle: Path, damage: bytes) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
    (notes / ".edgeembed" / "catalog.sqlite").write_bytes(damage)
    assert Folder.rebuild(notes, model=tiny_bundle).added == 2


def test_an_empty_folder_and_what_systems_leave_in_one(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._.DS_Store"):
        write(tmp_path / "idx" / name, "x")
    with Folder.open(notes, index=tmp_path / "idx", model=tiny_bundle) as folder:
        folder.sync()
    write(tmp_path / "idx" / ".DS_Store", "x")
    assert Folder.rebuild(notes, index=tmp_path / "idx").added == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["idx", "notes"]


def test_folders_with_the_names_of_an_index_s_files_are_not_its_own(tmp_path: Path, tiny_bundle: Path) -> None:
    write(tmp_path / "books" / "writer" / "draft.txt", "mine")
    with pytest.raises(NotAnIndexError, match="such as writer"):
        Index.open(tmp_path / "books", model=tiny_bundle)


def test_what_was_begun_by_a_process_that_died_is_no_obstacle(tmp_path: Path, tiny_bundle: Path) -> None:
    for name in ("lock", "writer", "catalog.sqlite.part", "catalog.sqlite.part-wal", "catalog.sqlite-wal"):
        write(tmp_path / "idx" / name, "")
    Index.open(tmp_path / "idx", model=tiny_bundle).close()


def test_the_marks_of_an_index_are_not_put_among_other_files(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    Index.open(tmp_path / "idx", model=tiny_bundle).close()
    write(tmp_path / "idx" / "letter.txt", "mine")
    with Folder.open(notes, index=tmp_path / "idx") as folder:
        assert folder.sync().added == 2
    assert not (tmp_path / "idx" / "CACHEDIR.TAG").exists()  # or backups would leave the letter out


def test_no_name_and_the_current_folder(
    notes: Path, tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for make in (lambda: Index.open("", model=tiny_bundle), lambda: Folder.open(notes, index="", model=tiny_bundle)):
        with pytest.raises(ValueError, match="is empty; name"):
            make()
    assert not list((tmp_path / "here").iterdir())
    assert Folder.rebuild(notes, index=".", model=tiny_bundle).added == 2
    monkeypatch.chdir(notes)
    with pytest.raises(NotAnIndexError, match="such as boat"):
        Folder.rebuild(tmp_path, index=".", model=tiny_bundle)
    with pytest.raises(NotAnIndexError, match="is the folder with the files"):
        Folder.open(".", index=".", model=tiny_bundle)
    assert sorted(path.name for path in notes.iterdir()) == ["boat.md", "tomato.txt"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_an_index_behind_a_link(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    other = tiny_text_bundle(tmp_path / "other", seed=7)
    with Folder.open(notes, index=tmp_path / "link", model=tiny_bundle) as folder:
        folder.sync()
    assert Folder.rebuild(notes, index=tmp_path / "link", model=other).added == 2
    assert (tmp_path / "link").is_symlink()
    with Folder.open(notes, index=tmp_path / "disk") as folder:
        assert folder.status().model == "other"
    (notes / ".edgeembed").symlink_to(tmp_path / "disk")
    with pytest.raises(
        IndexCorruptError, match=rf"is a link.*name its target with index= or --index {tmp_path / 'disk'}$"
    ):
        Folder.open(notes)
