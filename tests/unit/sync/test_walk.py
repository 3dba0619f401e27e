"""Walking a folder."""

from __future__ import annotations

import os
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeembed.reading.entries import OWN_INDEX, FileStat, Skipped
from edgeembed.sync import walk as walk_module
from edgeembed.sync.walk import walk

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX file systems only")


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def paths(root: Path, **options: list[Path]) -> list[str]:
    return [entry.path for entry in walk(root, **options)]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """An empty folder, while this process is somebody whom permissions stop."""
    if os.name == "nt":
        pytest.skip("permissions as on POSIX")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            for path in folder.rglob("*"):
                path.chmod(0o700)


def test_attributes_of_a_file(tmp_path: Path) -> None:
    make(tmp_path, "sub folder/übung.txt")
    os.utime(tmp_path / "sub folder" / "übung.txt", ns=(1, 1_234_567_890_123_456_700))
    assert [entry[:3] for entry in walk(tmp_path) if isinstance(entry, FileStat)] == [
        ("sub folder/übung.txt", 21, 1_234_567_890_123_456_700)
    ]


def test_order_is_by_name_and_files_come_first(tmp_path: Path) -> None:
    make(tmp_path, "b/2", "b/1", "a/z", "c", "a.txt", "b/x/3", "Z")
    assert paths(tmp_path) == ["Z", "a.txt", "c", "a/z", "b/1", "b/2", "b/x/3"]


def test_hidden_names_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".hidden", ".git/config", "a/.cache/x", "a/..b", "kept")
    assert paths(tmp_path) == ["kept"]


def test_a_folder_with_an_index_of_its_own_belongs_to_itself(tmp_path: Path) -> None:
    make(
        tmp_path,
        ".edgeembed/catalog.sqlite",
        "own/.edgeembed/catalog.sqlite",
        "own/deep/a",
        "other/.edgeembed/x",
        "other/b",
    )
    found = list(walk(tmp_path))
    assert found[1:] == [Skipped("own", OWN_INDEX)]
    assert found[0].path == "other/b"


def test_exclude(tmp_path: Path) -> None:
    make(tmp_path, "index/catalog.sqlite", "indexes/a", "b/c", "b/d")
    assert paths(tmp_path, exclude=[tmp_path / "index", tmp_path / "b" / "c", tmp_path.parent]) == ["b/d", "indexes/a"]


