"""Whole processes by turns: ``python -m tests.benchmarks.processes``.

How long until the first vector, how long a search on an existing index takes, and how much memory indexing needs. Each
round starts every program once; figures are medians over the rounds, ratios medians of the ratios round by round.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeembed.bundle.bundle import read_bundle
from edgeembed.bundle.shipped import shipped_names
from tests.support.paths import SAMPLE

from .embedding import missing
from .encoders import PEERS
from .texts import sample_words

_CLI = "from edgeembed.cli.main import main; main()"


@dataclass(frozen=True)
class Run:
    """What one process took."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(command: Sequence[str]) -> Run:
    """Start a program, wait for its end, and ask the system what it took.

    Raises:
        RuntimeError: it failed; the end of what it said is in the message.
    """
    with tempfile.TemporaryFile() as said:
        # Installed modules are compiled once; no setting of a developer may have that done every time.
        settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        begun = time.perf_counter()
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=settings
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command}: {said.read()[-500:].decode(errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def by_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Run]]:
    """Each command once a round, after a first round that does not count."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            one = run(command)
            if number:
                found[name].append(one)
    return found


def table(found: Mapping[str, Sequence[Run]], first: str) -> str:
    """Medians, and the ratio of processor time to that of ``first``."""
    lines = ["| | wall s | processor s | against the first | peak memory |", "|---|---|---|---|---|"]
    for name, runs in found.items():
        ratio = statistics.median(
            one.cpu_seconds / other.cpu_seconds for one, other in zip(runs, found[first], strict=True)
        )
        wall, cpu = (statistics.median(getattr(one, key) for one in runs) for key in ("wall_seconds", "cpu_seconds"))
        peak = max(one.peak_bytes for one in runs)
        lines.append(f"| {name} | {wall:.2f} | {cpu:.2f} | {ratio:.2f} | {peak / 1e6:.0f} MB |")
    return "\n".join(lines)


def starts(teacher: Path | None, made: Path) -> dict[str, list[str]]:
    """Programs that embed one text and end."""
    embed = "import edgeembed; edgeembed.Embedder.load({!r}).embed_texts(['a first text'])"
    names = [name for name in shipped_names() if read_bundle(name).manifest.text is not None]
    commands = {f"edgeembed {name}": [sys.executable, "-c", embed.format(name)] for name in names}
    if teacher is not None:
        for peer in PEERS:
            if not peer.tier and peer.name != "tokenizer alone" and missing(peer) is None:
                commands[peer.name] = [
                    sys.executable,
                    "-m",
                    "tests.benchmarks.turns",
                    peer.name,
                    str(teacher),
                    str(made),
                ]
    return commands


def searches(folder: Path) -> dict[str, list[str]]:
    """A search in an index where nothing has changed, and what it cannot do without."""
    run([sys.executable, "-c", _CLI, "index", str(folder)])
    return {
        "importing onnxruntime, tokenizers, usearch": [
            sys.executable,
            "-c",
            "import onnxruntime, tokenizers, usearch.index",
        ],
        "edgeembed search, nothing changed": [sys.executable, "-c", _CLI, "search", "bees in winter", str(folder)],
        "edgeembed index, nothing changed": [sys.executable, "-c", _CLI, "index", str(folder)],
    }


def write_folder(folder: Path, files: int, size_bytes: int, *, large: int = 0, seed: int = 0) -> None:
    """Text files of ``size_bytes`` each, and one of ``large`` bytes if that is not 0."""
    rng, words = random.Random(seed), sample_words()

    def text(size: int) -> str:
        parts: list[str] = []
        length = 0
        while length < size:
            start = rng.randrange(len(words))
            line = " ".join(words[start : start + rng.randint(5, 20)])
            parts.append(line)
            length += len(line) + 1
        return "\n".join(parts)

    for i in range(files):
        path = folder / f"{i % 100:02}" / f"{i:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(size_bytes), encoding="utf-8")
    if large:
        (folder / "large.txt").write_text(text(large), encoding="utf-8")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, help="folder of all-MiniLM-L6-v2: peers are started as well")
    parser.add_argument("--made", type=Path, help="folder for files made of the teacher")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="index 10 000 files of 100 MB, and one of 50 MB")
    parser.add_argument("--model", default="minilm-static", help="for --memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "sample")
        shutil.copytree(SAMPLE, folder)
        found = by_turns(searches(folder), options.rounds)
        print(f"Searching\n\n{table(found, next(iter(found)))}\n")
        made = options.made or Path(scratch, "made")
        made.mkdir(parents=True, exist_ok=True)
        found = by_turns(starts(options.teacher, made), options.rounds)
        print(f"From the start of a process to its first vector, and its end\n\n{table(found, next(iter(found)))}\n")
        if options.memory:
            large = Path(scratch, "large")
            write_folder(large, 10_000, 10_000, large=50_000_000)
            one = run([sys.executable, "-c", _CLI, "index", "--yes", "--model", options.model, str(large)])
            print(f"Indexing 150 MB of text with {options.model}: peak memory {one.peak_bytes / 1e6:.0f} MB, ", end="")
            print(f"{one.wall_seconds:.0f} s")


if __name__ == "__main__":
    main()
