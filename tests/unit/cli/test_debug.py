"""``EDGEEMBED_DEBUG=1``: evidence for bug reports; and ``python -m edgeembed``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgeembed


def run(*args: object, debug: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EDGEEMBED_DEBUG": debug}
    command = [sys.executable, "-m", "edgeembed", *map(str, args)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_package_runs_as_a_program() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"edgeembed, version {edgeembed.__version__}\n")


@pytest.mark.parametrize(("debug", "lines"), [("", 1), ("1", 10)])
def test_an_error_has_a_traceback_only_when_it_is_asked_for(tmp_path: Path, debug: str, lines: int) -> None:
    done = run("search", "boat", tmp_path / "missing", debug=debug)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"edgeembed: {tmp_path / 'missing'}: no such folder")
    assert ("Traceback (most recent call last)" in done.stderr) is bool(debug)
    assert lines == 1 or len(done.stderr.splitlines()) >= lines


def test_the_log_says_which_model_was_chosen_and_why(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "a.txt").write_text("the boat leaves the harbour")
    args = ("index", tmp_path, "--index", tmp_path / "index", "--model", tiny_bundle)
    assert "edgeembed.storage.open" in run(*args, debug="1").stderr
    assert "the model is the one asked for" in run(*args, "--rebuild", debug="1").stderr
    assert "edgeembed." not in run(*args, "--rebuild").stderr
