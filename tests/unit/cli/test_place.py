"""What FOLDER and --path on the command line mean."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest

from edgeembed.catalog.where import condition
from edgeembed.cli.place import Place, find_place
from edgeembed.folder import Folder
from edgeembed.storage import index_place
from tests.support.old_files import write

FILES = ("a.md", "work/a.md", "work/b.txt", "work/deep/a.md", "work/deep/[1].txt", "work/work/c.md", "other/d.md")


@pytest.fixture
def notes(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "notes"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a boat")
    Folder.open(root, model=str(tiny_bundle)).close()
    monkeypatch.chdir(tmp_path)
    return root


def fitting(place: Place, *patterns: str) -> set[str]:
    """What of the files a place and patterns leave over, without an index."""
    tests = place.path_tests(patterns)
    left = {id for id in FILES if tests.get("=", id) == id}
    if ">=" in tests:
        left = {id for id in left if tests[">="] <= id < tests["<"]}
    for operator, wanted in (("glob", True), ("not glob", False)):
        if operator in tests:
            (expression,) = condition({"file.path": {"glob": tests[operator]}}).values
            fits = re.compile(expression.decode("utf-8", "surrogatepass"), re.DOTALL).fullmatch
            left = {id for id in left if bool(fits(id)) is wanted}
    return left


def test_a_folder_in_one_with_an_index_is_a_part_of_it(notes: Path) -> None:
    whole = find_place("notes", None)
    assert (whole.root, whole.below, whole.file) == (Path("notes"), "", None)
    part = find_place("notes/work/deep", None)
    assert (part.root, part.below) == (notes.resolve(), "work/deep")
    assert part.shown("work/deep/a.md") == os.path.join("notes", "work", "deep", "a.md")  # noqa: PTH118
    assert fitting(part) == {"work/deep/a.md", "work/deep/[1].txt"}
    assert find_place("notes/work", None, own=True).below == ""
    assert find_place("notes/work", "elsewhere").below == ""
    file = find_place("notes/work/b.txt", None)
    assert fitting(file) == {"work/b.txt"}
    assert file.shown("work/b.txt") == os.path.join("notes", "work", "b.txt")  # noqa: PTH118
    with pytest.raises(NotADirectoryError):
        find_place("notes/work/b.txt", None, allows_file=False)


def test_letters_are_composed_as_on_disk(tmp_path: Path, tiny_bundle: Path) -> None:
    apart = unicodedata.normalize("NFD", "Zürich/été.txt")
    write(tmp_path / "notes" / apart, "a boat")
    Folder.open(tmp_path / "notes", model=str(tiny_bundle)).close()
    part = find_place(str(tmp_path / "notes" / "Zürich"), None)
    assert (part.below, part.file) == (os.path.dirname(apart), None)  # noqa: PTH120 (no path of this system)
    assert find_place(str(tmp_path / "notes" / "Zürich" / "été.txt"), None).file == apart


def test_a_link_to_a_folder_inside_is_that_folder(notes: Path) -> None:
    try:
        Path("link").symlink_to("notes/work", target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    place = find_place("link", None)
    assert (place.root, place.below) == (notes.resolve(), "work")
    assert place.shown("work/deep/a.md") == os.path.join("link", "deep", "a.md")  # noqa: PTH118


def test_what_the_index_above_leaves_out_is_on_its_own(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / ".gitignore").write_text("# mine\nother/\n")
    place = find_place("notes/other", None)
    assert (place.root, place.below) == (Path("notes/other"), "")
    assert "leaves it out (.gitignore:2: other/), so it gets one of its own" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners are known by number on POSIX only")
def test_the_index_of_another_user_is_passed_over(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.getuid()
    monkeypatch.setattr(index_place.os, "getuid", lambda: own + 1)
    assert find_place("notes/work", None).below == ""


@pytest.mark.parametrize(
    ("folder", "patterns", "expected"),
    [
        ("notes", ["*.md"], {"a.md", "work/a.md", "work/deep/a.md", "work/work/c.md", "other/d.md"}),
        ("notes", ["work/*.md"], {"work/a.md"}),
        ("notes", ["notes/work/a.md"], {"work/a.md"}),
        ("notes", ["./notes/work/a.md"], {"work/a.md"}),
        ("notes/", ["notes/work/deep"], {"work/deep/a.md", "work/deep/[1].txt"}),
        ("notes", ["notes/*.md"], {"a.md"}),
        ("notes", ["notes/work/deep/[1].txt"], {"work/deep/[1].txt"}),
        ("notes", ["{cwd}/notes/work/*.{{md,txt}}"], {"work/a.md", "work/b.txt"}),
        ("notes", ["!work"], {"a.md", "other/d.md"}),
        ("notes", ["*.md", "!deep", "!notes/work/work"], {"a.md", "work/a.md", "other/d.md"}),
        ("notes", ["!*.{{md,rst}}"], {"work/b.txt", "work/deep/[1].txt"}),
        ("notes/work", ["work"], {"work/work/c.md"}),
        ("notes/work", ["*.md"], {"work/a.md", "work/deep/a.md", "work/work/c.md"}),
        ("notes/work", ["/*.md"], {"work/a.md"}),
        ("notes/work", ["notes/work/*.md"], {"work/a.md"}),
        ("notes/work", ["deep/*", "!*.txt"], {"work/deep/a.md"}),
        ("notes/work/b.txt", ["*.txt"], {"work/b.txt"}),
        ("notes/work/b.txt", ["*.md"], set()),
    ],
)
def test_patterns(notes: Path, folder: str, patterns: list[str], expected: set[str]) -> None:
    typed = [pattern.format(cwd=Path.cwd().as_posix()) if "{" in pattern else pattern for pattern in patterns]
    assert fitting(find_place(folder, None), *typed) == expected


def test_a_path_from_where_the_command_runs(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notes / "work")
    assert fitting(find_place("..", None), "deep/a.md") == {"work/deep/a.md"}
    assert fitting(find_place("..", None), "../work/deep/a.md") == {"work/deep/a.md"}
    assert fitting(find_place(".", None), "deep/a.md") == {"work/deep/a.md"}
