"""Is code found by what it is for? ``python -m tests.benchmarks.code_questions [TREE …] --cache CACHE``.

The modules of a source tree in Python, of the standard library by default, are indexed under names that say nothing
(``f0001.py``), without the docstrings that say what they are for. The first sentences of some of these are the
questions, and each has one answer. Printed is nDCG@10 by words, by vectors and by both, for each model.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import edgeembed

from .evaluation import Judged
from .hybrid import rankings

MODELS = ("minilm-static", "minilm-l3-int8", "minilm-l6-int8")
_LEFT_OUT = frozenset({"test", "tests", "site-packages", "__pycache__", "idlelib", "lib2to3"}) | {
    "encodings",  # tables, as the next one
    "pydoc_data",
    "turtledemo",
}
_FEWEST_WORDS = 4
_SENTENCE = re.compile(r"(.+?)(?:[.!?](?=\s|$)|\n\s*\n|$)", re.DOTALL)
_SIGNS = re.compile(r'["“”`*]|(?<!\S)-+')
"""What queries would take for `must` and `must not`, and marks of fonts."""


def without_docstring(source: str) -> tuple[str, str | None]:
    """A module without its docstring, and the docstring's first sentence; ``None``: there is none to ask by."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source, None
    text = ast.get_docstring(tree)
    if not text:
        return source, None
    rows, docstring = source.split("\n"), tree.body[0]
    rest = "\n".join([*rows[: docstring.lineno - 1], *rows[docstring.end_lineno :]])
    found = _SENTENCE.match(text)
    sentence = " ".join(_SIGNS.sub(" ", found[1] if found else "").split())
    is_question = len(sentence.split()) >= _FEWEST_WORDS and len(rest) > len(sentence)  # else it is all there is
    return rest, sentence if is_question else None


def sources(tree: Path) -> Iterator[str]:
    """The modules of a source tree, tests left out."""
    for path in sorted(tree.rglob("*.py")):
        if not _LEFT_OUT.intersection(path.relative_to(tree).parts):
            text = path.read_text(encoding="utf-8", errors="replace")
            if text.strip():
                yield text


def questions(tree: Path, most: int, seed: int = 0) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by name, and ``most`` questions by the name of their answer, the same ones each time."""
    parted = [item for item in map(without_docstring, sources(tree)) if item[0].strip()]
    texts = {f"f{number:04}.py": text for number, (text, _) in enumerate(parted, 1)}
    asked = {name: question for name, (_, question) in zip(texts, parted, strict=True) if question}
    chosen = random.Random(seed).sample(sorted(asked), min(most, len(asked)))
    return texts, {name: asked[name] for name in sorted(chosen)}


def code_set(tree: Path, most: int, cache: Path, embedder: edgeembed.Embedder) -> Judged:
    """The questions about a source tree, and an index of it in ``cache``, made unless that was done before."""
    texts, asked = questions(tree, most)
    index = edgeembed.Index.open(cache / f"{tree.name}-{embedder.manifest.encoder[:12]}.index", model=embedder)
    if index.status().documents != len(texts):
        index.add(edgeembed.Document(id, text=text) for id, text in texts.items())
    return Judged(tree.name, index, tuple(asked.items()), {name: {name: 1.0} for name in asked})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", type=Path, nargs="*", default=[Path(sysconfig.get_path("stdlib"))])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--cache", type=Path, help="folder that keeps the indexes; otherwise they are made each time")
    options = parser.parse_args()
    print(f"{'nDCG@10':34}{'questions':>10}{'words':>8}{'vectors':>8}{'both':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for model in options.models:
            with edgeembed.Embedder.load(model) as embedder:
                for tree in options.trees:
                    found = code_set(tree.resolve(), options.questions, options.cache or Path(scratch), embedder)
                    scores = [found.ndcg(rankings(found, mode)) for mode in ("keyword", "vector", "hybrid")]
                    shown = "".join(f"{score:8.1f}" for score in scores)
                    print(f"{model:16}{tree.name:18}{len(found.queries):10}{shown}", flush=True)


if __name__ == "__main__":
    main()
