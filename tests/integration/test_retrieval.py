"""Does the index find what the vectors say? Measured on documents that people judged, and on many generated ones."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from edgeembed_export.evaluation.text_tasks import ndcg_at

import edgeembed
from edgeembed.storage import segment_merger
from edgeembed.text import chunker
from tests.benchmarks.recall import measure, texts
from tests.support.tiny import tiny_text_bundle


def lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.slow
def test_search_over_files_is_as_good_as_exact_search(
    data: Path, tmp_path: Path, embedder: edgeembed.Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nDCG@10 on Cranfield: the index (int8 rows, segments, graph) against float32 vectors of the same chunks."""
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 300)
    source = data / "eval" / "cranfield"
    texts = {row["_id"]: f"{row['title']}\n\n{row['text']}\n" for row in lines(source / "corpus.jsonl.gz")}
    judged: dict[str, dict[str, float]] = {}
    with (source / "qrels.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            judged.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    queries = [row for row in lines(source / "queries.jsonl.gz") if max(judged.get(row["_id"], {"": 0}).values()) > 0]

    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text)
    with edgeembed.Folder.open(tmp_path, model=embedder) as folder:
        assert folder.sync().added == sum(bool(text.strip()) for text in texts.values())
        assert folder.status().segments > 0
        found = [[hit.id.removesuffix(".txt") for hit in folder.search(row["text"], mode="vector")] for row in queries]

    owners, passages = [], []
    for name, text in texts.items():
        for chunk in chunker.split(text, limit=embedder.content_tokens, count_tokens=embedder.count_tokens):
            owners.append(name)
            passages.append(chunk.text)
    similarity = embedder.embed_texts([row["text"] for row in queries], role="query") @ embedder.embed_texts(passages).T
    exact = []
    for row in similarity:
        ranked = dict.fromkeys(owners[i] for i in np.argsort(-row, kind="stable"))
        exact.append(list(ranked)[:10])

    def ndcg(ranking: list[list[str]]) -> float:
        gains = [judged[row["_id"]] for row in queries]
        scores = [
            ndcg_at([max(gain.get(name, 0), 0) for name in names], list(gain.values()), 10)
            for gain, names in zip(gains, ranking, strict=True)
        ]
        return float(np.mean(scores))

    assert ndcg(exact) > 0.4
    assert ndcg(found) == pytest.approx(ndcg(exact), abs=0.005)


@pytest.mark.slow
def test_recall_after_a_fifth_was_removed(tmp_path: Path) -> None:
    """As ``python -m tests.benchmarks.recall`` measures on 100 000 rows, here on fewer."""
    pool = texts(24_100)
    embedder = edgeembed.Embedder.load(tiny_text_bundle(tmp_path / "bundle", dim=384))
    result = measure(pool[:-100], pool[-100:], embedder, tmp_path)
    assert result["segments"] >= 1
    assert result["recall"] >= 0.98
