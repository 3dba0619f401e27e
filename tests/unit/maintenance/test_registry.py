"""The list of the indexes of a user."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgeembed.catalog.database import CATALOG_NAME
from edgeembed.maintenance.registry import forget, known_indexes, remember


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *args, **kwargs: tmp_path / "cache")
    return tmp_path / "cache"


def made(folder: Path) -> Path:
    index_dir = folder / ".edgeembed"
    index_dir.mkdir(parents=True)
    (index_dir / CATALOG_NAME).write_bytes(b"x" * 100)
    return index_dir


def test_indexes_are_listed_those_used_last_first(tmp_path: Path, cache: Path) -> None:
    odd = "caf\udce9" if os.name == "posix" else "café"
    first, second = made(tmp_path / "one"), made(tmp_path / odd)
    remember(first, tmp_path / "one")
    remember(second, tmp_path / odd)
    for entry in cache.rglob("*.json"):
        os.utime(entry, (1, 1) if json.loads(entry.read_text())["index"].endswith("one/.edgeembed") else (2, 2))
    assert [known.folder.name for known in known_indexes()] == [odd, "one"]
    remember(first, tmp_path / "one")
    assert [known.folder.name for known in known_indexes()] == ["one", odd]
    assert {known.size_bytes for known in known_indexes()} == {100}
    assert [known.path for known in known_indexes()] == [first, second]


def test_what_is_gone_is_dropped(tmp_path: Path, cache: Path) -> None:
    first, second = made(tmp_path / "one"), made(tmp_path / "two")
    for index_dir in (first, second):
        remember(index_dir, index_dir.parent)
    (first / CATALOG_NAME).unlink()
    next(cache.rglob("*.json")).with_name("odd.json").write_text("[1]")
    assert [known.path for known in known_indexes()] == [second]
    assert len(list(cache.rglob("*.json"))) == 1
    forget(second)
    assert known_indexes() == []


def test_who_only_reads_adds_nothing(tmp_path: Path, cache: Path) -> None:
    remember(made(tmp_path / "one"), tmp_path / "one", only_known=True)
    assert not cache.exists()


def test_a_user_without_a_cache_has_no_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *args, **kwargs: Path("~/.cache/edgeembed"))
    index_dir = made(tmp_path / "one")
    remember(index_dir, tmp_path / "one")
    assert known_indexes() == []
    forget(index_dir)
