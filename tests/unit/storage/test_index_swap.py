"""A rebuilt index in the place of the old one: the two renames, what a kill between them leaves, what is not ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed import Index
from edgeembed.errors import IndexCorruptError, NotAnIndexError
from edgeembed.storage.index_swap import (
    begun_rebuild,
    check_swap,
    forget_index,
    rebuild_dir,
    remove_index,
    roll_back_swap,
    swap_in,
)

Make = Callable[[Path, str], Path]


@pytest.fixture
def index_dir(tmp_path: Path) -> Path:
    return tmp_path.resolve() / ".edgeembed"


@pytest.fixture(scope="module")
def empty_index(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "index"
    Index.open(folder, model=tiny_bundle).close()
    return folder


@pytest.fixture
def make(empty_index: Path) -> Callable[[Path, str], Path]:
    def run(folder: Path, content: str) -> Path:
        """A real index; ``content`` tells which of two it is."""
        shutil.copytree(empty_index, folder)
        (folder / ".gitignore").write_text(content)
        return folder

    return run


def content(folder: Path) -> str:
    return (folder / ".gitignore").read_text()


@pytest.mark.parametrize(
    ("name", "scratch"),
    [(".edgeembed", ".edgeembed.new"), ("notes", ".edgeembed-notes.new"), (".edgeembed-b", ".edgeembed-b.new")],
)
def test_a_rebuild_is_hidden_and_named_after_its_index(tmp_path: Path, name: str, scratch: str) -> None:
    assert rebuild_dir(tmp_path / name) == tmp_path / scratch


def test_the_new_index_takes_the_place_of_the_old_one(index_dir: Path, make: Make) -> None:
    make(index_dir, "old")
    scratch = make(rebuild_dir(index_dir), "new")
    assert begun_rebuild(index_dir) == scratch
    swap_in(index_dir, scratch)
    assert content(index_dir) == "new"
    assert sorted(path.name for path in index_dir.parent.iterdir()) == [".edgeembed"]
    assert begun_rebuild(index_dir) is None


def test_a_swap_needs_no_old_index_and_no_second_swap(index_dir: Path, make: Make) -> None:
    swap_in(index_dir, make(rebuild_dir(index_dir), "new"))
    assert content(index_dir) == "new"
    swap_in(index_dir, rebuild_dir(index_dir))  # another process was first
    assert content(index_dir) == "new"


def test_a_kill_between_the_two_renames_is_rolled_back(index_dir: Path, make: Make) -> None:
    old = make(index_dir.with_name(".edgeembed.old"), "old")
    make(rebuild_dir(index_dir), "new")
    roll_back_swap(index_dir)
    assert content(index_dir) == "old"
    assert not old.exists()
    roll_back_swap(index_dir)  # nothing to be done
    assert content(index_dir) == "old"


def test_an_old_folder_that_is_no_index_is_not_taken_back(index_dir: Path, make: Make) -> None:
    old = make(index_dir.with_name(".edgeembed.old"), "old")
    (old / "diary.txt").touch()
    roll_back_swap(index_dir)
    assert not index_dir.exists()
    assert (old / "diary.txt").exists()


@pytest.mark.parametrize("end", ["", ".new", ".old"])
def test_a_swap_refuses_other_files_in_any_of_the_three_folders(index_dir: Path, make: Make, end: str) -> None:
    make(index_dir, "old")
    scratch = make(rebuild_dir(index_dir), "new")
    folder = index_dir.with_name(index_dir.name + end)
    folder.mkdir(exist_ok=True)
    (folder / "diary.txt").touch()
    with pytest.raises(NotAnIndexError, match=r"diary\.txt"):
        check_swap(index_dir)
    with pytest.raises(NotAnIndexError):
        swap_in(index_dir, scratch)
    assert (content(index_dir), content(scratch)) == ("old", "new")


def test_an_index_is_forgotten_with_the_rebuild_that_was_begun(index_dir: Path, make: Make) -> None:
    make(index_dir, "old")
    make(rebuild_dir(index_dir), "new")
    forget_index(index_dir)
    assert list(index_dir.parent.iterdir()) == []


def test_other_files_and_links_keep_an_index_from_being_forgotten(index_dir: Path, make: Make, tmp_path: Path) -> None:
    make(index_dir, "old")
    (index_dir / "diary.txt").touch()
    with pytest.raises(NotAnIndexError):
        forget_index(index_dir)
    assert content(index_dir) == "old"
    (tmp_path / "link").symlink_to(index_dir)
    with pytest.raises(IndexCorruptError, match="is a link"):
        forget_index(tmp_path / "link")


def test_what_is_not_an_indexs_stays_when_it_is_removed(index_dir: Path, make: Make) -> None:
    make(index_dir, "old")
    (index_dir / "diary.txt").touch()
    remove_index(index_dir)
    assert [path.name for path in index_dir.iterdir()] == ["diary.txt"]
    remove_index(index_dir / "absent")  # is no error
