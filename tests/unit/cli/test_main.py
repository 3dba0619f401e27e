"""The command line as people and programs meet it: output, streams, exit status."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle
from tests.support.tiny import tiny_text_bundle
from tests.support.tiny_image import tiny_two_tower_bundle

Run = subprocess.CompletedProcess[str]


def edge(*args: object, cwd: Path | None = None, stdin: str | None = None, **env: str) -> Run:
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", *map(str, args)]
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=cwd, text=True, capture_output=True, env={**os.environ, **env}, **source
    )


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    (root / "Übung").mkdir(parents=True)
    (root / "boat.md").write_text("# Boat\n\nThe boat leaves the harbour at dawn.\n")
    (root / "Übung" / "garden.txt").write_text("Tomato seedlings for the garden.\n")
    return root


def test_what_pillow_warns_of_is_not_shown(notes: Path, tmp_path: Path) -> None:
    """A picture with a damaged part that is read all the same: an animation of no frames."""
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


def test_wrong_use_says_what_to_type(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    cases: dict[tuple[object, ...], str] = {
        ("search", "x", tmp_path / "missing"): "no such folder; give the folder that holds your files",
        ("search", "x", notes / "boat.md"): "this is a file; give the folder it is in",
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


def test_a_damaged_bundle_is_refused_and_the_index_not_made(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    def flipped(bundle: Path) -> None:
        raw = bytearray((bundle / "text.onnx").read_bytes())
        raw[len(raw) // 2] ^= 1
        (bundle / "text.onnx").write_bytes(raw)

    def missing(bundle: Path) -> None:
        (bundle / "tokenizer.json").unlink()

    def newer(bundle: Path) -> None:
        text = (bundle / "manifest.json").read_text()
        (bundle / "manifest.json").write_text(text.replace('"format": 1', '"format": 2'))

    messages = {flipped: "text.onnx: is damaged", missing: "tokenizer.json: is missing", newer: "upgrade edgeembed"}
    for number, (damage, message) in enumerate(messages.items()):
        bundle = tmp_path / f"bundle-{number}"
        shutil.copytree(tiny_bundle, bundle)
        damage(bundle)
        run = edge("search", "x", notes, "--model", bundle, "--index", tmp_path / f"index-{number}")
        assert (run.returncode, message in run.stderr) == (2, True), run.stderr


def test_a_first_run_with_a_bundle_that_fails_settles_nothing(
    notes: Path, tiny_bundle: Path, tmp_path: Path, reseal: Callable[..., Bundle]
) -> None:
    damaged, senseless = tmp_path / "damaged", reseal(read_bundle(tiny_bundle), {"text.onnx": b"no graph"})
    shutil.copytree(tiny_bundle, damaged)
    (damaged / "text.onnx").write_bytes(b"x" * (damaged / "text.onnx").stat().st_size)
    for number, broken in enumerate((damaged, senseless.path)):
        for model, name in (((), "minilm-l6-int8"), (("--model", tiny_bundle), "tiny")):
            place = ("--index", tmp_path / f"{number}-{name}")
            assert edge("index", notes, *place, "--model", broken).returncode == 2
            run = edge("index", notes, *place, *model)
            assert (run.returncode, "2 new" in run.stderr) == (0, True), run.stderr
            assert json.loads(edge("status", notes, *place, "--json").stdout)["model"] == name


def test_another_model_than_that_of_the_index(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    other = tiny_text_bundle(tmp_path / "other", seed=3)
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    run = edge("search", "boat", notes, "--model", other)
    assert run.returncode == 2
    assert "made with tiny" in run.stderr
    assert "edgeembed index --rebuild" in run.stderr
    assert edge("index", notes, "--model", other, "--rebuild").returncode == 0
    assert edge("search", "boat", notes).returncode == 0
    assert json.loads(edge("status", notes, "--json").stdout)["model"] == "other"


def test_index_reports_and_strict_tells(notes: Path, tiny_bundle: Path) -> None:
    (notes / "data.bin").write_bytes(bytes(range(256)) * 50)
    dry = edge("index", notes, "--dry-run")
    assert sorted(dry.stdout.splitlines()) == ["new      boat.md", "new      data.bin", "new      Übung/garden.txt"]
    assert not (notes / ".edgeembed").exists()
    run = edge("index", notes, "--model", tiny_bundle, "--strict", "--nice")
    assert run.returncode == 3
    assert run.stderr.splitlines() == [
        "2 new; 2 files in the index",
        "1 skipped: 1 not text (`edgeembed status` lists them)",
    ]
    assert edge("index", notes).returncode == 0
    status = edge("status", notes).stdout
    assert "2 files in 2 passages" in status
    assert "data.bin: not text" in status
    facts = json.loads(edge("status", notes, "--json").stdout)
    assert (facts["documents"], facts["pending"]["new"]) == (2, 0)
    assert facts["skipped"] == [{"path": "data.bin", "path_bytes": None, "reason": "not text"}]


def test_a_rebuild_says_beforehand_what_it_would_read(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    run = edge("index", notes, "--dry-run", "--rebuild")
    assert run.stdout.splitlines() == ["anew     boat.md", "anew     Übung/garden.txt"]
    assert run.stderr == "the index would be made anew, of 2 files\n"
    for options in ((), ("--rebuild",)):
        run = edge("index", notes, "--dry-run", *options, "--index", tmp_path)
        assert (run.returncode, run.stdout) == (2, "")
        assert "name an empty or a new folder" in run.stderr


def test_status_names_a_rebuild_that_did_not_end(notes: Path, tiny_bundle: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    assert "rebuild  begun" not in edge("status", notes).stdout
    assert edgeembed.Folder.rebuild(notes, cancel=lambda: True).cancelled
    begun = notes / ".edgeembed.new"
    line = f"rebuild  begun in {begun} and not ended; `edgeembed index --rebuild` goes on with it"
    assert line in edge("status", notes).stdout.splitlines()
    assert json.loads(edge("status", notes, "--json").stdout)["rebuild"] == str(begun)
    assert edge("index", notes, "--rebuild").returncode == 0
    assert json.loads(edge("status", notes, "--json").stdout)["rebuild"] is None


def test_verify_counts_the_texts_that_it_embedded_again(notes: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(notes / "red.png")
    edge("index", notes, "--model", tiny_two_tower_bundle(tmp_path / "towers"))
    run = edge("verify", notes)
    assert run.stdout == "ok       3 documents, 3 passages, 0 segments, 2 passages of text embedded again\n"


@pytest.mark.parametrize("size", [5000, 0])
def test_what_is_past_repair_is_to_be_made_anew(notes: Path, tiny_bundle: Path, size: int) -> None:
    edge("index", notes, "--model", tiny_bundle)
    os.truncate(notes / ".edgeembed" / "catalog.sqlite", size)
    run = edge("repair", notes)
    assert run.returncode == 2
    assert "too little is left to repair; `edgeembed index --rebuild` makes the index anew" in run.stderr
    assert edge("index", notes, "--rebuild", "--model", tiny_bundle).returncode == 0
    assert edge("search", "boat", notes).returncode == 0


def test_an_unreadable_file_is_skipped(notes: Path, tiny_bundle: Path) -> None:
    (notes / "secret.txt").write_text("x")
    (notes / "secret.txt").chmod(0)
    if os.access(notes / "secret.txt", os.R_OK):
        pytest.skip("this user may read everything")
    run = edge("index", notes, "--model", tiny_bundle)
    assert run.returncode == 0
    assert "1 skipped: 1 not readable (" in run.stderr
    assert "pending  nothing\nskipped  1\n" in edge("status", notes).stdout
    assert edge("index", notes, "--dry-run").stdout == ""


def test_a_file_name_cannot_steer_the_terminal(notes: Path, tiny_bundle: Path) -> None:
    (notes / "evil\x1b[2J\nname.txt").write_text("the boat \x1b]0;owned\x07 sails")
    run = edge("search", "boat", notes, "--model", tiny_bundle)
    assert "\x1b" not in run.stdout
    assert r"evil\x1b[2J\nname.txt" in run.stdout


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


def test_a_whole_home_folder_is_asked_about(notes: Path, tiny_bundle: Path) -> None:
    run = edge("index", notes, "--model", tiny_bundle, HOME=str(notes))
    assert run.returncode == 2
    assert "your whole home folder; add --yes" in run.stderr
    assert edge("index", notes, "--model", tiny_bundle, "--yes", HOME=str(notes)).returncode == 0
    assert edge("index", notes, HOME=str(notes)).returncode == 0  # made once, followed without asking


def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    notes = tmp_path / "many"
    notes.mkdir()
    for i in range(1600):
        (notes / f"{i}.txt").write_text(f"Note {i}. " + f"The price of item {i} rose in week {i % 52}. " * 12)
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "index", notes, "--threads", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    catalog = notes / ".edgeembed" / "catalog.sqlite"
    deadline = time.monotonic() + 60
    while not catalog.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was indexed is kept" in stderr
    held = json.loads(edge("status", notes, "--json").stdout)["documents"]
    assert 0 < held < 1600


def test_progress_on_a_terminal_only(notes: Path) -> None:
    for i in range(800):
        (notes / f"{i}.txt").write_text(f"Note {i}: " + "the price of this item rose again. " * 15)
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "index", notes]
    with subprocess.Popen(command, stderr=terminal, stdin=subprocess.DEVNULL) as process:
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
    assert b"indexing" in shown
    assert b"B/s" in shown


def test_a_missing_package_is_named_once_with_the_command(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for module in ("pypdfium2", "python_calamine"):
        (trap / f"{module}.py").write_text(f"raise ModuleNotFoundError({module!r})")
    for name in ("a.pdf", "b.pdf"):
        (notes / name).write_bytes(b"%PDF-1.4\n")
    with zipfile.ZipFile(notes / "c.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    path = os.pathsep.join(filter(None, [str(trap), os.environ.get("PYTHONPATH", "")]))
    run = edge("index", notes, "--model", tiny_bundle, PYTHONPATH=path)
    assert run.returncode == 0
    assert run.stderr.splitlines()[1:] == [
        "3 skipped: 3 needs edgeembed[documents] (`edgeembed status` lists them)",
        "to read 2 PDF and 1 spreadsheet files as well: pip install 'edgeembed[documents]'",
    ]


def test_status_lists_some_files_for_each_reason(notes: Path, tiny_bundle: Path) -> None:
    for number in range(20):
        (notes / f"{number:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (notes / "locked.pdf").write_bytes(b"%PDF-1.4\n")
    edge("index", notes, "--model", tiny_bundle)
    lines = edge("status", notes).stdout.splitlines()
    assert lines[lines.index("skipped  21") + 1 :] == [
        "  locked.pdf: damaged: not a whole PDF",
        *(f"  {number:02}.png: picture left out: no model for pictures (--image-model)" for number in range(5)),
        "  … and 15 more: picture left out: no model for pictures (--image-model) (--all lists them)",
    ]
    assert edge("status", notes, "--all").stdout.count(".png") == 20


def test_pictures_that_want_for_a_model_are_counted_and_the_option_is_named(notes: Path, tiny_bundle: Path) -> None:
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (30, 20), "red").save(notes / name)
    (notes / "data.bin").write_bytes(bytes(64))
    hint = "2 pictures left out: no model for pictures (--image-model)"
    run = edge("index", notes, "--model", tiny_bundle)
    assert run.stderr.splitlines()[1] == f"3 skipped: {hint}, 1 not text (`edgeembed status` lists them)"
    run = edge("search", "boat", notes, "--min-score", "1")
    assert (run.returncode, hint in run.stderr) == (1, True)
    (notes / "boat.md").unlink()
    shutil.rmtree(notes / "Übung")
    run = edge("search", "boat", notes)
    assert run.stderr.splitlines()[-1] == f"{notes}: no files to search here; {hint}"
    run = edge("similar", notes / "a.png", notes)
    reason = "picture left out: no model for pictures (--image-model); there is nothing to compare"
    assert (run.returncode, f"{notes / 'a.png'}: {reason}" in run.stderr) == (2, True)
    (notes / "a.png").unlink()
    assert "1 picture left out: no model" in edge("search", "boat", notes).stderr


def _children(process: int) -> list[str]:
    """Process ids of the children, whichever thread started them."""
    return [
        child for listed in Path(f"/proc/{process}/task").glob("*/children") for child in listed.read_text().split()
    ]


@pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")
def test_ctrl_c_while_a_file_is_taken_apart_is_at_once_and_leaves_no_process(notes: Path, tiny_bundle: Path) -> None:
    (notes / "a.html").write_text("<![CDATA[" * 1_000_000)  # takes minutes
    command = [
        sys.executable,
        "-c",
        "from edgeembed.cli.main import main; main()",
        "index",
        notes,
        "--model",
        tiny_bundle,
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (started := _children(process.pid)):
        time.sleep(0.05)
        if not Path("/proc").exists():  # a system that does not say
            time.sleep(3)
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was indexed is kept" in stderr
    assert time.monotonic() - begun < 5
    assert not any(Path("/proc", pid).exists() for pid in started)


def test_a_folder_without_files_is_not_taken_for_deleted(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    place = ("--index", tmp_path / "index")
    edge("index", notes, *place, "--model", tiny_bundle)
    notes.rename(tmp_path / "away")
    notes.mkdir()
    for command in (("index", notes), ("index", notes, "--dry-run"), ("search", "boat", notes)):
        run = edge(*command, *place)
        assert run.returncode == 0
        assert "the folder holds no file any more: what was indexed of it is kept" in run.stderr
        assert "`edgeembed index --rebuild`" in run.stderr
    assert "boat.md" in run.stdout
    assert ".: holds no file any more" in edge("status", notes, *place).stdout


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
