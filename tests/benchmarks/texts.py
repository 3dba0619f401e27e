"""Texts of a wanted length, for measuring speed."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from tests.support.paths import SAMPLE

LENGTHS = {"short": 10, "middle": 120, "long": 250}
"""Name of a kind of texts to the tokens that each has, special ones included."""


def sample_words() -> list[str]:
    """The words of the project's sample folder, in order."""
    folder = SAMPLE
    parts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md"))]
    return " ".join(parts).split()


@cache
def library_words() -> list[str]:
    """The words of the documentation in Python's standard library, in order: prose and names, everywhere at hand.

    There are many different ones, as in people's files: what remembers words would profit from a few that come
    again and again.
    """
    return [word for text in _docstrings(Path(sysconfig.get_path("stdlib"))) for word in text.split()]


def _docstrings(library: Path) -> Iterator[str]:
    """Those of modules, classes and functions."""
    for path in sorted(library.glob("*.py")) + sorted(library.glob("[a-z]*/*.py")):
        if path.parent.name in ("test", "site-packages", "idlelib"):
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                yield ast.get_docstring(node) or ""


def texts_of(tokens: int, count: int, tokenizer: Tokenizer, *, seed: int = 0) -> list[str]:
    """``count`` different texts of ``tokens`` tokens each, or one or two fewer where a word has several.

    Args:
        tokens: special ones included.
        count: how many.
        tokenizer: counts them; its own truncation and padding are switched off.
        seed: of the places at which they are taken from running text.
    """
    words, rng = library_words(), random.Random(seed)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [_text(tokens, _stretch(words, tokens, rng), tokenizer) for _ in range(count)]


def _stretch(words: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Running words, which sentences apart from the place where they begin are left whole."""
    start = rng.randrange(len(words))
    return [words[(start + i) % len(words)] for i in range(count)]


def _text(tokens: int, words: list[str], tokenizer: Tokenizer) -> str:
    """As many of ``words`` as fit; a word is at least one token, so ``tokens`` of them are enough."""
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if len(tokenizer.encode(" ".join(words[:middle])).ids) <= tokens:
            low = middle
        else:
            high = middle - 1
    return " ".join(words[:low])
