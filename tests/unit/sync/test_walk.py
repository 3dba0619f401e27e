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
from edgeembed.sync.walk import enclosing_rule, left_out_by, walk
from edgeembed.sync.walk_options import LeftOut, WalkOptions

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


def found(root: Path, **options: bool) -> list[str]:
    return [entry.path for entry in walk(root, options=WalkOptions(**options)) if isinstance(entry, FileStat)]


def rules_of(root: Path, **options: bool) -> dict[str, str]:
    left_out: list[LeftOut] = []
    list(walk(root, options=WalkOptions(**options), left_out=left_out))
    return {item.path: item.rule for item in left_out}


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with all that is left out on purpose, and one outside that it links to."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root, "a.txt", "b.log", "logs/c.txt", ".hidden/d.txt", ".e", "node_modules/f.js", "sub/g.txt", ".git/HEAD")
    (outside / "deep").mkdir(parents=True)
    (outside / "o.txt").write_text("o")
    (outside / "deep/p.txt").write_text("p")
    (root / ".gitignore").write_text("*.log\nlogs/\n")
    try:
        (root / "file").symlink_to(outside / "o.txt")
        (root / "folder").symlink_to(outside)
        (root / "folder2").symlink_to(outside / "deep")
        (root / "inner").symlink_to(root / "sub")
        (outside / "deep/back").symlink_to(root)
        (outside / "deep/up").symlink_to(outside)
        (outside / "deep/top").symlink_to(tmp_path)
    except OSError:
        pytest.skip("no links here")
    return root


def test_what_is_left_out_is_named_with_its_rule(linked: Path) -> None:
    assert found(linked) == ["a.txt", "sub/g.txt"]
    assert rules_of(linked) == {
        ".git/": "hidden",
        ".gitignore": "hidden",
        ".hidden/": "hidden",
        ".e": "hidden",
        "b.log": ".gitignore:1: *.log",
        "logs/": ".gitignore:2: logs/",
        "node_modules/": "built in: node_modules",
        "file": "a link that leaves the folder (--follow)",
        "folder": "a link to a folder (--follow)",
        "folder2": "a link to a folder (--follow)",
        "inner": "a link to a folder in this one",
    }


def test_what_is_left_out_can_be_taken_in(linked: Path) -> None:
    assert found(linked, hidden=True) == [".e", ".gitignore", "a.txt", ".hidden/d.txt", "sub/g.txt"]
    assert found(linked, ignore=False) == [
        "a.txt", "b.log", "logs/c.txt", "node_modules/f.js", "sub/g.txt",
    ]  # fmt: skip
    assert found(linked, follow=True) == ["a.txt", "file", "folder/o.txt", "folder/deep/p.txt", "sub/g.txt"]
    left_out = rules_of(linked, follow=True)
    assert left_out["folder2/"] == left_out["folder/deep/up/"] == "a folder that another link leads to"
    assert left_out["folder/deep/back"] == "a link to a folder in this one"
    assert left_out["folder/deep/top"] == "a link to a folder that this one is in"


def test_below_a_folder_the_rules_above_count(tmp_path: Path) -> None:
    make(tmp_path, "work/a.txt", "work/b.log", "work/deep/c.txt", "work/deep/no.txt", "out/d.txt", "e.txt", ".h/f.txt")
    (tmp_path / ".gitignore").write_text("*.log\nout/\n")
    (tmp_path / "work/.gitignore").write_text("no.txt\n")
    assert [e.path for e in walk(tmp_path, below="work")] == ["work/a.txt", "work/deep/c.txt"]
    assert [e.path for e in walk(tmp_path, below="work/deep")] == ["work/deep/c.txt"]
    for below, rule in (("out", ".gitignore:2: out/"), (".h", "hidden")):
        assert list(walk(tmp_path, below=below)) == []
        assert left_out_by(tmp_path, below, WalkOptions()) == LeftOut(f"{below}/", rule)
    assert left_out_by(tmp_path, "out", WalkOptions(ignore=False)) is None
    assert left_out_by(tmp_path, "work/deep", WalkOptions()) is None


