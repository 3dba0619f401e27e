"""Folders inside folders that have an index, on the command line: texts and photos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.commands import edge
from tests.support.output_schema import validate
from tests.support.tiny_image import tiny_two_tower_bundle


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def notes(tmp_path: Path, tiny_bundle: Path) -> Path:
    root = tmp_path / "notes"
    (root / "work" / "deep").mkdir(parents=True)
    (root / "boat.md").write_text("The boat leaves the harbour at dawn.\n")
    (root / "work" / "budget.txt").write_text("The budget of the boat.\n")
    (root / "work" / "deep" / "crew.txt").write_text("The crew of the boat.\n")
    assert edge("index", "notes", "--model", tiny_bundle, cwd=tmp_path).returncode == 0
    return root


def hits(*args: object, cwd: Path) -> list[str]:
    run = edge("search", "the boat", *args, "--min-score", "0", "--json", cwd=cwd)
    return sorted(str(validate(line, "hit")["path"]) for line in run.stdout.splitlines())


def test_a_sub_folder_is_searched_in_the_index_above(notes: Path) -> None:
    everything = ["notes/boat.md", "notes/work/budget.txt", "notes/work/deep/crew.txt"]
    assert hits("notes/work", cwd=notes.parent) == everything[1:]
    assert hits(cwd=notes / "work") == ["budget.txt", "deep/crew.txt"]
    assert hits("notes/work/budget.txt", cwd=notes.parent) == everything[1:2]
    assert not list((notes / "work").rglob(".edgeembed"))
    assert hits("notes", cwd=notes.parent) == everything
    (notes / "work" / "new.txt").write_text("A boat again.\n")
    (notes / "other.txt").write_text("Another boat.\n")
    (notes / "work" / "budget.txt").unlink()
    run = edge("index", "notes/work", cwd=notes.parent)
    assert run.stderr.startswith("1 new, 1 removed; 2 files of notes/work in the index of ")
    assert hits("notes", "--no-sync", cwd=notes.parent) == [
        "notes/boat.md", "notes/work/deep/crew.txt", "notes/work/new.txt",
    ]  # fmt: skip
    status = validate(edge("status", "notes/work", "--json", cwd=notes.parent).stdout, "status")
    assert (status["below"], status["documents"]) == ("work", 2)


def test_what_is_said_of_a_sub_folder_is_about_it_alone(notes: Path) -> None:
    (notes / "other.txt").write_text("桜は京都の春に咲く\n")  # of which the tiny model knows no word
    assert edge("index", "notes", cwd=notes.parent).returncode == 0
    for folder, unread in (("notes", 1), ("notes/work", 0)):
        assert validate(edge("status", folder, "--json", cwd=notes.parent).stdout, "status")["unread"] == unread
    run = edge("similar", "notes/work/deep/crew.txt", "notes/work/deep", cwd=notes.parent)
    assert (run.returncode, run.stdout) == (1, "")
    assert "notes/work/deep: there is nothing else here that it could be compared with" in run.stderr


def test_an_own_index_is_named_by_searches_above_until_it_is_forgotten(notes: Path) -> None:
    assert edge("index", "--here", "work", cwd=notes).returncode == 0
    above = edge("search", "the boat", ".", "--min-score", "0", cwd=notes)
    assert "not searched, for it has an index of its own: work " in above.stderr
    assert "budget.txt" not in above.stdout
    known = [validate(line, "known_index") for line in edge("status", "--all", "--json", cwd=notes).stdout.splitlines()]
    assert sorted(str(entry["folder"]) for entry in known) == [str(notes), str(notes / "work")]
    refused = edge("forget", "work", cwd=notes)
    assert (refused.returncode, "add --yes if you mean it" in refused.stderr) == (2, True)
    declined = edge("forget", "work", cwd=notes, stdin="n\n")
    assert (declined.returncode, "nothing was removed" in declined.stderr) == (1, True)
    (notes / "work" / ".edgeembed" / "mine.txt").write_text("mine")
    assert edge("forget", "work", "--yes", cwd=notes).returncode == 2
    (notes / "work" / ".edgeembed" / "mine.txt").unlink()
    assert edge("forget", "work", cwd=notes, stdin="y\n").returncode == 0
    assert sorted(os.listdir(notes / "work")) == ["budget.txt", "deep"]  # noqa: PTH208
    assert hits(".", cwd=notes) == ["boat.md", "work/budget.txt", "work/deep/crew.txt"]
    inside = edge("forget", "work", "--yes", cwd=notes)
    assert (inside.returncode, f"`edgeembed forget {notes}`" in inside.stderr) == (2, True)
    assert len(edge("status", "--all", "--json", cwd=notes).stdout.splitlines()) == 1


def test_what_is_taken_in_is_recorded(notes: Path) -> None:
    (notes / ".hidden.txt").write_text("A hidden boat.\n")
    (notes / "x.log").write_text("A boat in a log.\n")
    (notes / ".gitignore").write_text("*.log\n")
    assert hits(".", cwd=notes) == ["boat.md", "work/budget.txt", "work/deep/crew.txt"]
    status = edge("status", notes)
    assert "1 by .gitignore:1: *.log: x.log" in status.stdout
    assert edge("index", "--hidden", "--no-ignore", notes).returncode == 0
    found = hits(".", cwd=notes)
    assert {".hidden.txt", "x.log"} <= set(found)
    assert edge("index", "--rebuild", notes).returncode == 0
    assert hits(".", cwd=notes) == found
    assert edge("index", "--no-hidden", notes).returncode == 0
    assert ".hidden.txt" not in hits(".", cwd=notes)
    assert "takes in --no-ignore" in edge("status", notes).stdout


def test_photos_of_a_sub_folder(tmp_path: Path) -> None:
    bundle, root = tiny_two_tower_bundle(tmp_path / "bundle"), tmp_path / "photos"
    for number, name in enumerate(("one.png", "trip/two.png", "trip/three.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (90 * number, 200, 10)).save(root / name)
    (root / "trip/copy.png").write_bytes((root / "trip/two.png").read_bytes())
    assert edge("index", "--model", bundle, root).returncode == 0
    run = edge("search", root / "one.png", root / "trip", "--min-score", "0", "--json")
    hits = [json.loads(line) for line in run.stdout.splitlines()]
    assert sorted([hit["path"], *hit.get("copies", ())] for hit in hits) == [
        [str(root / "trip/copy.png"), str(root / "trip/two.png")],
        [str(root / "trip/three.png")],
    ]
    assert not (root / "trip/.edgeembed").exists()
    like = edge("similar", "trip/two.png", "trip", "--min-similarity", "0.99999", "--json", cwd=root)
    copies = [str(hit["path"]) for hit in map(json.loads, like.stdout.splitlines()) if hit.get("same_content")]
    assert copies == ["trip/copy.png"]
    assert "1.00000  trip/copy.png  same content" in edge("similar", "trip/two.png", "trip", cwd=root).stdout


def test_a_query_from_standard_input(notes: Path) -> None:
    run = edge("search", "-", notes, "--min-score", "0", stdin="the\nboat\n")
    assert len([line for line in run.stdout.splitlines() if "notes" in line]) == 3
    empty = edge("search", "-", notes, stdin=" \n")
    assert (empty.returncode, "the query is empty" in empty.stderr) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="pipes as on POSIX")
@pytest.mark.parametrize("command", [["search", "boat", "--min-score", "0"], ["status"], ["--help"], ["search", "-h"]])
def test_a_closed_pipe_is_no_error(notes: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", *command]
    run = subprocess.run(program, stdout=writer, stderr=subprocess.PIPE, cwd=notes, stdin=subprocess.DEVNULL)
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names that POSIX allows")
def test_odd_names_and_texts_survive_every_output(notes: Path) -> None:
    (notes / os.fsdecode(b"caf\xe9 ")).write_text("a boat in the caf\u00e9\u2028\n")
    (notes / "two\nlines.json").write_text('{"a": "boat \\ud83d cut", "b": "\\udce9"}')
    (notes / "\u202eback.txt").write_text("a boat")
    run = edge("search", "boat", ".", "--min-score", "0", "--json", cwd=notes)
    assert run.returncode == 0
    found = {str(hit["path"]): hit for hit in (validate(line, "hit") for line in run.stdout.splitlines())}
    assert {"caf\ufffd ", "two\nlines.json", "\u202eback.txt"} <= set(found)
    assert found["caf\ufffd "]["path_bytes"] == "Y2Fm6SA="
    assert "boat \ufffd cut" in str(found["two\nlines.json"]["snippet"])
    for arguments in (["search", "boat \udce9", "--min-score", "0"], ["status", "--all", "."], ["index", "--rebuild"]):
        assert edge(*arguments, cwd=notes).returncode == 0
    text = edge("search", "boat", ".", "--min-score", "0", cwd=notes).stdout
    assert "two\\nlines.json" in text
    assert "\\u202eback.txt" in text
    assert "caf\udce9 :1" in text
