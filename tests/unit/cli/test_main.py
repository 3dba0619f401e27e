"""The command line as people and programs meet it: output, streams, exit status."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

import edgeembed
from tests.support.commands import edge
from tests.support.tiny_image import tiny_two_tower_bundle


def test_what_pillow_warns_of_is_not_shown(notes: Path, tmp_path: Path) -> None:
    """An image with a damaged part that is read all the same: an animation of no frames."""
    data = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(data, "PNG")
    kind, body = b"acTL", bytes(8)
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    (notes / "odd.png").write_bytes(data.getvalue()[:33] + chunk + data.getvalue()[33:])  # behind the header
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(notes / "odd.png").load()
    run = edge("index", notes, "--model", tiny_two_tower_bundle(tmp_path / "towers"))
    assert (run.returncode, run.stderr) == (0, "3 new; 3 files in the index\n")


def test_one_command_is_enough(notes: Path, tiny_bundle: Path) -> None:
    run = edge("search", "tomato garden", "notes", "--model", tiny_bundle, cwd=notes.parent)
    assert run.returncode == 0, run.stderr
    place, text, *_ = run.stdout.splitlines()
    assert re.fullmatch(r"0\.\d{3}  notes/Übung/garden\.txt:1", place)
    assert text.strip() == "Tomato seedlings for the garden."
    assert run.stderr == "2 new; 2 files in the index\n"
    again = edge("search", "tomato garden", "notes", cwd=notes.parent)
    assert (again.stdout, again.stderr) == (run.stdout, "")  # idle: nothing but the hits


def test_json_can_be_read_by_programs(notes: Path, tiny_bundle: Path) -> None:
    (notes / os.fsdecode(b"caf\xe9.txt")).write_text("the boat in the café")
    run = edge("search", "--json", "the boat", ".", "--min-score", "0", "--model", tiny_bundle, cwd=notes)
    hits = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(hits) == 3
    assert hits[0].keys() == {
        "path", "path_bytes", "kind", "similarity", "score", "start", "end", "start_line", "end_line",
        "page", "snippet", "passages", "matched", "metadata",
    }  # fmt: skip
    odd = next(hit for hit in hits if hit["path_bytes"])
    assert base64.b64decode(odd["path_bytes"]) == b"caf\xe9.txt"
    assert {hit["path"] for hit in hits} == {"caf\ufffd.txt", "boat.md", "Übung/garden.txt"}
    assert all(0 < hit["score"] < 1 and hit["page"] is None for hit in hits)


def test_nothing_to_find_is_a_negative_answer(tmp_path: Path, tiny_bundle: Path) -> None:
    run = edge("search", "x", tmp_path, "--model", tiny_bundle)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"{tmp_path}: no files to search here" in run.stderr


@pytest.mark.slow
def test_wrong_use_says_what_to_type(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    cases: dict[tuple[object, ...], str] = {
        ("search", "x", tmp_path / "missing"): "no such folder; give the folder that holds your files",
        ("index", notes / "boat.md"): "this is a file; give the folder it is in",
        ("search", " ", notes): "the query is empty",
        ("search", "x", notes, "--no-sync"): "no index here; make one with `edgeembed index",
        ("search", "x", notes, "--model", "nothing"): "no such bundle (give a bundle folder or the name of a shipped",
        ("search", "x", notes, "-k", "0"): "0 is not in the range",
        ("status", notes): "no index here; make one with",
        ("index", notes, "--index", notes / "boat.md"): "an index is a folder, and this is a file",
        ("embed", "-o", "out.txt"): "only .npy files",
        ("nonsense",): "No such command 'nonsense'",
    }
    for args, message in cases.items():
        run = edge(*args)
        assert (run.returncode, run.stdout) == (2, ""), (args, run)
        assert message in run.stderr
        assert "Traceback" not in run.stderr
    assert not (notes / ".edgeembed").exists()


def test_errors_are_objects_with_json(tmp_path: Path) -> None:
    run = edge("search", "x", tmp_path / "missing", "--json")
    error = json.loads(run.stderr)
    assert (error["error"], run.returncode) == ("FileNotFoundError", 2)
    assert error["path"] == str(tmp_path / "missing")
    assert error["reason"] == "no such folder; give the folder that holds your files"


def test_a_file_name_cannot_steer_the_terminal(notes: Path, tiny_bundle: Path) -> None:
    (notes / "evil\x1b[2J\nname.txt").write_text("the boat \x1b]0;owned\x07 sails")
    run = edge("search", "boat", notes, "--model", tiny_bundle)
    assert "\x1b" not in run.stdout
    assert r"evil\x1b[2J\nname.txt" in run.stdout


@pytest.mark.slow
def test_search_answers_while_another_process_writes(notes: Path, tiny_bundle: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    (notes / "new.txt").write_text("the boat again")
    with edgeembed.Folder.open(notes) as folder, folder.index._store.writing():
        run = edge("search", "boat", notes)
        assert run.returncode == 0
        assert "new.txt" not in run.stdout
        assert f"process {os.getpid()}" in run.stderr
        assert "searching what was committed before" in run.stderr
        run = edge("index", notes)
        assert (run.returncode, "is writing to this index" in run.stderr) == (2, True)
    assert "new.txt" in edge("search", "boat", notes).stdout


def test_a_closed_pipe_is_silent(notes: Path, tiny_bundle: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    command = f"{sys.executable} -c 'from edgeembed.cli.main import main; main()' search boat {notes} | true"
    run = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert run.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="streams are closed as on POSIX")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_as_good_as_empty_ones(notes: Path, tiny_bundle: Path, closed: str) -> None:
    """A file that is opened must not get the number of a closed stream, or messages are written into the index."""
    python = f"{shlex.quote(sys.executable)} -c 'from edgeembed.cli.main import main; main()'"
    commands = ["index .", "search boat . --min-score 0", "status .", "similar boat.md . --min-score 0", "verify ."]
    commands += ["models", f"embed --model {tiny_bundle}"]
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    for command in commands:
        run = subprocess.run(
            ["sh", "-c", f"exec {python} {command} {closed}"],
            cwd=notes,
            input="",
            text=True,
            capture_output=True,
        )
        assert (run.returncode, "Error" in run.stderr) == (0, False), (command, run.stderr)
        assert (run.stdout == "") == (">&-" in closed.split() or command[:5] in ("index", "embed")), command
    assert edge("verify", notes).stdout.startswith("ok")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="arguments are bytes on POSIX only")
def test_arguments_in_another_encoding(notes: Path, tiny_bundle: Path) -> None:
    try:
        (notes / os.fsdecode(b"caf\xe9.t\xff")).write_text("Le café du port")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    word, name = os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe9.t\xff")
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    for options in (
        [f'"{word}"'],
        ["x", "--path", name, "--min-score", "0"],
        ["x", "--ext", os.fsdecode(b"t\xff"), "--min-score", "0"],
    ):
        run = edge("search", "--json", *options, notes)
        assert run.returncode == 0, run.stderr
        assert [json.loads(line)["path"] for line in run.stdout.splitlines()] == [f"{notes}/caf\ufffd.t\ufffd"]
    run = edge("search", "--min-score", "0", "--plus", f"2:{word}", f"boat -{word}", notes)
    assert (run.returncode, "port" in run.stdout) == (0, False), run.stderr
    assert edge("explain", "--json", word, notes / name, notes).returncode == 0
