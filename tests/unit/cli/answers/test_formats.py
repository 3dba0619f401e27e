"""Paths alone, CSV and JSON: what other commands and programs get of a search."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.commands import edge


@pytest.fixture
def notes(notes: Path, tiny_bundle: Path) -> Path:
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    return notes


def test_paths_alone_are_those_of_the_hits_in_their_order(notes: Path) -> None:
    args = ("search", "boat garden", "notes", "--min-score", "0")
    hits = [json.loads(line)["path"] for line in edge(*args, "--json", cwd=notes.parent).stdout.splitlines()]
    assert set(hits) == {"notes/boat.md", "notes/Übung/garden.txt"}
    assert edge(*args, "-l", cwd=notes.parent).stdout == "".join(f"{path}\n" for path in hits)
    assert edge(*args, "-0", cwd=notes.parent).stdout == "".join(f"{path}\0" for path in hits)
    assert edge(*args, "-l", "-0", cwd=notes.parent).stdout == "".join(f"{path}\0" for path in hits)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_paths_are_byte_for_byte_as_the_system_takes_them(notes: Path) -> None:
    odd = [os.fsdecode(b"boat \xff.txt"), "boat\n\x1b[2J.txt"]
    for number, name in enumerate(odd):
        (notes / name).write_text(f"a boat, number {number}")
    run = edge("search", "boat", ".", "-0", "--min-score", "0", cwd=notes)
    assert {*run.stdout.split("\0")} >= {*odd, "boat.md"}
    assert all(os.path.lexists(notes / path) for path in run.stdout.split("\0")[:-1])


def test_nothing_is_printed_where_there_is_nothing(notes: Path) -> None:
    for option in ("-l", "-0", "--format=csv", "--format=json"):
        run = edge("search", "boat", notes, "--path", "*.none", option)
        assert (run.returncode, run.stdout) == (1, ""), option


def test_csv_holds_what_json_says(notes: Path) -> None:
    (notes / "quote.txt").write_text('the boat, said "she"\n\nand left\n')
    args = ("search", "boat", "notes", "--min-score", "0", "--full")
    hits = [json.loads(line) for line in edge(*args, "--format", "json", cwd=notes.parent).stdout.splitlines()]
    rows = [*csv.DictReader(io.StringIO(edge(*args, "--format", "csv", cwd=notes.parent).stdout, newline=""))]
    assert len(rows) == 3
    for hit, row in zip(hits, rows, strict=True):
        same = ("path", "kind", "snippet")
        assert {name: row[name] for name in same} == {name: hit[name] for name in same}
        assert (float(row["score"]), int(row["start_line"])) == (hit["score"], hit["start_line"])
        assert row["text"] == hit["passages"][0]["text"]
        assert (row["page"], row["same_content"], row["path_bytes"]) == ("", "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_no_field_of_csv_is_a_formula(notes: Path) -> None:
    (notes / "=1+1.txt").write_text("=boat()\n")
    (notes / os.fsdecode(b"\xff.txt")).write_text("- the boat\n")
    (notes / "plain.txt").write_text("the boat is = 1\n")
    run = edge("search", "boat", ".", "--min-score", "0", "--format", "csv", "--full", cwd=notes)
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(run.stdout))}
    assert (rows["./=1+1.txt"]["snippet"], rows["./=1+1.txt"]["text"]) == ("'=boat()", "'=boat()")
    assert (notes / "./=1+1.txt").is_file()
    assert base64.b64decode(rows["\ufffd.txt"]["path_bytes"]) == b"\xff.txt"
    assert rows["\ufffd.txt"]["snippet"] == "'- the boat"
    assert rows["plain.txt"]["snippet"] == "the boat is = 1"
    words = [row[name] for row in rows.values() for name in row if name not in ("score", "similarity")]
    assert not any(field.startswith(("=", "+", "-", "@")) for field in words)


def test_a_copy_is_told_in_csv(notes: Path) -> None:
    (notes / "again.md").write_bytes((notes / "boat.md").read_bytes())
    run = edge("similar", notes / "boat.md", "notes", "--format", "csv", "--min-similarity", "-1", cwd=notes.parent)
    rows = {row["path"]: row["same_content"] for row in csv.DictReader(io.StringIO(run.stdout))}
    assert rows["notes/again.md"] == "true"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--json", "--format", "csv"], "--json and --format csv contradict each other"),
        (["-l", "--format=json"], "--format json and -l contradict each other"),
        (["-0", "--json"], "--json and -0 contradict each other"),
    ],
)
def test_formats_that_contradict_each_other_are_refused(notes: Path, options: list[str], message: str) -> None:
    run = edge("search", "boat", notes, *options)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert ("{" in run.stderr) == ("json" in " ".join(options))  # errors are objects for those who asked for JSON


def test_json_in_both_forms_is_one(notes: Path) -> None:
    short, long, both = (
        edge("search", "boat", notes, *options)
        for options in (["--json"], ["--format", "json"], ["--json", "--format=json"])
    )
    assert short.stdout == long.stdout == both.stdout != ""
