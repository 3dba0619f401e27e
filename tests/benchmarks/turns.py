"""Peers by turns: each in a process of its own that waits while another one works.

Run as a module it is such a process: it reads jobs, one line of JSON each, and answers with lines of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

_MEMORY = {"peak_bytes": "VmHWM", "settled_bytes": "VmRSS", "own_bytes": "RssAnon"}
"""What is told of memory, and how Linux calls it."""


class PeerError(Exception):
    """A peer that cannot be run, with the reason."""


class PeerProcess:
    """One peer, loaded and waiting for jobs."""

    def __init__(self, name: str, teacher: Path, made: Path) -> None:
        """Start the process and wait until it has embedded a first text.

        Raises:
            PeerError: it cannot be imported or loaded.
        """
        begun = time.perf_counter()
        command = [sys.executable, "-m", "tests.benchmarks.turns", name, str(teacher), str(made)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.name = name
        self.ready = self._answer()
        self.start_seconds = time.perf_counter() - begun
        """From the start of the process to its first vector."""

    def seconds(self, texts: Sequence[str], batch: int) -> float:
        """How long it takes to embed ``texts``, measured inside."""
        return float(self._ask({"texts": list(texts), "batch": batch})["seconds"])

    def memory(self) -> Mapping[str, int]:
        """Of the process: ``peak_bytes``, ``settled_bytes`` (now), ``own_bytes`` (what of that no file backs)."""
        return self._ask({"memory": True})

    def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # libraries print to stdout as well
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    self._process.kill()
                    raise PeerError(answer["error"])
                return answer
        raise PeerError(f"{self.name} ended with status {self._process.wait()}")

    def __enter__(self) -> PeerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _memory() -> dict[str, int]:
    """Of this process; zeros where the system does not say."""
    path = Path("/proc/self/status")
    if not path.is_file():
        return dict.fromkeys(_MEMORY, 0)
    fields = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    return {name: int(fields[field].split()[0]) * 1024 for name, field in _MEMORY.items()}


def main(name: str, teacher: str, made: str) -> None:
    """Load a peer and do jobs until there are no more."""
    from .encoders import PEERS

    peer = next(peer for peer in PEERS if peer.name == name)
    try:
        embed = peer.load(Path(teacher), Path(made))
        embed(["a first text"], 1)
    except Exception as error:  # whatever a peer raises is the reason why it is left out
        print(json.dumps({"error": f"{type(error).__name__}: {error}".splitlines()[0]}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        if "memory" in job:
            print(json.dumps(_memory()), flush=True)
            continue
        begun = time.perf_counter()
        embed(job["texts"], job["batch"])
        print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