def test_rules_of_inner_repositories_and_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config/git").mkdir(parents=True)
    (tmp_path / "config/git/ignore").write_text("*.tmp\n/top.txt\n")
    root = tmp_path / "code"
    make(root, "a.tmp", *(f"Üb/repo/{name}" for name in ("b.tmp", "top.txt", "x.txt", "sub/top.txt", "k.tmp")))
    (root / "Üb/repo/.git/info").mkdir(parents=True)
    (root / "Üb/repo/.git/info/exclude").write_text("/x.txt\n!k.tmp\n")
    assert found(root) == ["a.tmp", "Üb/repo/k.tmp", "Üb/repo/sub/top.txt"]
    assert found(root / "Üb/repo") == ["k.tmp", "sub/top.txt"]


def test_a_folder_that_git_leaves_out_is_named(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "build/notes").mkdir(parents=True)
    assert enclosing_rule(tmp_path / "build/notes") is None
    (tmp_path / ".gitignore").write_text("# x\nbuild/\n")
    assert enclosing_rule(tmp_path / "build/notes") == f"{tmp_path.resolve()}: .gitignore:2: build/"
    assert enclosing_rule(tmp_path) is None


def test_the_folders_that_are_read_are_told(tmp_path: Path) -> None:
    make(tmp_path, "a/b/x", ".git/x", ".hidden/x", "build/x", "own/.edgeembed/catalog.sqlite", "c/x")
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "empty").mkdir()
    folders: list[str] = []
    list(walk(tmp_path, folders=folders))
    real = tmp_path.resolve()
    assert sorted(folders) == [str(real), *(str(real / name) for name in ("a", "a/b", "c", "empty"))]


def test_only_the_files_of_a_folder_itself_are_found(tmp_path: Path) -> None:
    make(tmp_path, "x", "a/y", "a/b/z")
    assert [entry.path for entry in walk(tmp_path, deep=False)] == ["x"]
    assert [entry.path for entry in walk(tmp_path, below="a", deep=False)] == ["a/y"]
    assert [entry.path for entry in walk(tmp_path, below="none", deep=False)] == []


def test_what_keeps_a_file_out_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a/x.log", "a/x.txt", "build", "logs/x.txt")
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\nlogs/\n")

    def rule(path: str) -> str | None:
        left_out = left_out_by(tmp_path, path, WalkOptions(), is_folder=False)
        return None if left_out is None else left_out.rule

    assert rule("a/x.log") == ".gitignore:1: *.log"
    assert (rule("a/x.txt"), rule("build")) == (None, None)
    assert rule("logs/x.txt") == ".gitignore:3: logs/"
    assert rule("a/.x.swp") == "hidden"


def test_patterns_rank_below_ignore_files_and_above_what_is_built_in(tmp_path: Path) -> None:
    for name in ("a.log", "keep.log", "é.log", "sub/b.log", "sub/build/c.txt", "build/d.txt", "__pycache__/e.txt", "f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("!keep.log\n")

    def found(*patterns: str, ignore: bool = True) -> set[str]:
        options = WalkOptions(patterns=patterns, ignore=ignore)
        return {entry.path for entry in walk(tmp_path, options=options)}

    assert found("*.log", "/build/") == {"keep.log", "sub/build/c.txt", "f"}
    assert found("é.*", "sub/") == {"a.log", "keep.log", "build/d.txt", "f"}
    assert "__pycache__/e.txt" in found("!__pycache__/")
    assert found("# nothing", "", "*", ignore=False) == found(ignore=False)
    below = {entry.path for entry in walk(tmp_path, options=WalkOptions(patterns=("/sub/build",)), below="sub")}
    assert below == {"sub/b.log"}
    assert [*walk(tmp_path, options=WalkOptions(patterns=("sub",)), below="sub")] == []
