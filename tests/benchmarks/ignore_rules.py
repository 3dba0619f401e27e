"""Random ignore rules in random trees: which files the walk finds, and which ones git does.

python -m tests.benchmarks.ignore_rules --sets 10000 --seed 1

Each rule set lies in a tree of its own, hundreds of trees in one repository, so that git is started once for all of
them. What disagrees is printed with its rules. Needs git; the truth comes from ``git ls-files``.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from edgeembed.reading.entries import FileStat
from edgeembed.sync.walk import walk

_NAMES = (
    *("a", "b", "ab", "aab", "abab", "foo", "foo.c", "bar.c", "foo.o", "a.b.c", "build", "A", "B1", "Über", "é", "ée"),
    *(
        "x y",
        "x y ",
        "x\t",
        "#h",
        "!n",
        "fo*o",
        "a[b",
        "a]",
        "[z]",
        "z]",
        "{a,b}",
        "a-b",
        "a\\b",
        "z",
        "caf\udce9",
        "日本",
    ),
    *("a\nb", "-", "^a", "?", "1", "a b", "~", "+", "a|b", "(a)", "$", "x&&y", "a--b"),
)
_PARTS = (
    *("a", "b", "ab", "foo", "build", "*.c", "*.o", "*", "*", "**", "**", "***", "?", "??", "f*", "*o", "a*b", "*a*b*"),
    *(
        "[ab]",
        "[!a]*",
        "[^b]",
        "[]a]",
        "[[]z]",
        "[[]",
        "[]",
        "[!]",
        "[a",
        "[\\]]",
        "[a\\]z]",
        "[a-f]oo*",
        "[z-a]",
        "[a-]",
    ),
    *(
        "[-a]",
        "[--z]",
        "[a-c-z]",
        "[!-]",
        "[/-b]",
        "[!/]",
        "a[/]b",
        "[.-x]",
        "[é]",
        "[a-é]",
        "é",
        "?b",
        "[*?]",
        "[&&z]",
    ),
    *(
        "[[:alpha:]]",
        "[[:digit:]]",
        "[[:upper:][:digit:]]*",
        "[![:alpha:]]",
        "[[:punct:]]*",
        "[[:space:]]",
        "*[[:blank:]]",
    ),
    *("[[:alnum:]-z]", "[[:foo:]]", "[[:x]b", "[:alpha:]", "[[::]]", "[a-[:alpha:]]", "x[[:cntrl:]]", "[[:graph:]]b"),
    *("[[:print:]]*", "[[:xdigit:]]", "[[:lower:]]?", "\\#h", "\\!n", "x\\ y", "x y", "fo\\*o", "#h", "a\\[b", "a\\"),
    *(
        "\\a",
        "\\",
        "a\\\\b",
        "{a,b}",
        "*{a,b}",
        "a**",
        "**b",
        "a**b",
        "d**",
        "caf\udce9",
        "caf?",
        "*\udce9",
        "日?",
        "日*",
    ),
)
_ENDS = ("", "", "", "", "/", "  ", " ", "\t", "\\ ", "\\  ", "\r", "/ ")


def random_rule(rng: random.Random) -> str:
    """One line of an ignore file."""
    steps = ["".join(rng.choices(_PARTS, k=rng.choice([1, 1, 1, 2, 3]))) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    slash = rng.choice(["/"] * 8 + ["\\/"])
    return rng.choice(["", "", "", "!"]) + rng.choice(["", "", "", "/"]) + slash.join(steps) + rng.choice(_ENDS)


def _write_rules(path: Path, rng: random.Random, most: int) -> None:
    lines = [random_rule(rng) for _ in range(rng.randint(1, most))]
    bom = b"\xef\xbb\xbf" if rng.random() < 0.05 else b""
    path.write_bytes(bom + os.fsencode("\n".join(lines)) + rng.choice([b"", b"\n"]))


def make_tree(root: Path, rng: random.Random) -> None:
    """Folders, files and ignore files in ``root``, which must not be there yet."""
    root.mkdir()
    folders = [root]
    for _ in range(rng.randint(2, 8)):
        folder = rng.choice(folders) / rng.choice(_NAMES)
        if not folder.exists():
            folder.mkdir()
            folders.append(folder)
    for folder in folders:
        for _ in range(rng.randint(1, 6)):
            file = folder / rng.choice(_NAMES)
            if not file.exists():
                file.write_text("x")
        if folder == root or rng.random() < 0.4:
            _write_rules(folder / ".gitignore", rng, 6)


def compare(root: Path, rng: random.Random, sets: int) -> tuple[int, list[str]]:
    """Make a repository with a number of rule sets; how many files there are, and those about which git disagrees."""
    git = ["git", "-c", "core.excludesFile=", "-c", "core.ignoreCase=false", "-C", os.fspath(root)]
    subprocess.run(["git", "init", "--quiet", os.fspath(root)], check=True)
    (root / ".git/info").mkdir(exist_ok=True)
    _write_rules(root / ".git/info/exclude", rng, 2)
    for number in range(sets):
        make_tree(root / f"set{number}", rng)
    listed = subprocess.run([*git, "ls-files", "-z", "--others", "--exclude-standard"], capture_output=True, check=True)
    expected = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name and not name.endswith(b".gitignore")}
    found = {entry.path for entry in walk(root) if isinstance(entry, FileStat)}
    total = sum(name != ".gitignore" for _, _, names in os.walk(root / ".") for name in names)
    return total - sum(len(names) for _, _, names in os.walk(root / ".git")), sorted(expected ^ found)


def main() -> None:
    """Compare and print how many files agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    for first in range(0, arguments.sets, arguments.batch):
        rng = random.Random(f"{arguments.seed} {first}")
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "repository")
            total, different = compare(root, rng, min(arguments.batch, arguments.sets - first))
            counts.update(files=total, different=len(different))
            for path in different[:5]:
                way = [root / step / ".gitignore" for step in reversed(Path(path).parents)]
                rules = {file.parent.name: file.read_bytes() for file in way if file.exists()}
                print(f"{path!r}: {rules}, {(root / '.git/info/exclude').read_bytes()!r}")
    agreed = counts["files"] - counts["different"]
    print(f"{arguments.sets:,} rule sets, {counts['files']:,} files: {agreed:,} agree ({agreed / counts['files']:.4%})")


if __name__ == "__main__":
    main()
