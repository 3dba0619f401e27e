"""A hit in the program of the system, or at its line in an editor."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from edgeembed.cli.answers.opener import _PROGRAMS
from edgeembed.cli.render import editor_link
from tests.support.commands import edge

linux = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="xdg-open is of other systems")


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/home/ann/a b.md", "vscode://file/home/ann/a%20b.md:12"),
        ("/100%/é#?.txt", "vscode://file/100%25/%C3%A9%23%3F.txt:12"),
    ],
)
def test_a_link_names_path_and_line(path: str, link: str) -> None:
    if sys.platform != "win32":
        assert editor_link("vscode://file{path}:{line}", path, 12) == link
    assert editor_link("ed://open?line={line}&f={path}", "/x", 3) == "ed://open?line=3&f=" + (
        "/x" if sys.platform != "win32" else editor_link("{path}", "/x", 1)
    )


@pytest.fixture
def opened(tmp_path: Path) -> tuple[str, Path]:
    """A PATH with a program that notes what it should open, and where it notes that."""
    tools, log = tmp_path / "tools", tmp_path / "opened"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" > "{log}.new" && mv "{log}.new" "{log}"\n')
    (tools / "xdg-open").chmod(0o755)
    return f"{tools}{os.pathsep}{os.environ['PATH']}", log


def what(log: Path) -> str:
    """What was opened; the program runs on by itself."""
    end = time.monotonic() + 10
    while not log.exists() and time.monotonic() < end:
        time.sleep(0.02)
    text = log.read_text().rstrip("\n")
    log.unlink()
    return text


@linux
def test_a_hit_is_opened_by_its_number(notes: Path, tiny_bundle: Path, opened: tuple[str, Path]) -> None:
    environment, log = opened
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    args = ("search", "boat", ".", "--min-score", "0", "-l", "-k", "1")
    run = edge(*args, "--open", "1", cwd=notes, PATH=environment)
    assert (run.returncode, run.stdout) == (0, "boat.md\n")
    assert what(log) == str(notes / "boat.md")
    run = edge(*args, "--open", "2", cwd=notes, PATH=environment)  # -k grows with it
    assert (run.returncode, run.stdout) == (0, "boat.md\nÜbung/garden.txt\n")
    assert what(log) == str(notes / "Übung" / "garden.txt")
    run = edge(*args, "--open", "3", cwd=notes, PATH=environment)
    assert (run.returncode, run.stderr) == (1, "--open 3: there are 2 hits\n")
    assert not log.exists()


@linux
@pytest.mark.parametrize("name", ["boat.desktop", "boat.EXE", "boat.jar"])
def test_what_could_be_run_is_shown_in_its_folder(
    name: str, tmp_path: Path, tiny_bundle: Path, opened: tuple[str, Path]
) -> None:
    environment, log = opened
    assert Path(name).suffix.lower()[1:] in _PROGRAMS
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / name).write_text("the boat leaves the harbour\n")
    run = edge("search", "boat", folder, "--min-score", "0", "--open", "1", "--model", tiny_bundle, PATH=environment)
    assert run.returncode == 0, run.stderr
    assert "could be run, so its folder is opened" in run.stderr
    assert what(log) == str(folder)


@linux
def test_no_program_to_open_it_is_an_error(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    run = edge("search", "boat", notes, "--open", "1", "--model", tiny_bundle, PATH=str(tmp_path))
    assert run.returncode == 2
    assert run.stdout.startswith("0.")  # the hits are shown all the same
    assert f"{notes / 'boat.md'}: the system has no program to open it with" in run.stderr