def test_what_is_no_folder(tmp_path: Path) -> None:
    make(tmp_path, "file")
    with pytest.raises(FileNotFoundError):
        walk(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        walk(tmp_path / "file")


@posix_only
def test_links(tmp_path: Path) -> None:
    make(tmp_path, "root/real/a.txt", "root/.hidden/secret.txt", "outside.txt", "root/out/x")
    links = {
        "inside.txt": "real/a.txt",
        "absolute.txt": tmp_path / "root/real/a.txt",
        "outside.txt": "../outside.txt",
        "hidden.txt": ".hidden/secret.txt",
        "folder": "real",
        "broken": "nowhere",
        "loop": "loop",
        "through a file": "real/a.txt/b",
        "excluded": "out/x",
        "up": "..",
    }
    for name, target in links.items():
        (tmp_path / "root" / name).symlink_to(target)
    entries = list(walk(tmp_path / "root", exclude=[tmp_path / "root/out"]))
    broken = [entry for entry in entries if isinstance(entry, Skipped)]
    assert broken == [Skipped(name, "not a file: a broken link") for name in ("broken", "loop", "through a file")]
    found = [entry for entry in entries if isinstance(entry, FileStat)]
    assert [entry.path for entry in found] == ["absolute.txt", "inside.txt", "real/a.txt"]
    assert {entry.size_bytes for entry in found} == {len("root/real/a.txt")}


@posix_only
def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    make(tmp_path, "real/a.txt")
    (tmp_path / "link").symlink_to("real")
    assert paths(tmp_path / "link") == ["a.txt"]


@posix_only
def test_pipes_and_sockets_are_named_and_not_opened(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore")
    (tmp_path / ".gitignore").write_text("ignored")
    for name in ("pipe", "ignored", ".hidden"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))  # such names must be short
        assert list(walk(tmp_path)) == [
            Skipped("link", "not a file: a pipe"),
            Skipped("pipe", "not a file: a pipe"),
            Skipped("socket", "not a file: a socket"),
        ]


@posix_only
@pytest.mark.skipif(sys.platform == "darwin", reason="this file system takes UTF-8 names only")
def test_awkward_names(tmp_path: Path) -> None:
    names = [
        "new\nline",
        "tab\t",
        "quote'\"",
        "back\\slash",
        "emoji 👩‍👧",
        "e\u0301",
        "ends ",
        "-n",
        os.fsdecode(b"\xff\xfe"),
    ]
    make(tmp_path, "-d/x\ny")
    for name in names:
        (tmp_path / name).write_text("x")
    assert paths(tmp_path) == [*sorted(names), "-d/x\ny"]


def test_a_folder_that_cannot_be_read_is_named(unprivileged: Path) -> None:
    make(unprivileged, "a/1", "closed/2", "z/3")
    (unprivileged / "closed").chmod(0)
    assert list(walk(unprivileged))[1] == Skipped("closed", "not readable: permission denied")
    assert paths(unprivileged) == ["a/1", "closed", "z/3"]
    (unprivileged / "closed").chmod(0o400)  # names can be read, but nothing about them
    assert Skipped("closed/2", "not readable: permission denied") in list(walk(unprivileged))


def test_a_root_that_cannot_be_read_is_an_error(unprivileged: Path) -> None:
    make(unprivileged, "closed/a")
    (unprivileged / "closed").chmod(0)
    with pytest.raises(PermissionError):
        list(walk(unprivileged / "closed"))


@posix_only
def test_a_tree_deeper_than_paths_may_be_long(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    found = list(walk(tmp_path))
    assert found[0].path == "a.txt"
    assert [type(entry) for entry in found[1:]] == [Skipped]
    assert found[1].reason.startswith("not readable: ")  # type: ignore[union-attr]


def test_many_levels_need_no_recursion(tmp_path: Path) -> None:
    levels = [tmp_path]
    for _ in range(1200):
        levels.append(levels[-1] / "d")
        levels[-1].mkdir()
    (levels[-1] / "a").write_text("x")
    try:
        assert paths(tmp_path) == ["d/" * 1200 + "a"]
    finally:  # what clears temporary folders away does need recursion
        (levels[-1] / "a").unlink()
        for level in reversed(levels[1:]):
            level.rmdir()


def test_what_vanishes_meanwhile_is_no_error(tmp_path: Path) -> None:
    make(tmp_path, "a", "b/c", "d/e")
    walking = walk(tmp_path)
    assert next(walking).path == "a"
    (tmp_path / "b" / "c").unlink()
    (tmp_path / "b").rmdir()
    assert [entry.path for entry in walking] == ["d/e"]


def test_a_root_that_goes_away_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, "root/a", "root/b/c")
    walking = walk(tmp_path / "root")
    assert next(walking).path == "a"
    (tmp_path / "root").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        list(walking)
    walking = walk(tmp_path / "elsewhere")
    next(walking)
    (tmp_path / "elsewhere").rename(tmp_path / "again")
    (tmp_path / "elsewhere").mkdir()  # as the empty mount point of a drive
    with pytest.raises(FileNotFoundError, match="went away"):
        list(walking)


@pytest.mark.parametrize(
    ("facts", "hidden", "cloud"),
    [
        ({}, False, False),
        ({"st_file_attributes": stat.FILE_ATTRIBUTE_ARCHIVE}, False, False),
        ({"st_file_attributes": stat.FILE_ATTRIBUTE_HIDDEN}, True, False),
        ({"st_file_attributes": stat.FILE_ATTRIBUTE_OFFLINE}, False, True),
        ({"st_file_attributes": 0x00400000}, False, True),
        ({"st_file_attributes": stat.FILE_ATTRIBUTE_REPARSE_POINT, "st_reparse_tag": 0xA0000003}, True, False),
        ({"st_file_attributes": stat.FILE_ATTRIBUTE_REPARSE_POINT, "st_reparse_tag": 0x9000001A}, False, False),
        ({"st_flags": 0x40000000}, False, True),
        ({"st_flags": 0x20}, False, False),
    ],
)
def test_flags_of_other_systems(facts: dict[str, int], hidden: bool, cloud: bool) -> None:
    info = SimpleNamespace(**facts)
    assert walk_module._is_hidden_or_junction(info) is hidden
    assert walk_module._is_in_the_cloud(info) is cloud
