"""The distillation corpus: its sets, their terms, and the order of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ExportError
from ..evaluation.datasets import read_rows


@dataclass(frozen=True)
class TrainingSet:
    """A file of texts, one JSON object with a ``text`` or several ``captions`` a line, and what may be done with it."""

    name: str
    terms: str
    left_out: tuple[str, ...] = ()
    """Rows whose ``source`` begins with one of these are passed over: their terms forbid commercial use."""
    paragraphs: bool = False
    """Neighbours belong together, so that joined they read like the passages that files are cut into."""


SETS = (
    TrainingSet(
        "queries",
        "Natural Questions and SQuAD CC BY-SA 3.0, TriviaQA, FEVER and TREC's as gathered in castorini/anserini-tools; "
        "the rows of MS MARCO (non-commercial) are left out",
        left_out=("msmarco",),
    ),
    TrainingSet("glosses", "CC BY 4.0, globalwordnet/english-wordnet", paragraphs=True),
    TrainingSet("film_paragraphs", "CC BY-SA, prust/wikipedia-movie-data", paragraphs=True),
    TrainingSet("climate_evidence", "as stated by the authors of climate-fever", paragraphs=True),
    TrainingSet("image_titles_multilingual", "CC BY-SA, AToMiC"),
    TrainingSet(
        "pair_sentences",
        "STS benchmark train CC BY-SA 4.0, STS12 and MSRP as stated by their authors; the rows of SICK "
        "(non-commercial) are left out",
        left_out=("sick",),
    ),
    TrainingSet("intents", "CC BY 4.0, PolyAI"),
)
"""What the shipped tiers are trained on. Captions of Flickr30k and the textbooks of OpenStax are for non-commercial use
or research only, and so are in none of them."""
RESEARCH_SETS = (
    *(replace(item, left_out=(), terms=f"{item.terms} (here they are in)") if item.left_out else item for item in SETS),
    TrainingSet("caption_groups", "captions of Flickr30k as in multi30k/dataset: research and education only"),
    TrainingSet("textbook_paragraphs", "CC BY-NC-SA 4.0, openstax", paragraphs=True),
)
"""With the sets that forbid commercial use, to measure what they would add. Nothing that ships is trained on them."""
_JOINED_CHARACTERS = (150, 1100)
"""Least and greatest length of joined texts; a token has some four characters."""


def training_data(sets: Sequence[TrainingSet]) -> list[Mapping[str, str]]:
    """The sets as a manifest names them."""
    return [{"name": f"{item.name} (distillation)", "terms": item.terms} for item in sets]


def read_set(folder: Path, item: TrainingSet) -> list[str]:
    """The texts of one set that may be used, in the order of the file, without those that are blank.

    Args:
        folder: holds ``<name>.jsonl.gz`` or ``<name>.jsonl``.
        item: which one.

    Raises:
        ExportError: the file is missing or damaged, or holds no texts.
    """
    path = folder / f"{item.name}.jsonl.gz"
    path = path if path.is_file() else folder / f"{item.name}.jsonl"
    if not path.is_file():
        raise ExportError(f"{folder}: holds no {item.name}.jsonl.gz, which the recipe trains on")
    texts = []
    for row in read_rows(path):
        row_texts = row.get("captions", [row["text"]] if "text" in row else None)
        if row_texts is None:
            raise ExportError(f"{path}: a row has no text")
        if item.left_out and "source" not in row:
            raise ExportError(f"{path}: a row names no source, so its terms are unknown")
        if not (item.left_out and str(row["source"]).startswith(item.left_out)):
            texts += [str(text) for text in row_texts if str(text).strip()]
    return texts


def read_corpus(
    data: Path, *, joined: int, seed: int, sets: Sequence[TrainingSet] = SETS, limit: int | None = None
) -> list[str]:
    """Distinct texts of all sets and joined neighbours, mixed so that any beginning of the list is a fair sample.

    Args:
        data: folder with the files, or one that has them in its folder ``text``.
        joined: how many longer texts to make of neighbours.
        seed: of the order and of what is joined.
        sets: which sets.
        limit: so many texts are enough; ``None``: all of them.

    Raises:
        ExportError: a file is missing or damaged.
    """
    folder = data / "text" if (data / "text").is_dir() else data
    rng = np.random.default_rng(seed)
    texts: dict[str, None] = {}
    runs: list[list[str]] = []
    for item in sets:
        set_texts = read_set(folder, item)
        texts.update(dict.fromkeys(set_texts))
        if item.paragraphs:
            runs.append(set_texts)
    if joined and runs:
        share = np.array([len(run) for run in runs]) / sum(map(len, runs))
        for run, count in zip(runs, rng.multinomial(joined, share), strict=True):
            texts.update(dict.fromkeys(_joined(run, int(count), rng)))
    mixed = list(texts)
    order = rng.permutation(len(mixed))
    return [mixed[i] for i in (order if limit is None else order[:limit])]


def _joined(run: Sequence[str], count: int, rng: np.random.Generator) -> Iterator[str]:
    """``count`` stretches of ``run``, each of whole neighbours up to a length drawn at random."""
    least, most = _JOINED_CHARACTERS
    for _ in range(count):
        target_length = int(rng.integers(least, most))
        start, length = int(rng.integers(len(run))), 0
        parts: list[str] = []
        for text in run[start:]:
            if parts and length + len(text) > target_length:
                break
            parts.append(text)
            length += len(text) + 1
        yield " ".join(parts)
