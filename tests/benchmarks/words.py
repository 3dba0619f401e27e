"""What do words cost at speed? ``python -m tests.benchmarks.words --passages 100000 --cache CACHE``.

An index of passages of running text, cut at random places from the documentation of Python's standard library and,
with ``--data``, from collections of abstracts, is asked questions of ten running words: by vectors, by words and by
both. Printed are medians of the whole search, its hits included: by the clock, and of the processor's time, which other
programs disturb less.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import edgeembed

from .evaluation import SETS, lines
from .texts import library_words

_PASSAGE_WORDS = (40, 160)
_MODES = ("vector", "keyword", "hybrid")


def running_words(data: Path | None) -> list[str]:
    """Words of texts that people wrote, in order."""
    words = list(library_words())
    for name in SETS if data is not None else ():
        rows = lines(data / "eval" / name / "corpus.jsonl.gz") if data is not None else []
        words += [word for row in rows for word in f"{row['title']} {row['text']}".split()]
    return words


def passages(words: Sequence[str], count: int) -> Iterator[edgeembed.Document]:
    """Documents of one passage each."""
    rng = random.Random(0)
    for number in range(count):
        start = rng.randrange(len(words))
        text = " ".join(words[start : start + rng.randint(*_PASSAGE_WORDS)])
        yield edgeembed.Document(f"p{number}", text=f"{text} {number}")


def questions(words: Sequence[str], length: int, count: int) -> list[str]:
    """Running words as questions, without what a query takes for a sign."""
    rng, plain = random.Random(1), [word for word in words if word.isalpha()]
    return [" ".join(plain[at : at + length]) for at in (rng.randrange(len(plain) - length) for _ in range(count))]


def median_ms(run: Callable[[str], object], asked: Sequence[str]) -> tuple[float, float]:
    """Median time in milliseconds over some questions, after two to warm up: by the clock, and of the processor."""
    wall, own = [], []
    for text in [*asked[:2], *asked]:
        begin, begin_own = time.perf_counter(), time.process_time()
        run(text)
        wall.append(time.perf_counter() - begin)
        own.append(time.process_time() - begin_own)
    return 1000 * statistics.median(wall[2:]), 1000 * statistics.median(own[2:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=10, help="of a question")
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--model", default="minilm-static")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path, help="folder that keeps the index; otherwise it is made each time")
    options = parser.parse_args()
    words = running_words(options.data)
    asked = questions(words, options.words, options.questions)
    with tempfile.TemporaryDirectory() as scratch, edgeembed.Embedder.load(options.model) as embedder:
        path = (options.cache or Path(scratch)) / f"words-{options.passages}-{embedder.manifest.encoder[:12]}.index"
        with edgeembed.Index.open(path, model=embedder) as index:
            missing = options.passages - index.status().documents
            if missing:
                index.add(passages(words, options.passages))
            print(f"{options.passages} passages, {options.words} words, {len(asked)} questions")
            print(f"{'median, ms':10}{'clock':>8}{'processor':>10}")
            for mode in _MODES:
                wall, own = median_ms(partial(index.search, mode=mode), asked)
                print(f"{mode:10}{wall:8.1f}{own:10.1f}", flush=True)


if __name__ == "__main__":
    main()
