"""Texts to vectors, edgeembed's tiers and their peers by turns: ``python -m tests.benchmarks.embedding TEACHER``.

TEACHER is a folder with all-MiniLM-L6-v2 in the Hugging Face layout. Nothing is installed and nothing fetched: peers
that are not there are named. Every round gives each peer its turn on the same texts; what counts is the median over
the rounds, and of the ratios round by round, since machines change their speed meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from .encoders import PEERS, Peer
from .texts import LENGTHS, texts_of
from .turns import PeerError, PeerProcess

_LIBRARIES = ("edgeembed", "onnxruntime", "tokenizers", "fastembed", "sentence-transformers", "torch", "openvino")
_TARGET_TOKENS = 30_000
"""In one turn of a transformer."""
_LIGHT = 20
"""So many times as many in one of what has none."""


@dataclass
class Result:
    """What was measured of one peer."""

    start_seconds: float
    batch: int = 1
    tokens_per_second: dict[str, list[float]] = field(default_factory=dict)
    """Length of the texts to a figure for each round."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """As :meth:`PeerProcess.memory` tells it, after all turns."""

    def median(self, kind: str) -> float:
        """Tokens a second."""
        return statistics.median(self.tokens_per_second[kind])


def missing(peer: Peer) -> str | None:
    """The module that a peer lacks."""
    for module in peer.needs:
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return module
    return None


def measure(
    peers: Sequence[Peer], teacher: Path, made: Path, *, rounds: int, tokens: int = _TARGET_TOKENS
) -> tuple[dict[str, Result], dict[str, str]]:
    """Run peers by turns.

    Args:
        peers: which; the first is what others are compared with.
        teacher: folder of the teacher.
        made: folder for files that peers make of it.
        rounds: how many turns each gets for every length of text.
        tokens: in one turn.

    Returns:
        Results by name, and the reasons why others were left out.
    """
    tokenizer = Tokenizer.from_file(str(teacher / "tokenizer.json"))
    first = _Texts(tokenizer, tokens, seed=0)
    results: dict[str, Result] = {}
    left_out: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        running: dict[Peer, PeerProcess] = {}
        for peer in peers:
            lacking = missing(peer)
            if lacking is not None:
                left_out[peer.name] = f"{lacking} is not installed"
                continue
            try:
                process = stack.enter_context(PeerProcess(peer.name, teacher, made))
            except PeerError as error:
                left_out[peer.name] = str(error)
                continue
            running[peer] = process
            best = min(peer.batches, key=lambda batch: process.seconds(first.of("middle", light=peer.light)[0], batch))
            results[peer.name] = Result(process.start_seconds, best)
            print(f"{peer.name}: ready, batch {best}", file=sys.stderr)
        for number in range(rounds):
            texts = _Texts(tokenizer, tokens, seed=number + 1)  # others each time: nobody has seen them before
            for kind in LENGTHS:
                for peer, process in running.items():
                    result = results[peer.name]
                    given, count = texts.of(kind, light=peer.light)
                    result.tokens_per_second.setdefault(kind, []).append(count / process.seconds(given, result.batch))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for peer, process in running.items():
            results[peer.name].memory = process.memory()
    return results, left_out


class _Texts:
    """The texts of one round."""

    def __init__(self, tokenizer: Tokenizer, tokens: int, *, seed: int) -> None:
        self._tokenizer, self._tokens, self._seed = tokenizer, tokens, seed
        self._made: dict[tuple[str, bool], tuple[list[str], int]] = {}

    def of(self, kind: str, *, light: bool) -> tuple[list[str], int]:
        """Texts of a length, and how many tokens they have together; many more for what is light."""
        if (kind, light) not in self._made:
            tokens = self._tokens * (_LIGHT if light else 1)
            texts = texts_of(LENGTHS[kind], max(8, tokens // LENGTHS[kind]), self._tokenizer, seed=self._seed)
            count = sum(len(row.ids) for row in self._tokenizer.encode_batch_fast(texts))
            self._made[kind, light] = texts, count
        return self._made[kind, light]


def ratio(results: Mapping[str, Result], name: str, first: str, kind: str) -> float:
    """How many times as fast as ``first``: the median over the rounds."""
    pairs = zip(results[name].tokens_per_second[kind], results[first].tokens_per_second[kind], strict=True)
    return statistics.median(own / other for own, other in pairs)


def markdown(results: Mapping[str, Result], left_out: Mapping[str, str]) -> str:
    """A table with medians and ratios to the first result."""
    first = next(iter(results))
    lines = [
        f"| | {' | '.join(f'{kind} ({length})' for kind, length in LENGTHS.items())} | middle, against the first "
        "(spread) | memory: peak, settled, own |",
        "|---|" + "---|" * (len(LENGTHS) + 2),
    ]
    for name, result in results.items():
        figures = " | ".join(f"{result.median(kind):,.0f}" for kind in LENGTHS)
        middle = result.tokens_per_second["middle"]
        spread = f"{min(middle) / result.median('middle'):.2f} to {max(middle) / result.median('middle'):.2f}"
        lines.append(
            f"| {name} | {figures} | {ratio(results, name, first, 'middle'):.2f} ({spread}) | "
            f"{', '.join(f'{value / 1e6:.0f}' for value in result.memory.values())} MB |"
        )
    lines += [
        "",
        "Tokens a second; in brackets the tokens of a text. Settled: after all turns, when nothing runs; own: what of "
        "that no file backs, so that no other process shares it.",
    ]
    lines += [f"{name} is left out: {reason}." for name, reason in left_out.items()]
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Processor, its flags that decide about int8 and bfloat16, and versions."""
    flags: list[str] = []
    model = platform.processor()
    path = Path("/proc/cpuinfo")
    if path.is_file():
        fields = dict(
            [part.strip() for part in line.split(":", 1)] for line in path.read_text().splitlines() if ":" in line
        )
        model = fields.get("model name", model)
        wanted = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
        flags = [flag for flag in wanted if flag in fields.get("flags", "").split()]
    versions = {}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"processor": model, "flags": flags, "python": platform.python_version(), "versions": versions}


def main() -> None:
    """Measure, and write a table to stdout and everything to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=_TARGET_TOKENS, help="in one turn")
    parser.add_argument("--only", action="append", default=[], help="part of a peer's name; may be repeated")
    parser.add_argument("--made", type=Path, help="folder for files made of the teacher, kept for the next time")
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    peers = [peer for peer in PEERS if not options.only or any(part in peer.name for part in options.only)]
    with tempfile.TemporaryDirectory() as scratch:
        made = options.made or Path(scratch)
        made.mkdir(parents=True, exist_ok=True)
        results, left_out = measure(peers, options.teacher, made, rounds=options.rounds, tokens=options.tokens)
    about = machine()
    print(markdown(results, left_out))
    print(f"\n{about['processor']}, {' '.join(about['flags'])}; {about['versions']}")
    if options.json:
        data = {"machine": about, "left_out": left_out, "results": {name: vars(one) for name, one in results.items()}}
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
