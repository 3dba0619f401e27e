"""Measures of texts, against numbers worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.evaluation.datasets import EvaluationSet, find_sets
from edgeembed_export.evaluation.text_tasks import (
    cached_embed,
    labelled_texts,
    ndcg_at,
    retrieval,
    similarity,
    typo_curve,
)


def by_angle(texts: Sequence[str], role: str) -> np.ndarray:
    """A text is the number of degrees of its vector; what is no number lies opposite, at 180."""
    radians = np.radians([float(text) if text.replace(".", "").isdigit() else 180 for text in texts])
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def by_letters(texts: Sequence[str], role: str) -> np.ndarray:
    """Counts of letters, so that a mistyped text is a little way off."""
    counts = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]) + 0.01
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def the_set(path: Path, rows: list[dict[str, object]]) -> EvaluationSet:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return find_sets([path])[0]


@pytest.fixture
def search(tmp_path: Path) -> EvaluationSet:
    """Two queries, at 0 and 50 degrees, and four documents; one query has no relevant document."""
    folder = tmp_path / "search"
    folder.mkdir()
    documents = [("d1", "10"), ("d2", "20"), ("d3", "30"), ("d4", "60")]
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in documents))
    queries = [("q1", "0"), ("q2", "50"), ("q3", "90")]
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in queries))
    (folder / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t3\nq1\td2\t-1\nq1\td3\t2\nq2\td4\t1\nq3\td1\t0\n"
    )
    return find_sets([folder])[0]


def test_ndcg_by_hand() -> None:
    assert ndcg_at([3, 0, 2], [3, 2, 1], 10) == pytest.approx((3 + 2 / 2) / (3 + 2 / np.log2(3) + 1 / 2))
    assert ndcg_at([1, 1], [1, 1], 10) == 1
    assert ndcg_at([0, 1], [1], 1) == 0


def test_retrieval_by_hand(search: EvaluationSet) -> None:
    # q1 finds d1 (3), d2 (a negative gain counts as none), d3 (2); q2 finds d4 first.
    first = (3 + 2 / 2) / (3 + 2 / np.log2(3))
    assert retrieval(by_angle, search) == {"ndcg@10": round(100 * (first + 1) / 2, 2), "recall@100": 100.0}


def test_retrieval_without_relevant_documents(search: EvaluationSet) -> None:
    (search.path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t0\n")
    with pytest.raises(ExportError, match="no query has a relevant document"):
        retrieval(by_angle, search)


def test_similarity_by_hand(tmp_path: Path) -> None:
    """Cosines fall as 10, 20, 30 and 40 degrees; people swap the middle two: 1 - 6 * 2 / (4 * 15)."""
    rows = [{"a": "0", "b": str(10 * i), "score": score} for i, score in ((1, 5), (2, 3), (3, 4), (4, 0))]
    assert similarity(by_angle, the_set(tmp_path / "pairs.jsonl", rows)) == {"spearman": 80.0}


def test_similarity_without_an_order(tmp_path: Path) -> None:
    same = the_set(tmp_path / "same.jsonl", [{"a": "0", "b": "10", "score": 3}] * 2)
    with pytest.raises(ExportError, match="all scores are the same"):
        similarity(by_angle, same)
    words = the_set(tmp_path / "words.jsonl", [{"a": "0", "b": "10", "score": "much"}])
    with pytest.raises(ExportError, match="a score is no number"):
        similarity(by_angle, words)
    flat = the_set(tmp_path / "flat.jsonl", [{"a": "5", "b": "5", "score": 1}, {"a": "5", "b": "5", "score": 2}])
    assert similarity(by_angle, flat) == {"spearman": 0.0}


def test_labelled_texts_by_hand(tmp_path: Path) -> None:
    rows = [{"text": str(base + i), "label": base} for base in (0, 90, 180) for i in range(11)]
    found = labelled_texts(by_angle, the_set(tmp_path / "topics.jsonl", rows))
    assert found["knn accuracy"] == 100.0
    assert 60 < found["v-measure"] <= 100
    with pytest.raises(ExportError, match="neighbours need at least two"):
        labelled_texts(by_angle, the_set(tmp_path / "one.jsonl", rows[:1]))
    mixed = [{"text": str(i), "label": str(i % 2)} for i in range(40)]
    assert labelled_texts(by_angle, the_set(tmp_path / "mixed.jsonl", mixed))["v-measure"] < 5


def test_typing_errors_lower_the_score(tmp_path: Path) -> None:
    words = ["harbour", "garden", "letter", "passport", "bicycle", "kitchen", "mountain", "weather"]
    rows = [{"a": one, "b": other, "score": float(one == other)} for one in words for other in words]
    found = the_set(tmp_path / "pairs.jsonl", rows)
    curve = typo_curve(by_letters, found, rates=(0, 0.1, 0.6), seed=2)
    assert (curve.set, curve.measure, curve.rates, curve.seed) == ("pairs", "spearman", (0, 0.1, 0.6), 2)
    assert curve.scores[0] == similarity(by_letters, found)["spearman"]
    assert curve.scores[0] > curve.scores[2]
    assert curve == typo_curve(by_letters, found, rates=(0, 0.1, 0.6), seed=2)


def test_typing_errors_are_in_the_queries_only(search: EvaluationSet) -> None:
    seen: list[tuple[str, str]] = []

    def embed(texts: Sequence[str], role: str) -> np.ndarray:
        seen.extend((text, role) for text in texts)
        return by_letters(texts, role)

    (search.path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "wing tips"}) + "\n")
    typo_curve(embed, search, rates=(0, 1))
    assert sorted(text for text, role in seen if role == "document") == ["10", "20", "30", "60"]  # once for all rates
    clean, damaged = (text for text, role in seen if role == "query")
    assert clean == "wing tips" != damaged


def test_typing_errors_of_labelled_texts(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="topics holds labelled texts; typing errors are measured by"):
        typo_curve(by_letters, the_set(tmp_path / "topics.jsonl", [{"text": "x", "label": "y"}]))


def test_each_text_is_embedded_once_for_each_role() -> None:
    calls: list[list[str]] = []

    def embed(texts: Sequence[str], role: str) -> np.ndarray:
        calls.append([f"{role} {text}" for text in texts])
        return by_angle(texts, role)

    known = cached_embed(embed)
    np.testing.assert_array_equal(known(["90", "0", "90"], "document"), by_angle(["90", "0", "90"], "document"))
    known(["0", "45"], "document")
    known(["0"], "query")
    assert calls == [["document 0", "document 90"], ["document 45"], ["query 0"]]
