"""Is searching by meaning and words together better than by either alone?

Run ``python -m tests.benchmarks.hybrid --data DATA --cache CACHE``: nDCG@10 on Cranfield, CISI and LISA and on two
sets of short texts in which words say little (questions to a bank by intent, captions of the same photo), through
``Index.search``, then two ways to put the lists together: weighted sums of scores, with one weight for all queries (the
index chooses it for each: ``fusion.words_weight``), and reciprocal rank fusion (Cormack, Clarke and Büttcher 2009,
doi:10.1145/1571941.1572114). The constants of both are chosen on two of the first three sets and reported on the third,
each way: once freely, and once among those that cost no more than a hundredth of what vectors alone reach on the sets
of short texts.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np

import edgeembed
from edgeembed.search import fusion

from .evaluation import SETS, Judged, judged_set, lines

DEPTH = 100
WEIGHTS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
MOST_LOST = 0.01
"""Share that constants may cost on sets of short texts."""
RANKS = tuple(product((10, 20, 40, 60, 100), (0.3, 0.5, 0.7, 1.0, 1.5)))
"""The constant of reciprocal rank fusion, and the weight of the keyword list."""


def rankings(found: Judged, mode: str, k: int = 10) -> list[list[str]]:
    """Ids of the best ``k`` documents for each query."""
    return [[hit.id for hit in found.index.search(text, k=k, mode=mode)] for _, text in found.queries]  # type: ignore[arg-type]


def by_ranks(vector: Sequence[str], keyword: Sequence[str], constant: float, weight: float) -> list[str]:
    """Reciprocal rank fusion of two rankings."""
    value: dict[str, float] = {}
    for ranking_, factor in ((vector, 1.0), (keyword, weight)):
        for rank, id in enumerate(ranking_[:DEPTH], 1):
            value[id] = value.get(id, 0.0) + factor / (constant + rank)
    return sorted(value, key=lambda id: (-value[id], id))


Table = Mapping[object, Mapping[str, float]]
"""Constants to nDCG@10 by set."""


def harmless(table: Table, vector: Mapping[str, float], short: Sequence[str]) -> Table:
    """Those constants that cost next to nothing on sets of short texts."""
    least = (1 - MOST_LOST) * sum(vector[name] for name in short)
    return {constants: row for constants, row in table.items() if sum(row[name] for name in short) >= least}


def chosen_on_others(table: Table, vector: Mapping[str, float], names: Sequence[str]) -> None:
    """For each of the sets, print its value with the constants that are best on the others."""
    held = []
    for name in names:
        others = [other for other in names if other != name]
        best = max(table, key=lambda constants: sum(table[constants][o] / vector[o] for o in others))
        held.append(table[best][name])
        print(f"    {name:10} {held[-1]:6.2f}  with {best}")
    mean, base = float(np.mean(held)), float(np.mean([vector[name] for name in names]))
    print(f"    mean       {mean:6.2f}  ({mean / base - 1:+.1%} over vectors alone)")


def measure(sets: Sequence[Judged], short: Sequence[Judged]) -> None:
    """Print nDCG@10 of the three modes, and what other constants would give."""
    every = [*sets, *short]
    modes = {mode: {s.name: s.ndcg(rankings(s, mode)) for s in every} for mode in ("vector", "keyword", "hybrid")}
    print(f"{'':32}" + "".join(f"{s.name:>11}" for s in every) + "  mean of three, of short")
    for mode, row in modes.items():
        means = [np.mean([row[s.name] for s in some]) for some in (sets, short)]
        print(f"{mode:32}" + "".join(f"{value:11.2f}" for value in [*row.values(), *means]))
    for what, table in (("sum of scores", weighted_sums(every)), ("reciprocal ranks", reciprocal_ranks(every))):
        for constants, row in table.items():
            print(f"  {what}, {constants}".ljust(32) + "".join(f"{value:11.2f}" for value in row.values()))
        vector, names = modes["vector"], [s.name for s in sets]
        print(f"  {what}, constants chosen on the other sets:")
        chosen_on_others(table, vector, names)
        print(f"  {what}, the same among those that do no harm to short texts:")
        chosen_on_others(harmless(table, vector, [s.name for s in short]), vector, names)


def weighted_sums(sets: Sequence[Judged]) -> Table:
    """What the index does, with one weight of words for all queries."""
    shipped, table = fusion.words_weight, {}
    for weight in WEIGHTS:
        fusion.words_weight = lambda candidates, scales, weight=weight: weight  # type: ignore[misc]
        table[weight] = {s.name: s.ndcg(rankings(s, "hybrid")) for s in sets}
    fusion.words_weight = shipped
    return table  # type: ignore[return-value]


def reciprocal_ranks(sets: Sequence[Judged]) -> Table:
    """Reciprocal rank fusion with each constant and weight."""
    lists = {s.name: (rankings(s, "vector", DEPTH), rankings(s, "keyword", DEPTH)) for s in sets}
    return {
        (constant, weight): {
            s.name: s.ndcg([by_ranks(*pair, constant, weight) for pair in zip(*lists[s.name], strict=True)])
            for s in sets
        }
        for constant, weight in RANKS
    }


def short_sets(data: Path, cache: Path, embedder: edgeembed.Embedder) -> list[Judged]:
    """Two sets of short texts made from lists of intents and of captions."""
    rng = random.Random(1)
    intents = lines(data / "text" / "intents.jsonl.gz")
    rng.shuffle(intents)
    texts = {f"i{n}": row["text"] for n, row in enumerate(intents[:2500])}
    same = {
        row["label"]: {f"i{n}": 1.0 for n, r in enumerate(intents[:2500]) if r["label"] == row["label"]}
        for row in intents
    }
    queries = {f"q{n}": row for n, row in enumerate(intents[2500:2700])}
    gains = {name: same[row["label"]] for name, row in queries.items()}
    out = [_made("intents", texts, {name: row["text"] for name, row in queries.items()}, gains, cache, embedder)]
    groups = [row["captions"] for row in lines(data / "text" / "caption_groups.jsonl.gz") if len(row["captions"]) > 1]
    rng.shuffle(groups)
    texts = {f"c{n}": group[0] for n, group in enumerate(groups[:2500])}
    asked = {f"q{n}": group[1] for n, group in enumerate(groups[:200])}
    out.append(_made("captions", texts, asked, {f"q{n}": {f"c{n}": 1.0} for n in range(200)}, cache, embedder))
    return out


def _made(
    name: str,
    texts: Mapping[str, str],
    queries: Mapping[str, str],
    gains: dict[str, dict[str, float]],
    cache: Path,
    embedder: edgeembed.Embedder,
) -> Judged:
    index = edgeembed.Index.open(cache / f"{name}-{embedder.manifest.encoder[:12]}.index", model=embedder)
    if not index.status().documents:
        index.add(edgeembed.Document(id, text=text) for id, text in texts.items())
    return Judged(name, index, tuple(queries.items()), gains)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, help="folder that keeps the indexes; otherwise they are made each time")
    parser.add_argument("--model", help="name or folder of a bundle; otherwise the default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, edgeembed.Embedder.load(options.model) as model:
        place = options.cache or Path(scratch)
        measure([judged_set(name, options.data, place, model) for name in SETS], short_sets(options.data, place, model))
