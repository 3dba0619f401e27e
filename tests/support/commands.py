"""Commands of edgeembed, each run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Run = subprocess.CompletedProcess[str]


def edge(*args: object, cwd: Path | None = None, stdin: str | None = None, **env: str) -> Run:
    """Run `edgeembed` with arguments, what it reads, and environment variables beside those that are set."""
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", *map(str, args)]
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=cwd, text=True, capture_output=True, errors="surrogateescape", env={**os.environ, **env}, **source
    )
