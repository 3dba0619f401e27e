"""Which segment files have been hashed on this machine: kept in the user's cache, believed while the file looks so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeembed.segments.hash_cache import HashCache


@pytest.fixture
def segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    path = tmp_path / "index" / "text-1.usearch"
    path.write_bytes(b"rows")
    return path


def cached(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_hash_is_known_from_then_on_and_by_other_processes(segment: Path) -> None:
    cache = HashCache(segment.parent, read_only=False)
    assert not cache.holds(segment.name, segment.stat(), "abc")
    cache.put(segment.name, segment.stat(), "abc")
    for again in (cache, HashCache(segment.parent, read_only=True)):
        assert again.holds(segment.name, segment.stat(), "abc")
        assert not again.holds(segment.name, segment.stat(), "abd")
    assert not HashCache(segment.parent.parent, read_only=True).holds(segment.name, segment.stat(), "abc")


def test_a_file_that_looks_otherwise_is_not_believed(segment: Path) -> None:
    cache = HashCache(segment.parent, read_only=False)
    cache.put(segment.name, segment.stat(), "abc")
    os.utime(segment, ns=(1, 1))
    assert not cache.holds(segment.name, segment.stat(), "abc")


def test_nothing_is_written_into_the_index_and_files_that_are_gone_are_forgotten(segment: Path, tmp_path: Path) -> None:
    cache = HashCache(segment.parent, read_only=False)
    other = segment.with_name("text-2.usearch")
    other.write_bytes(b"more rows")
    cache.put(other.name, other.stat(), "abd")
    other.unlink()
    cache.put(segment.name, segment.stat(), "abc")
    assert list(segment.parent.iterdir()) == [segment]
    (path,) = cached(tmp_path)
    assert "text-1" in path.read_text()
    assert "text-2" not in path.read_text()


def test_read_only_writes_nothing_and_remembers_for_this_process(segment: Path, tmp_path: Path) -> None:
    cache = HashCache(segment.parent, read_only=True)
    cache.put(segment.name, segment.stat(), "abc")
    assert cache.holds(segment.name, segment.stat(), "abc")
    assert cached(tmp_path) == []


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"text-1.usearch": 7}', "\0" * 2_000_000])
def test_a_damaged_cache_is_an_empty_one(segment: Path, tmp_path: Path, content: str) -> None:
    HashCache(segment.parent, read_only=False).put(segment.name, segment.stat(), "abc")
    (path,) = cached(tmp_path)
    path.write_text(content)
    cache = HashCache(segment.parent, read_only=False)
    assert not cache.holds(segment.name, segment.stat(), "abc")
    cache.put(segment.name, segment.stat(), "abc")
    assert HashCache(segment.parent, read_only=True).holds(segment.name, segment.stat(), "abc")
