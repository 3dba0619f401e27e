"""Rescanning a tree of 100 000 unchanged files with ignore rules, as a whole process, against ``find``, by turns.

Run ``python -m tests.benchmarks.rescan``; indexing the tree first takes a minute or two. ``--tree FOLDER`` keeps it, or
takes one that is there. Both run once a round; the figure is the median of the ratios round by round.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

from .processes import run
from .texts import sample_words

_CLI = "from edgeembed.cli.main import main; main()"
_MODEL = "minilm-static"
_RULES = (
    "*.log\n*.tmp\nbuild/\ndist/\n/private/\n*.o\n*.py[co]\n!keep.log\ncache-*\ndocs/**/draft-*.txt\n.venv/\n*.swp\n"
)
_OWN_RULES = "*.bak\n/generated/\nfoo*.txt\n"
_IN_A_FOLDER = 200


def make(tree: Path, files: int) -> None:
    """Small texts, 200 in a folder; each also holds logs and a build folder, and each tenth rules of its own."""
    rng, words = random.Random(0), sample_words()
    (tree / ".git").mkdir(parents=True)
    (tree / ".gitignore").write_text(_RULES.replace(" ", "\n"))
    for number in range(files // _IN_A_FOLDER):
        folder = tree / f"part{number // 25}" / f"area{number}"
        (folder / "build").mkdir(parents=True)
        if number % 10 == 0:
            (folder / ".gitignore").write_text(_OWN_RULES.replace(" ", "\n"))
        for i in range(_IN_A_FOLDER):
            text = f"{number} {i} {' '.join(rng.choices(words, k=8))}"
            (folder / f"note{i}.{rng.choice(['txt', 'md', 'py'])}").write_text(text)
        for i in range(5):
            (folder / f"x{i}.log").write_text("left out")
            (folder / "build" / f"o{i}.txt").write_text("left out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tree", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tree = options.tree or Path(scratch, "tree")
        if not tree.exists():
            make(tree, options.files)
        ours = [sys.executable, "-c", _CLI, "index", str(tree), "--model", _MODEL]
        find = ["find", str(tree), "-printf", "%s %T@ %p\n"]
        run(ours)
        pairs = [(run(find), run(ours)) for _ in range(options.rounds)]
        for key in ("wall_seconds", "cpu_seconds"):
            theirs, mine = ([getattr(one, key) for one in column] for column in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in zip(theirs, mine, strict=True))
            found, rescan = statistics.median(theirs), statistics.median(mine)
            print(f"{key:13} find {found:.3f}, rescan {rescan:.3f}, {ratio:.2f} times")


if __name__ == "__main__":
    main()
