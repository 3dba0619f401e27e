"""From paths to parts of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.sync.walk_options import WalkOptions
from edgeembed.watching.marks import Look, Marks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = (tmp_path / "folder").resolve()
    for name in ("a/deep/er", "b", "build", ".hidden", ".edgeembed", "sub/.edgeembed"):
        (root / name).mkdir(parents=True)
    for name in ("x.txt", "y.txt", "a/x.txt", "a/deep/y.txt", "b/y.txt", ".hidden/x.txt", "a/server.log"):
        (root / name).touch()
    (root / ".gitignore").write_text("build/\n*.log\n")
    return root


def shown(marks: Marks) -> list[str]:
    """Folders that are looked at, with dots where all that is in them is."""
    return [part + "/..." * look.deep for look in marks.looks() for part in look.parts]


def parts(root: Path, *paths: str, options: WalkOptions | None = None, index: Path | None = None) -> list[str]:
    marks = Marks(root, index or root / ".edgeembed")
    if options is not None:
        marks.use(options)
    marks.notice([str(root / path) if path else str(root) for path in paths], 0)
    marks.collect(10)
    return shown(marks)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/x.txt"], ["a"]),
        (["x.txt"], [""]),
        (["a/deep"], ["a/deep/..."]),
        (["a/gone"], ["a/gone/...", "a"]),
        (["a/x.txt", "b/y.txt"], ["a", "b"]),
        (["a/x.txt", "a/deep/y.txt"], ["a", "a/deep"]),
        (["a/x.txt", "a", "a/deep/y.txt"], ["a/..."]),
        (["a/x.txt", "y.txt"], ["", "a"]),
        ([f"a/{n}/x" for n in range(300)], ["a/..."]),
        ([f"{n}/x" for n in range(300)], ["/..."]),
        (["a/.gitignore"], ["a/..."]),
        ([".edgeembedignore"], ["/..."]),
    ],
)
def test_where_something_changed_is_looked_at(root: Path, paths: list[str], expected: list[str]) -> None:
    assert parts(root, *paths) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "../elsewhere/x.txt",
        ".edgeembed/catalog.sqlite-wal",
        ".edgeembed.new/catalog.sqlite",
        "sub/.edgeembed/lock",
        "a/.x.txt.swp",
        ".hidden/x.txt",
        ".git/index",
        "build/x.txt",
        "a/server.log",
        "build/.gitignore",
    ],
)
def test_what_is_left_out_marks_nothing(root: Path, path: str) -> None:
    assert parts(root, path) == []


def test_what_is_taken_in_is_what_the_index_takes_in(root: Path) -> None:
    assert parts(root, ".hidden/x.txt", options=WalkOptions(hidden=True)) == [".hidden"]
    assert parts(root, "a/server.log", options=WalkOptions(ignore=False)) == ["a"]
    assert parts(root, ".edgeembed/x", ".git/index", options=WalkOptions(hidden=True, ignore=False)) == []


def test_an_index_under_another_name_is_known(root: Path) -> None:
    (root / "store").mkdir()
    (root / "store/catalog.sqlite").touch()
    assert parts(root, "store/catalog.sqlite", index=root / "store") == []
    assert parts(root, "store/catalog.sqlite") == ["store"]


def test_a_rule_that_changed_counts_at_once(root: Path) -> None:
    marks = Marks(root, root / ".edgeembed")
    log = str(root / "a/server.log")
    assert marks.notice([log], 0) == []
    (root / ".gitignore").write_text("")
    assert marks.notice([str(root / ".gitignore")], 0) != []
    assert marks.notice([log], 0) == [log]


def test_of_very_many_paths_those_of_the_index_are_left_out_still(root: Path) -> None:
    assert parts(root, *(f".edgeembed/{n}" for n in range(600))) == []
    assert parts(root, *(f"b/{n}" for n in range(600))) == ["b/..."]


def test_what_was_looked_at_is_done(root: Path) -> None:
    marks = Marks(root, root / ".edgeembed")
    for part in ("a/deep", "a", "b"):
        marks.mark(part)
    marks.notice([str(root / "x.txt"), str(root / "a/deep/y.txt")], 0)
    marks.collect(10)
    assert shown(marks) == ["a/...", "b/...", ""]
    marks.done(Look(("a",), True))
    assert shown(marks) == ["b/...", ""]
    marks.done(Look(("",), False))
    assert shown(marks) == ["b/..."]
    marks.mark("")
    assert shown(marks) == ["/..."]
    marks.done(Look(("",), True))
    assert shown(marks) == []
