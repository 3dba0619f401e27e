"""The command ``watch``: what it refuses, and the command line that a service gets."""

from __future__ import annotations

import importlib.util
import plistlib
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeembed.cli.commands import watch as module
from edgeembed.cli.main import cli
from edgeembed.errors import EdgeEmbedError
from edgeembed.sync.report import SyncReport
from edgeembed.watching.reports import Batch, Notice, Reason


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["watch", *map(str, arguments)])


def command(result: Result) -> list[str]:
    assert result.exit_code == 0, result.exception
    words: list[str] = plistlib.loads(result.stdout.encode())["ProgramArguments"]
    return words


def test_a_service_gets_absolute_paths(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "my nötes"
    notes.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").symlink_to(tiny_bundle)
    words = command(run("my nötes", "--print-service=launchd", "--index", "store", "--model", "model", "--threads", 1))
    assert words[:4] == [sys.executable, "-m", "edgeembed", "watch"]
    assert words[4] == str(notes.resolve())
    assert words[5:] == ["--index", str(Path.cwd() / "store"), "--model", str(Path.cwd() / "model"), "--threads", "1"]


def test_a_model_may_be_a_name(tmp_path: Path) -> None:
    words = command(run(tmp_path, "--print-service=launchd", "--model", "minilm-l3-int8", "--yes"))
    assert words[-3:] == ["--model", "minilm-l3-int8", "--yes"]


def test_the_system_chooses_the_service_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "<plist" in run(tmp_path, "--print-service").stdout
    assert run(tmp_path, "--print-service=upstart").exit_code == 2


def test_one_index_is_not_for_two_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    result = run(tmp_path / "a", tmp_path / "b", "--index", tmp_path / "store")
    assert isinstance(result.exception, ValueError)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run(tmp_path)
    assert isinstance(result.exception, EdgeEmbedError)
    assert "pip install 'edgeembed[watch]'" in str(result.exception)
    assert not (tmp_path / ".edgeembed").exists()


@pytest.mark.parametrize(
    ("reason", "counts", "line"),
    [
        ("change", (1, 2, 0), "notes: 1 new, 2 changed (0.5 s)\n"),
        ("look", (0, 0, 1200), "notes: 1,200 removed (0.5 s)\n"),
        ("start", (0, 0, 0), "notes: nothing changed (0.5 s)\n"),
        ("change", (0, 0, 0), ""),
    ],
)
def test_a_batch_is_a_line(
    capsys: pytest.CaptureFixture[str], reason: Reason, counts: tuple[int, int, int], line: str
) -> None:
    batch = Batch(Path("notes"), ("a",), False, reason, SyncReport(*counts, 7, (), 1, False), 0.5)
    module._Teller(as_json=True)(batch)
    out, err = capsys.readouterr()
    assert err == line
    assert (out.count("\n"), '"below": ["a"]' in out) == ((1, True) if line else (0, False))


def test_a_notice_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    module._Teller(as_json=True)(Notice(Path("my\nnotes"), "away", "is gone"))
    assert capsys.readouterr() == ("", "my\\nnotes: is gone\n")
