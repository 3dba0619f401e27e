"""Similarities judged against ordinary ones."""

from __future__ import annotations

import numpy as np
import pytest

import edgeembed
from edgeembed.index_models.calibration import (
    LOGISTIC_MIDPOINT,
    MIN_Z,
    calibrate,
    calibrate_for_query,
    chance_threshold,
    read_background,
    words_factor,
)


def test_a_score_counts_deviations_above_the_ordinary() -> None:
    queries = np.array([[1, 0], [0, 1]], np.float32)
    text = calibrate(queries, np.array([[0.1, 0.1], [0.3, 0.3]], np.float32))
    image = calibrate(queries, np.array([[0.6, 0.6], [0.8, 0.8]], np.float32))
    assert (text.mean, text.deviation) == pytest.approx((0.2, 0.1))
    assert text.score(0.2 + LOGISTIC_MIDPOINT * 0.1) == pytest.approx(0.5)
    assert image.score(0.7 + LOGISTIC_MIDPOINT * 0.1) == pytest.approx(0.5)  # the same above what is usual for images
    scores = [text.score(similarity) or 0 for similarity in (-1.0, 0.2, 0.5, 0.6, 1.0)]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < 0.05
    assert scores[-1] > 0.95


def test_nothing_is_compared_with_itself() -> None:
    texts = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0]], np.float32)
    assert calibrate(texts, texts).mean == pytest.approx((0 + 0.6 + 0.8) / 3)
    assert calibrate(texts, texts.copy()).mean == pytest.approx((3 + 2 * (0 + 0.6 + 0.8)) / 9)


def test_all_pairs_of_many_vectors_count() -> None:
    rng = np.random.default_rng(0)
    queries, documents = (rng.normal(size=(count, 384)).astype(np.float32) for count in (61, 130))
    pairs = queries.astype(np.float64) @ documents.T.astype(np.float64)
    found = calibrate(queries, documents)
    assert (found.mean, found.deviation) == pytest.approx((pairs.mean(), pairs.std()), rel=1e-5)
    one = calibrate_for_query(queries[0], documents)
    assert one.mean == pytest.approx(pairs[0].mean(), rel=1e-5)


def test_without_a_background_there_is_no_score() -> None:
    one = np.array([[1, 0]], np.float32)
    for unknown in (calibrate(None, one), calibrate(one, None), calibrate(one, one)):
        assert unknown.score(0.9) is None
        assert unknown.z_score(0.9) > unknown.z_score(0.8)


def test_a_background_of_one_value_is_no_division_by_zero() -> None:
    flat = calibrate(np.zeros((5, 2), np.float32), np.zeros((5, 2), np.float32))
    assert 0 <= (flat.score(-1) or 0) <= (flat.score(1) or 0) <= 1


def test_more_passages_need_a_better_match() -> None:
    limits = [chance_threshold(n) for n in (0, 1, 50, 5000, 10**6)]
    assert limits == sorted(limits)
    assert 2 < limits[2] < 2.5 < limits[3] < 3 < limits[4] < 4
    assert limits[1] < MIN_Z  # which counts where there are only a few


def test_the_shipped_model_tells_a_subject_from_another(embedder: edgeembed.Embedder) -> None:
    background = read_background(embedder.bundle)
    assert background["text"].shape == (512, embedder.dim)
    (document,) = embedder.embed_texts(["The dentist moved my appointment to Friday, half past nine."])
    good, bad = embedder.embed_texts(["when do I see the dentist", "history of the Roman empire"], role="query")
    texts = background["text"]
    scores = [calibrate(texts, texts).score(float(query @ document)) or 0 for query in (good, bad)]
    assert scores[0] > 0.9
    assert scores[1] < 0.1


def test_an_image_finds_itself_far_above_others_that_are_all_alike() -> None:
    rng = np.random.default_rng(0)
    alike = np.array([1.0, 0, 0, 0]) + 0.3 * rng.standard_normal((500, 4))
    alike = (alike / np.linalg.norm(alike, axis=1, keepdims=True)).astype(np.float32)
    found = calibrate_for_query(alike[7], alike)
    score = found.score(1.0)
    assert score is not None
    assert score > 0.95
    assert found.z_score(1.0) > chance_threshold(100_000)


def _quality(cranfield: object, cisi: float = 36.0, lisa: float = 41.2) -> dict[str, object]:
    scores = {"cranfield": cranfield, "cisi": cisi, "lisa": lisa}
    return {"scores": {"sts13": {"spearman": 80.0}} | {name: {"ndcg@10": score} for name, score in scores.items()}}


def test_words_count_more_the_less_well_a_model_finds_texts() -> None:
    factors = [words_factor(_quality(score)) for score in (80.0, 51.3, 40.0, 30.0)]
    assert factors == sorted(factors)
    assert factors[1] == pytest.approx(1.0)
    assert 0.3 < factors[0] < 1.0 < factors[2] < factors[3] <= 2.5
    assert words_factor(_quality(0.0, 0.1, 0.1)) == 2.5


def test_a_bundle_that_was_not_measured_has_words_of_one_weight() -> None:
    wrong = [
        _quality("good"),
        _quality(None),
        _quality(0.0, 0.0, 0.0),
        {"scores": {"cranfield": 3.0}},
        {"scores": None},
    ]
    for quality in ({}, {"scores": {}}, {"scores": {"cranfield": {"ndcg@10": 50.0}}}, *wrong):
        assert words_factor(quality) == 1.0, quality


def test_shipped_models_weigh_words_by_what_they_can() -> None:
    factors = []
    for name in ("minilm-l6-int8", "minilm-l3-int8", "minilm-static"):
        with edgeembed.Embedder.load(name) as model:
            factors.append(words_factor(model.manifest.quality))
    assert factors == sorted(factors)
    assert factors[0] == pytest.approx(1.0, abs=0.1)
    assert factors[2] > 1.5
