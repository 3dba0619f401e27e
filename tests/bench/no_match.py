"""Does ``score`` tell a query that has an answer in the folder from one that has none?

Run ``python -m tests.bench.no_match --data DATA --cache CACHE``. The best score of each query of Cranfield, CISI and
LISA with its relevant documents left in is compared with the best one after they were taken out (a score does not
depend on other documents, so leaving them out of the results is the same), and with the best score of the queries of
another field. The area under the curve is the chance that of two such queries the one with an answer scores higher. For
each set a threshold is chosen (most right of both kinds) and shown on the others.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import edgeembed

from .evaluation import SETS, Judged, judged_set

Scores = npt.NDArray[np.float64]


def best_scores(found: Judged) -> tuple[Scores, Scores]:
    """Best score of each query with its relevant documents, and without them."""
    within, without = [], []
    for number, text in found.queries:
        relevant = {id for id, gain in found.gains[number].items() if gain > 0}
        hits = found.index.search(text, k=len(relevant) + 20, mode="vector")
        within.append(max(hit.score or 0.0 for hit in hits))
        without.append(max((hit.score or 0.0 for hit in hits if hit.id not in relevant), default=0.0))
    return np.array(within), np.array(without)


def area(positive: Scores, negative: Scores) -> float:
    """Area under the receiver operating characteristic (Mann and Whitney's U, scaled)."""
    above = (positive[:, None] > negative[None]).mean() + (positive[:, None] == negative[None]).mean() / 2
    return float(above)


def threshold(positive: Scores, negative: Scores) -> float:
    """The score that gets most of both kinds right."""
    values = np.unique(np.concatenate([positive, negative]))
    return float(max(values, key=lambda value: right(positive, negative, value)))


def right(positive: Scores, negative: Scores, least: float) -> float:
    """Mean share of either kind that a threshold gets right."""
    return float(((positive >= least).mean() + (negative < least).mean()) / 2)


def other_field(asked: Judged, inside: Judged) -> Scores:
    """Best scores of the queries of one set in the documents of another."""
    return np.array([inside.index.search(text, k=1, mode="vector")[0].score or 0.0 for _, text in asked.queries])


def shown_by_default(asked: Judged, inside: Judged) -> float:
    """Share of queries for which `search` would show something."""
    return float(np.mean([bool(inside.index.search(text, k=1, min_score="auto")) for _, text in asked.queries]))


def measure(sets: Sequence[Judged]) -> None:
    """Print all of it."""
    scores = {found.name: best_scores(found) for found in sets}
    print("relevant documents left in against taken out")
    for name, (within, without) in scores.items():
        least = threshold(within, without)
        others = ", ".join(f"{right(*scores[o], least):.3f} on {o}" for o in scores if o != name)
        here = right(within, without, least)
        print(f"  {name:10} area {area(within, without):.3f}; threshold {least:.3f}: {here:.3f} right, {others}")
    field = {"cranfield": "cisi", "cisi": "cranfield", "lisa": "cranfield"}
    by_name = {found.name: found for found in sets}
    foreign = {name: other_field(by_name[other], by_name[name]) for name, other in field.items()}
    print("own queries against those of another field")
    for name, other in field.items():
        within = scores[name][0]
        least = threshold(within, foreign[name])
        others = ", ".join(f"{right(scores[o][0], foreign[o], least):.3f} on {o}" for o in field if o != name)
        print(f"  {name:10} area {area(within, foreign[name]):.3f}; threshold {least:.3f}: {others}")
        own, strange = shown_by_default(by_name[name], by_name[name]), shown_by_default(by_name[other], by_name[name])
        print(f"  {'':10} shown by default: own {own:.3f}, those of {other} {strange:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, help="folder that keeps the indexes; otherwise they are made each time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, edgeembed.Embedder.load() as model:
        measure([judged_set(name, options.data, options.cache or Path(scratch), model) for name in SETS])
