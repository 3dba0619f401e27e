"""Tasks for a text encoder: STS (Spearman), retrieval (nDCG, recall), k-NN and clustering; and typing errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgeembed.embedder import Role

from ..errors import ExportError
from ..types import Vectors
from .clusters import k_means, neighbour_accuracy, numbered, v_measure
from .datasets import RETRIEVAL, SIMILARITY, EvaluationSet, Row, read_retrieval
from .typos import typed

Embed = Callable[[Sequence[str], Role], Vectors]
"""Texts and their role (``query`` or ``document``) to float32 ``(N, dim)`` with rows of length 1."""
Typing = Callable[[str], str]
"""A text to the same with typing errors."""
NEIGHBOURS = 10
CLUSTERINGS = 10
"""Runs of k-means, from seeds 0, 1, 2 ..., whose mean is taken."""
TYPO_RATES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2)


@dataclass(frozen=True, kw_only=True)
class TypoCurve:
    """Robustness curve: score against the rate of typing errors."""

    set: str
    measure: str
    rates: tuple[float, ...]
    """Shares of the letters that go wrong."""
    scores: tuple[float, ...]
    """Score x 100 at each rate."""
    seed: int


def cached_embed(embed: Embed) -> Embed:
    """``embed`` with a cache in memory: each text is computed once for each role."""
    cache: dict[tuple[str, str], Vectors] = {}

    def run(texts: Sequence[str], role: Role) -> Vectors:
        new = sorted({text for text in texts if (role, text) not in cache})
        if new:
            cache.update(zip(((role, text) for text in new), embed(new, role), strict=True))
        return np.stack([cache[role, text] for text in texts])

    return run


def similarity(embed: Embed, dataset: EvaluationSet, *, typing: Typing | None = None) -> dict[str, float]:
    """Spearman's rank correlation x 100 of the cosine of two texts with people's scores, ties by their mean rank.

    Args:
        embed: the encoder; both texts are documents.
        dataset: a similarity set.
        typing: what happens to the first text of each pair; ``None``: nothing.

    Raises:
        ExportError: people's scores are all the same, or are no numbers.
    """
    from scipy.stats import spearmanr

    rows = dataset.rows()
    first = [str(row["a"]) if typing is None else typing(str(row["a"])) for row in rows]
    second = [str(row["b"]) for row in rows]
    distinct = sorted({*first, *second})
    number = {text: i for i, text in enumerate(distinct)}
    vectors = embed(distinct, "document")
    a, b = vectors[[number[text] for text in first]], vectors[[number[text] for text in second]]
    cosine = (a.astype(np.float64) * b).sum(axis=1)
    try:
        scores = [float(row["score"]) for row in rows]
    except (TypeError, ValueError) as error:
        raise ExportError(f"{dataset.path}: a score is no number: {error}") from error
    if len(set(scores)) < 2:
        raise ExportError(f"{dataset.path}: all scores are the same; there is no order to compare with")
    if np.ptp(cosine) == 0:  # undefined: an encoder that makes everything equal orders nothing
        return {"spearman": 0.0}
    return {"spearman": percent(float(spearmanr(cosine, scores).statistic))}


def retrieval(embed: Embed, dataset: EvaluationSet, *, typing: Typing | None = None) -> dict[str, float]:
    """nDCG@10 and recall@100, both x 100, each document (title and text) being one vector, by exact search.

    nDCG as ``trec_eval`` computes it: gain is the judgement itself, discount log2(rank + 1) (Järvelin and Kekäläinen
    2002). Queries without a relevant document are left out.

    Args:
        embed: the encoder.
        dataset: a retrieval set.
        typing: what happens to the queries; ``None``: nothing.
    """
    corpus, queries, judgements = read_retrieval(dataset.path)
    documents = embed([_title_and_text(row) for row in corpus], "document")
    ids = [str(row["_id"]) for row in corpus]
    answerable = [row for row in queries if any(gain > 0 for gain in judgements.get(str(row["_id"]), {}).values())]
    if not answerable:
        raise ExportError(f"{dataset.path}: no query has a relevant document")
    texts = [row["text"] if typing is None else typing(row["text"]) for row in answerable]
    similarity = embed(texts, "query") @ documents.T  # (queries, documents)
    ndcg, recall = [], []
    for row, values in zip(answerable, similarity, strict=True):
        gains = judgements[str(row["_id"])]
        order = np.argsort(-values, kind="stable")[:100]
        gained = [max(gains.get(ids[i], 0.0), 0.0) for i in order]
        ndcg.append(ndcg_at(gained, list(gains.values()), 10))
        recall.append(sum(gain > 0 for gain in gained) / sum(gain > 0 for gain in gains.values()))
    return {"ndcg@10": percent(float(np.mean(ndcg))), "recall@100": percent(float(np.mean(recall)))}


def ndcg_at(ranked: Sequence[float], judgements: Sequence[float], k: int) -> float:
    """Discounted cumulative gain of the first ``k`` of ``ranked``, as a share of the best that ``judged`` allows.

    Args:
        ranked: gains in the order of the ranking.
        judgements: gains of all judged documents, in any order; at least one is positive.
        k: how many count.
    """
    best = sorted((max(gain, 0.0) for gain in judgements), reverse=True)
    return _dcg(ranked[:k]) / _dcg(best[:k])


def labelled_texts(embed: Embed, dataset: EvaluationSet) -> dict[str, float]:
    """Accuracy of the 10 nearest other texts' commonest label, and V-measure of k-means, both x 100.

    There are as many clusters as labels; the V-measure is the mean of ten clusterings.

    Raises:
        ExportError: there are fewer than two texts.
    """
    rows = dataset.rows()
    if len(rows) < 2:
        raise ExportError(f"{dataset.path}: holds {len(rows)} labelled text; neighbours need at least two")
    labels = numbered([str(row["label"]) for row in rows])
    vectors = embed([str(row["text"]) for row in rows], "document")
    count = int(labels.max()) + 1
    values = [v_measure(labels, k_means(vectors, count, seed=seed)) for seed in range(CLUSTERINGS)]
    accuracy = neighbour_accuracy(vectors, labels, k=NEIGHBOURS)
    return {"knn accuracy": percent(accuracy), "v-measure": percent(float(np.mean(values)))}


def typo_curve(
    embed: Embed, dataset: EvaluationSet, *, rates: Sequence[float] = TYPO_RATES, seed: int = 0
) -> TypoCurve:
    """Robustness to typing errors: the score of a set at several error rates in the queries.

    In a similarity set the first text of each pair is typed wrongly, in a retrieval set the queries; the texts that
    they are compared with stay as they are.

    Raises:
        ExportError: the set is for another task.
    """
    measures = {SIMILARITY: ("spearman", similarity), RETRIEVAL: ("ndcg@10", retrieval)}
    if dataset.task not in measures:
        raise ExportError(f"{dataset.name} holds {dataset.task}; typing errors are measured by similarity or retrieval")
    measure, function = measures[dataset.task]
    cached = cached_embed(embed)
    scores = [function(cached, dataset, typing=partial(typed, rate=rate, seed=seed))[measure] for rate in rates]
    return TypoCurve(set=dataset.name, measure=measure, rates=tuple(rates), scores=tuple(scores), seed=seed)


def percent(value: float) -> float:
    """A share as a score: x 100, to two decimals."""
    return round(100 * value, 2)


def _dcg(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def _title_and_text(row: Row) -> str:
    return " ".join(part for part in (row.get("title", ""), row["text"]) if part)
