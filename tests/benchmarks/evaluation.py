"""The public sets that the benchmarks of searching use: documents, queries, judgements, and an index of each."""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from edgeembed_export.evaluation.text_tasks import ndcg_at

import edgeembed

_PUNCTUATION = re.compile(r'["“”„]|(?<!\S)-+')
SETS = ("cranfield", "cisi", "lisa")


@dataclass(frozen=True)
class Judged:
    """A set: its index, its queries that have an answer, and what is relevant to each."""

    name: str
    index: edgeembed.Index
    queries: tuple[tuple[str, str], ...]
    """Id and text."""
    gains: dict[str, dict[str, float]]

    def ndcg(self, rankings: list[list[str]]) -> float:
        """Mean nDCG@10, times 100, of a ranking of ids for each query."""
        scores = []
        for (number, _), ranking in zip(self.queries, rankings, strict=True):
            gain = self.gains[number]
            scores.append(ndcg_at([max(gain.get(id, 0), 0) for id in ranking[:10]], list(gain.values()), 10))
        return 100 * float(np.mean(scores))


def lines(path: Path) -> list[dict[str, str]]:
    """The objects of a ``.jsonl.gz`` file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def judged_set(name: str, data: Path, cache: Path, embedder: edgeembed.Embedder) -> Judged:
    """Read a set of ``data/eval``, and index it in ``cache`` unless that was done before.

    An index is kept under the name of the model's encoder, so that another model makes another one.
    """
    source = data / "eval" / name
    index = edgeembed.Index.open(cache / f"{name}-{embedder.manifest.encoder[:12]}.index", model=embedder)
    rows = lines(source / "corpus.jsonl.gz")
    texts = {row["_id"]: f"{row['title']}\n\n{row['text']}\n" for row in rows if row["title"] or row["text"]}
    if index.status().documents < len(texts):  # never made, or not to its end
        index.add(edgeembed.Document(id, text=text) for id, text in texts.items())
    gains: dict[str, dict[str, float]] = {}
    with (source / "qrels.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            gains.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    # These people wrote for readers: their quotes and dashes are not meant as `must` and `must not`.
    asked = [(row["_id"], _PUNCTUATION.sub(" ", row["text"])) for row in lines(source / "queries.jsonl.gz")]
    return Judged(name, index, tuple(q for q in asked if max(gains.get(q[0], {"": 0.0}).values()) > 0), gains)
