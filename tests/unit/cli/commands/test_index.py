"""`edgeembed index`: reports, refusals, interruptions."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed.bundle.bundle import Bundle, read_bundle
from tests.support.commands import edge
from tests.support.output_schema import validate
from tests.support.tiny import tiny_text_bundle


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_first_run_with_a_bundle_that_fails_records_no_model(
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_rebuild_says_beforehand_what_it_would_read(notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    edge("index", notes, "--model", tiny_bundle)
    run = edge("index", notes, "--dry-run", "--rebuild")
    assert run.stdout.splitlines() == ["anew     boat.md", "anew     Übung/garden.txt"]
    assert run.stderr == "the index would be made anew, of 2 files\n"
    for options in ((), ("--rebuild",)):
        run = edge("index", notes, "--dry-run", *options, "--index", tmp_path)
        assert (run.returncode, run.stdout) == (2, "")
        assert "name an empty or a new folder" in run.stderr


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


@pytest.mark.slow
def test_a_whole_home_folder_is_asked_about(notes: Path, tiny_bundle: Path) -> None:
    run = edge("index", notes, "--model", tiny_bundle, HOME=str(notes))
    assert run.returncode == 2
    assert "your whole home folder; add --yes" in run.stderr
    assert edge("index", notes, "--model", tiny_bundle, "--yes", HOME=str(notes)).returncode == 0
    assert edge("index", notes, HOME=str(notes)).returncode == 0  # made once, followed without asking


@pytest.mark.slow
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


@pytest.mark.slow
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
    with zipfile.ZipFile(notes / "c.xlsb", "w") as archive:
        kind = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
        part = f'<Override PartName="/xl/workbook.bin" ContentType="{kind}"/>'
        space = "http://schemas.openxmlformats.org/package/2006/content-types"
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{space}">{part}</Types>')
        archive.writestr("xl/workbook.bin", b"")
    path = os.pathsep.join(filter(None, [str(trap), os.environ.get("PYTHONPATH", "")]))
    run = edge("index", notes, "--model", tiny_bundle, PYTHONPATH=path)
    assert run.returncode == 0
    assert run.stderr.splitlines()[1:] == [
        "3 skipped: 3 needs edgeembed[documents] (`edgeembed status` lists them)",
        "to read 2 PDF and 1 spreadsheet files as well: pip install 'edgeembed[documents]'",
    ]


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


@pytest.mark.slow
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


def records(text: str, *kinds: str) -> list[dict[str, object]]:
    """The objects on the lines of an output, each of which must be one of these kinds."""
    found = []
    for line in text.splitlines():
        event = json.loads(line).get("event", "error")
        assert event in kinds, line
        found.append(validate(line, event))
    return found


def test_index_json_names_every_skipped_file_and_says_what_was_done(notes: Path, tiny_bundle: Path) -> None:
    (notes / "raw.bin").write_bytes(b"\0\1\2")
    (notes / os.fsdecode(b"caf\xe9.bin")).write_bytes(b"\0\1\2")
    run = edge("index", "notes", "--json", "--model", tiny_bundle, cwd=notes.parent)
    *skipped, done = records(run.stdout, "skipped", "indexed")
    assert [(item["path"], item["reason"]) for item in skipped] == [
        ("notes/caf\ufffd.bin", "not text"),
        ("notes/raw.bin", "not text"),
    ]
    assert base64.b64decode(str(skipped[0]["path_bytes"])) == b"notes/caf\xe9.bin"
    assert {name: done[name] for name in ("event", "added", "skipped", "below", "cancelled")} == {
        "event": "indexed", "added": 2, "skipped": 2, "below": None, "cancelled": False,
    }  # fmt: skip
    assert "2 new; 2 files in the index" in run.stderr
    (notes / "boat.md").write_text("another boat\n")
    (notes / "Übung" / "garden.txt").unlink()
    run = edge("index", "notes", "--json", "--strict", cwd=notes.parent)
    done = records(run.stdout, "skipped", "indexed")[-1]
    assert (run.returncode, done["added"], done["updated"], done["removed"]) == (3, 0, 1, 1)


def test_index_json_of_a_part_names_paths_from_where_the_command_ran(notes: Path, tiny_bundle: Path) -> None:
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    (notes / "Übung" / "raw.bin").write_bytes(b"\0\1")
    run = edge("index", "Übung", "--json", cwd=notes)
    skipped, done = records(run.stdout, "skipped", "indexed")
    assert (skipped["path"], done["below"]) == ("Übung/raw.bin", "Übung")
    assert (notes / str(skipped["path"])).is_file()


def test_a_dry_run_in_json_says_what_would_be_done(notes: Path, tiny_bundle: Path) -> None:
    run = edge("index", "notes", "--dry-run", "--json", cwd=notes.parent)
    assert {(item["what"], item["path"]) for item in records(run.stdout, "planned")} == {
        ("new", "notes/boat.md"),
        ("new", "notes/Übung/garden.txt"),
    }
    assert not (notes / ".edgeembed").exists()
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    (notes / "boat.md").write_text("another boat, or two\n")
    (notes / "Übung" / "garden.txt").unlink()
    run = edge("index", "notes", "--dry-run", "--json", cwd=notes.parent)
    assert {(item["what"], item["path"]) for item in records(run.stdout, "planned")} == {
        ("changed", "notes/boat.md"),
        ("removed", "notes/Übung/garden.txt"),
    }


def test_progress_for_programs_is_objects_that_end_with_all_done(notes: Path, tiny_bundle: Path) -> None:
    for number in range(40):
        (notes / f"{number}.txt").write_text(f"boat number {number}\n" * 20)
    run = edge("index", notes, "--progress", "json", "--model", tiny_bundle)
    told = records(run.stderr, "progress", "note")
    steps = [item for item in told if item["event"] == "progress"]
    assert steps[-1]["done_files"] == steps[-1]["total_files"] == 42
    assert steps[-1]["done_bytes"] == steps[-1]["total_bytes"]
    done = [int(str(step["done_bytes"])) for step in steps]
    assert done == sorted(done)
    assert len({json.dumps(step) for step in steps}) == len(steps)
    assert [item["message"] for item in told if item["event"] == "note"] == ["42 new; 42 files in the index"]
    run = edge("search", "boat", notes, "--progress=json", "-l", "-k", "1")
    assert (run.returncode, len(run.stdout.splitlines())) == (0, 1)
    assert len(records(run.stderr, "progress")) <= 4  # files so young are looked at again


def test_with_progress_for_programs_errors_are_objects_too(notes: Path) -> None:
    for args in (("index", notes / "missing"), ("search", "x", notes / "missing"), ("index", notes, "--threads", "0")):
        run = edge(*args, "--progress", "json")
        assert (run.returncode, run.stdout) == (2, "")
        (error,) = records(run.stderr, "error")
        assert error["reason"]
    assert not edge("index", notes / "missing").stderr.startswith("{")
    assert not edge("index", notes / "missing", "--", "--progress=json").stderr.startswith("{")
