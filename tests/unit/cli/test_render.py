"""What searching prints: JSON by its schema, colours and links, odd names, closed pipes, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from tests.support.commands import edge
from tests.support.output_schema import SCHEMA, validate
from tests.support.tiny_image import tiny_two_tower_bundle

LONG = "".join(f"Line {i} of a story about the boat and its crew at sea.\n" + "\n" * (i % 4 == 0) for i in range(60))


@pytest.fixture
def notes(tmp_path: Path, tiny_bundle: Path) -> Path:
    root = tmp_path / "notes"
    root.mkdir()
    (root / "boat.md").write_text("# Boat\n\nThe boat leaves the harbour at dawn.\n")
    (root / "story.txt").write_text(LONG)
    (root / "garden.txt").write_text("Tomato seedlings for the garden.\n")
    assert edge("index", root, "--model", tiny_bundle).returncode == 0
    return root


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.slow
def test_hits_and_errors_follow_the_schema(notes: Path) -> None:
    (notes / os.fsdecode(b"caf\xe9.txt")).write_text("the boat")
    for options in (
        [],
        ["--full"],
        ["--context", "2"],
        ["--mode", "keyword"],
        ["--mode", "vector", "--min-score", "0"],
    ):
        run = edge("search", "the boat", notes, "--json", *options)
        hits = [validate(line, "hit") for line in run.stdout.splitlines()]
        assert len(hits) >= 3, run.stderr
        assert not any(passage["text"] for hit in hits for passage in hit["passages"][1:])  # type: ignore[index]
    text = next(hit for hit in hits if str(hit["path"]).endswith("boat.md"))
    best = text["passages"][0]  # type: ignore[index]
    for args in (("search", "x", notes / "missing"), ("similar", notes / "boat.md", notes, "--model", "nothing")):
        run = edge(*args, "--json")
        assert run.returncode == 2
        validate(run.stderr.splitlines()[-1], "error")
    assert best["start"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "name", "reason"),
    [
        (("similar", "--json", "missing.jpg", "notes"), "BadParameter", "'missing.jpg' does not exist"),
        (("search", "boat", "notes", "--json", "--min-score", "3"), "BadParameter", "3.0 is not in the range 0<=x<=1"),
        (("search", "--json", "--nonsense", "boat"), "NoSuchOption", "--nonsense"),
        (("search", "--json"), "MissingParameter", "'QUERY'"),
    ],
)
def test_wrong_use_is_an_object_with_json(notes: Path, arguments: tuple[str, ...], name: str, reason: str) -> None:
    run = edge(*arguments, cwd=notes.parent)
    assert (run.returncode, run.stdout) == (2, "")
    error = validate(run.stderr, "error")
    assert (error["error"], error["path"]) == (name, None)
    assert reason in str(error["reason"])
    assert str(error["reason"]).endswith("--help`")
    plain = edge(*(argument for argument in arguments if argument != "--json"), cwd=notes.parent)
    assert plain.returncode == 2
    assert "Usage:" in plain.stderr


def test_a_query_that_looks_like_an_option_asks_for_nothing(notes: Path) -> None:
    assert "Usage:" in edge("search", "-k", "0", "--", "--json", notes).stderr


@pytest.mark.slow
def test_an_error_names_its_path_once_in_json(notes: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(notes / "red.png")
    (notes / "data.bin").write_bytes(bytes(64))
    for arguments, path, reason in (
        (("search", "boat", "missing"), "missing", "no such folder; give the folder that holds your files"),
        (("verify", "notes/boat.md"), "notes/boat.md", "this is a file; give the folder it is in"),
        (("search", "boat", "notes", "--index", "notes/boat.md"), "notes/boat.md", "an index is a folder, and this"),
        (("search", "boat", "notes", "--index", "notes"), "notes", "is the folder with the files themselves"),
        (("similar", "notes/data.bin", "notes"), "notes/data.bin", "not text; there is nothing to compare"),
        (("search", "boat", "notes", "--model", "nothing"), "nothing", "no such bundle"),
    ):
        run = edge(*arguments, "--json", cwd=tmp_path)
        assert run.returncode == 2
        error = validate(run.stderr.splitlines()[-1], "error")
        assert error["path"] == path
        assert str(error["reason"]).startswith(reason)
        assert f"edgeembed: {path}: {reason}" in edge(*arguments, cwd=tmp_path).stderr


@pytest.mark.slow
def test_an_image_cannot_be_explained_and_is_named_as_it_was_typed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20), "red").save(tmp_path / "photos" / "red.png")
    command = ("explain", "red", "photos/red.png", "photos", "--model", tiny_two_tower_bundle(tmp_path / "towers"))
    error = validate(edge(*command, "--json", cwd=tmp_path).stderr.splitlines()[-1], "error")
    reason = "only texts can be explained, word by word; this is a picture"
    assert (error["error"], error["path"], error["reason"]) == ("UnsupportedInputError", "photos/red.png", reason)
    assert f"edgeembed: photos/red.png: {reason}" in edge(*command, cwd=tmp_path).stderr


def test_marks_are_words_of_the_query(notes: Path) -> None:
    (hit,) = (json.loads(line) for line in edge("search", '"harbour at dawn"', notes, "--json").stdout.splitlines())
    (passage,) = hit["passages"]
    marked = " ".join(passage["snippet"][begin:end] for begin, end in passage["marks"])
    assert marked == "harbour at dawn"


@pytest.mark.slow
def test_images_in_json(tmp_path: Path) -> None:
    bundle = tiny_two_tower_bundle(tmp_path / "towers")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("a red boat")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.png")
    options = ("--model", bundle, "--json", "--min-score", "0")
    by_image = edge("search", "red.png", "notes", *options, cwd=tmp_path)
    assert validate(by_image.stdout, "hit")["matched"] == ["vector"], by_image.stderr
    by_words = edge("search", "missing.png", "notes", *options, cwd=tmp_path)  # no such file: words
    assert validate(by_words.stdout, "hit")["similarity"] != validate(by_image.stdout, "hit")["similarity"]
    summed = edge("search", "boat", "notes", "--plus", "2:red.png", "--minus", "0.5:water", *options, cwd=tmp_path)
    assert validate(summed.stdout, "hit")["similarity"] != validate(by_words.stdout, "hit")["similarity"]
    (tmp_path / "scan.jfif").write_bytes((tmp_path / "red.png").read_bytes())
    assert edge("search", "scan.jfif", "notes", *options, cwd=tmp_path).stdout == by_image.stdout
    similar = edge("similar", "red.png", "notes", *options, cwd=tmp_path)
    assert validate(similar.stdout, "hit") == validate(by_image.stdout, "hit")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--ext", "md"], {"boat.md"}),
        (["--ext", ".TXT"], {"story.txt", "garden.txt"}),
        (["--path", "b*", "--path", "garden.txt"], {"boat.md", "garden.txt"}),
        (["--max-size", "1k"], {"boat.md", "garden.txt"}),
        (["--min-size", "0.001M"], {"story.txt"}),
        (["--since", "1d"], {"boat.md", "story.txt"}),
        (["--until", "2020-01-01"], {"garden.txt"}),
        (["--until", "2020-01-01T00:00"], set()),
        (["--kind", "image"], set()),
    ],
)
def test_filters(notes: Path, options: list[str], found: set[str]) -> None:
    os.utime(notes / "garden.txt", (1_577_880_000, 1_577_880_000))  # the first of January 2020, noon in UTC
    run = edge("search", "boat", notes, "--min-score", "0", "--json", *options, TZ="UTC")
    assert {Path(json.loads(line)["path"]).name for line in run.stdout.splitlines()} == found, run.stderr
    assert run.returncode == (0 if found else 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["--since", "soon"],
        ["--min-size", "big"],
        ["--min-score", "2"],
        ["--min-score", "nan"],
        ["--path", "[z-a]"],
        ["--plus", ""],
        ["--plus", "2:"],
        ["--plus", "nan:cat"],
        ["--minus", f"{'9' * 400}:cat"],
        ["--minus", f"{'9' * 300}:cat"],
    ],
)
def test_wrong_filters(notes: Path, options: list[str]) -> None:
    run = edge("search", "boat", notes, *options)
    assert (run.returncode, run.stdout) == (2, "")
    assert "Traceback" not in run.stderr


def test_nothing_that_fits_is_a_negative_answer(notes: Path) -> None:
    run = edge("search", "boat", notes, "--min-score", "1")
    assert (run.returncode, run.stdout) == (1, "")
    assert "nothing here fits; --min-score 0" in run.stderr


@pytest.mark.slow
def test_colours_and_links(notes: Path, tmp_path: Path) -> None:
    plain = edge("search", "harbour", notes)
    assert "\x1b" not in plain.stdout
    painted = edge("search", "harbour", notes, "--color", "always", NO_COLOR="1")  # asked for by name
    assert "\x1b[31m\x1b[1mharbour\x1b[0m" in painted.stdout
    assert f"\x1b]8;;file://{notes}/boat.md\x1b\\" in painted.stdout
    stripped = re.sub(r"\x1b\]8;;.*?\x1b\\|\x1b\[[0-9;]*m", "", painted.stdout)
    assert stripped == plain.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("env", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_on_a_terminal(notes: Path, env: dict[str, str], colours: bool) -> None:
    pty = pytest.importorskip("pty")
    main, terminal = pty.openpty()
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "search", "harbour", notes]
    base = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        command, stdout=terminal, stdin=subprocess.DEVNULL, env={**base, "TERM": "xterm", **env}
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(main)
    assert process.returncode == 0
    assert (b"\x1b" in shown) is colours


@pytest.mark.slow
def test_whole_passages_and_lines_around(notes: Path) -> None:
    lines = LONG.split("\n")
    full = edge("search", '"line 30"', notes, "--full").stdout.splitlines()[1:]
    numbers = [int(line.split()[0]) for line in full]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert [line[7:] for line in full] == [lines[n - 1] for n in numbers]
    around = edge("search", '"line 30"', notes, "-C", "3").stdout.splitlines()[1:]
    wider = list(range(numbers[0] - 3, numbers[-1] + 4))  # a blank line at the end may be missing
    assert [int(line.split()[0]) for line in around] in (wider, wider[:-1])


@pytest.mark.slow
def test_odd_names(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "a b"
    root.mkdir()
    names = ["two\nlines.txt", "ümläut 🙂.txt", " leading.txt", "-dash.txt", "100%.txt", os.fsdecode(b"\xff.txt")]
    for number, name in enumerate(names):
        (root / name).write_text(f"the boat number {number}")
    run = edge("search", "the boat", root, "--json", "--model", tiny_bundle)
    hits = [validate(line, "hit") for line in run.stdout.splitlines()]
    assert len(hits) == len(names)
    for hit in hits:
        assert hit["path_bytes"] or Path(str(hit["path"])).is_file()
    shown = edge("search", "the boat", root, "--color", "always")
    assert len(shown.stdout.splitlines()) == 2 * len(names)
    assert "100%25.txt" in shown.stdout
    assert edge("search", "--", "-dash boat", root).returncode == 0
    assert edge("similar", "./-dash.txt", ".", "--min-score", "0", cwd=root).returncode == 0


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(notes: Path) -> None:
    for i in range(300):
        (notes / f"{i}.txt").write_text(f"the boat number {i} " * 50)
    edge("index", notes)
    program = f"{sys.executable} -c 'from edgeembed.cli.main import main; main()'"
    run = subprocess.run(
        f"{program} search boat {notes} -k 300 --json | head -n 1", shell=True, capture_output=True, text=True
    )
    assert len(run.stdout.splitlines()) == 1
    assert run.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    code = "import sys; sys.argv[0] = 'edgeembed'; from edgeembed.cli.main import main; main()"
    program = [sys.executable, "-c", code]
    run = subprocess.run(
        program, capture_output=True, text=True, env={**os.environ, "_EDGEEMBED_COMPLETE": f"{shell}_source"}
    )
    assert "edgeembed" in run.stdout
    assert "Traceback" not in run.stderr
