"""An index that is named with another folder than its own: nothing is lost; one whose folder was moved goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgeembed import Document, Folder, FolderMismatchError, Index
from edgeembed.catalog.database import Catalog
from tests.support.commands import edge
from tests.support.old_files import write


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for number in range(8):
        write(tmp_path / "notes" / f"{number}.txt", f"note {number} about a boat")
    return tmp_path / "notes"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    for name in "abc":
        write(tmp_path / "other" / f"{name}.txt", f"letter {name} about a boat")
    return tmp_path / "other"


@pytest.fixture
def place(notes: Path, tmp_path: Path, tiny_bundle: Path) -> Path:
    """An index of the notes, outside of their folder."""
    with Folder.open(notes, index=tmp_path / "index", model=tiny_bundle) as folder:
        folder.sync()
    return tmp_path / "index"


def forget_origin(place: Path) -> None:
    """Leave an index as one that was made before it said where its files came from."""
    catalog = Catalog(place)
    with catalog.write() as transaction:
        transaction.unset("folder")
    catalog.close()


@pytest.mark.slow
def test_every_command_refuses_the_index_of_another_folder_and_says_which(
    notes: Path, other: Path, place: Path
) -> None:
    write(other / "0.txt", "a name that is in both folders")
    advice = f"`edgeembed index {other} --index {place} --rebuild`"
    for command in (
        ("index", other),
        ("index", other, "--dry-run"),
        ("status", other),
        ("search", "boat", other),
        ("similar", other / "a.txt", other),
        ("explain", "boat", other / "a.txt", other),
    ):
        run = edge(*command, "--index", place)
        assert (run.returncode, run.stdout) == (2, ""), command
        assert f"{place}: was made from {notes}, and of its 8 files 7 are not in {other}" in run.stderr
        assert advice in run.stderr
    error = json.loads(edge("search", "boat", other, "--index", place, "--json").stderr)
    assert (error["error"], error["path"]) == ("FolderMismatchError", str(place))
    with Folder.open(notes, index=place) as folder:
        assert folder.plan().is_empty
        assert folder.status().documents == 8


def test_an_index_is_made_anew_of_another_folder(notes: Path, other: Path, place: Path) -> None:
    assert Folder.rebuild(notes, index=place, cancel=lambda: True).cancelled  # what was begun is of the notes
    assert edge("index", other, "--index", place, "--rebuild").returncode == 0
    with Folder.open(other, index=place) as folder:
        assert folder.plan().is_empty
        assert folder.status().documents == 3


def test_a_folder_that_was_moved_or_renamed_goes_on(notes: Path, place: Path, tmp_path: Path) -> None:
    for number in range(3):
        (notes / f"{number}.txt").unlink()
    write(notes / "more.txt", "one more boat")
    moved = notes.rename(tmp_path / "moved")
    with Folder.open(moved, index=place) as folder:
        report = folder.sync()
        assert (report.added, report.removed, report.unchanged) == (1, 3, 5)
    for path in moved.iterdir():
        path.rename(path.with_suffix(".md"))
    with Folder.open(moved, index=place) as folder:  # that it was moved is known now
        assert (folder.sync().removed, folder.status().documents) == (6, 6)


def test_an_index_in_its_own_folder_is_never_that_of_another(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
    moved = notes.rename(tmp_path / "moved")
    for path in moved.glob("*.txt"):
        path.rename(path.with_suffix(".md"))
    with Folder.open(moved) as folder:
        assert folder.sync().removed == 8


@pytest.mark.parametrize("inside", [False, True])
def test_an_index_that_does_not_say_its_folder_is_refused_where_no_file_is_known(
    notes: Path, other: Path, place: Path, inside: bool
) -> None:
    if inside:
        place = place.rename(notes / ".edgeembed")
    forget_origin(place)
    with Folder.open(other, index=place) as folder, pytest.raises(FolderMismatchError) as caught:
        folder.sync()
    assert (caught.value.path, caught.value.made_from) == (place, notes if inside else None)
    write(other / "0.txt", "a name that is in both folders")
    with Folder.open(other, index=place) as folder:
        assert folder.sync().removed == 7


def test_a_few_files_and_records_of_an_application_are_no_reason(
    notes: Path, other: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    place = tmp_path / "index"
    with Index.open(place, model=tiny_bundle) as index:
        index.add(Document(f"record {number}", text=f"record {number}") for number in range(20))
    for root, removed in ((other, 0), (notes, 3)):
        with Folder.open(root, index=place) as folder:
            assert folder.sync().removed == removed
            assert folder.status().documents >= 20


def test_a_folder_with_an_odd_name_and_shipping(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        for number in range(8):
            write(root / f"{number}.txt", f"note {number}")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with Folder.open(root, index=tmp_path / "index", model=tiny_bundle) as folder:
        folder.sync()
    write(tmp_path / "other" / "a.txt", "letter")
    with Folder.open(tmp_path / "other", index=tmp_path / "index") as folder:
        with pytest.raises(FolderMismatchError) as caught:
            folder.plan()
        assert caught.value.made_from == root
        folder.index.compact(for_shipping=True)
    assert b"caf" not in (tmp_path / "index" / "catalog.sqlite").read_bytes()
