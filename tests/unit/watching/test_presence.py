"""A folder that is away is told from one that is empty."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeembed.watching.presence import Presence, State


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    make(folder)
    return folder


def make(folder: Path, *, index: bool = True) -> None:
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    if index:
        (folder / ".edgeembed").mkdir()
        (folder / ".edgeembed/catalog.sqlite").touch()


def test_it_is_there(folder: Path) -> None:
    presence = Presence(folder, folder, folder / ".edgeembed")
    assert presence.state(was_touched=True) is State.THERE
    (folder / "a.txt").unlink()
    assert presence.state(was_touched=False) is State.THERE


def test_a_folder_that_is_gone_is_away_and_comes_back(folder: Path, tmp_path: Path) -> None:
    presence = Presence(folder, folder, folder / ".edgeembed")
    folder.rename(tmp_path / "moved")
    assert presence.state(was_touched=False) is State.AWAY
    assert not presence.is_back()
    folder.mkdir()  # the mount point of a drive
    assert presence.state(was_touched=False) is State.AWAY
    assert not presence.is_back()
    folder.rmdir()
    (tmp_path / "moved").rename(folder)
    assert presence.is_back()


def test_another_folder_in_its_place_counts_once_it_holds_something(folder: Path, tmp_path: Path) -> None:
    presence = Presence(folder, folder, tmp_path / "index")
    folder.rename(tmp_path / "moved")
    folder.mkdir()
    (folder / "lost+found").mkdir()
    (folder / ".Trash-1000").mkdir()
    assert presence.state(was_touched=False) is State.AWAY
    assert not presence.is_back()
    (folder / "b.txt").write_text("b")
    assert presence.is_back()


def test_an_index_that_somebody_removed_is_not_made_anew(folder: Path) -> None:
    presence = Presence(folder, folder, folder / ".edgeembed")
    shutil.rmtree(folder / ".edgeembed")
    assert presence.state(was_touched=False) is State.FORGOTTEN


def test_a_folder_made_anew_with_the_inode_of_the_old_one_was_away(folder: Path) -> None:
    presence = Presence(folder, folder, folder / ".edgeembed")
    shutil.rmtree(folder / ".edgeembed")
    assert presence.state(was_touched=True) is State.AWAY
    (folder / "a.txt").unlink()
    assert presence.state(was_touched=False) is State.AWAY


def test_a_rebuild_that_swaps_indexes_is_not_noticed(folder: Path) -> None:
    presence = Presence(folder, folder, folder / ".edgeembed")
    (folder / ".edgeembed").rename(folder / ".edgeembed.old")
    assert presence.state(was_touched=False) is State.THERE
    (folder / ".edgeembed").mkdir()
    assert presence.state(was_touched=False) is State.THERE


def test_an_index_that_is_not_made_yet_is_no_sign(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    make(folder, index=False)
    presence = Presence(folder, folder, folder / ".edgeembed")
    assert presence.state(was_touched=False) is State.THERE


def test_a_folder_that_is_missing_at_first_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Presence(tmp_path / "none", tmp_path / "none", tmp_path / "none/.edgeembed")
