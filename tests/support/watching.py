"""A watcher of edgeembed in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 60
"""That a test waits: machines may be slow."""


class RunningWatch:
    """``edgeembed watch --json``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.batches: list[dict[str, Any]] = []
        self.notes: list[str] = []
        for stream, take in ((process.stdout, self._take_batch), (process.stderr, self.notes.append)):
            threading.Thread(target=lambda s=stream, t=take: [t(line) for line in s], daemon=True).start()

    def _take_batch(self, line: str) -> None:
        self.batches.append(json.loads(line))

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, (self.batches, self.notes)
            time.sleep(0.02)

    def total(self, what: str) -> int:
        """How many files were ``added``, ``updated`` or ``removed`` so far."""
        return sum(int(batch[what]) for batch in self.batches)

    def end(self, number: int = signal.SIGTERM) -> float:
        """End it in good order; the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(SECONDS) == 0, self.notes
        return time.monotonic() - begun


@contextmanager
def watching(*arguments: object, **env: str) -> Iterator[RunningWatch]:
    """``edgeembed watch`` with arguments, once each folder was looked at."""
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "watch", "--json"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
    )
    try:
        yield RunningWatch(process)
    finally:
        process.kill()
        process.wait()
