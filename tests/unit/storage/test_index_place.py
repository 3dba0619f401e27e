"""The folder above whose index answers for a folder in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.catalog.database import CATALOG_NAME
from edgeembed.storage.index_place import covering_folder, index_place


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *args, **kwargs: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes" / "work").mkdir(parents=True)
    return (tmp_path / "notes").resolve()


def make(index_dir: Path) -> None:
    index_dir.mkdir(parents=True)
    (index_dir / CATALOG_NAME).touch()


def test_the_nearest_folder_with_an_index_covers_what_is_in_it(notes: Path) -> None:
    assert covering_folder(notes / "work") is None
    make(notes / ".edgeembed")
    assert covering_folder(notes / "work") == covering_folder(notes) == notes
    make(notes / "work" / ".edgeembed")
    assert covering_folder(notes / "work") == notes / "work"


def test_an_index_that_a_rebuild_left_half_way_counts(notes: Path) -> None:
    make(notes / ".edgeembed.old")
    assert covering_folder(notes / "work") == notes


def test_the_index_of_a_folder_that_a_client_copies_is_found_in_the_cache(notes: Path, cache: Path) -> None:
    (notes / ".dropbox").touch()
    index_dir = index_place(notes).path
    assert index_dir.is_relative_to(cache)
    make(index_dir)
    assert covering_folder(notes / "work") == notes


def test_an_index_in_the_cache_that_opening_the_folder_would_not_open_does_not_count(notes: Path) -> None:
    (notes / ".dropbox").touch()
    make(index_place(notes).path)
    (notes / ".dropbox").unlink()  # from now on the index goes into the folder itself
    assert covering_folder(notes / "work") is None
