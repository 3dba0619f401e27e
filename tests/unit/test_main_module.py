"""``python -m edgeembed`` is the command line."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "edgeembed", "--version"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.strip().endswith(version("edgeembed"))


def test_importing_it_runs_nothing() -> None:
    process = subprocess.run([sys.executable, "-c", "import edgeembed.__main__"], capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
