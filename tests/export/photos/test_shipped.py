"""The photo tower that ships: as good as its card says, as small as promised, in the space of the default texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.evaluate import Scores, evaluate
from edgeembed_export.photos.recipes import PHOTOS

import edgeembed
from edgeembed.bundle.bundle import read_bundle
from edgeembed.bundle.shipped import shipped_names
from edgeembed.maintenance.check_bundle import check

NAME = "photo-minilm"


@pytest.fixture(scope="module")
def tower() -> Iterator[edgeembed.Embedder]:
    if NAME not in shipped_names():
        pytest.skip(f"{NAME} does not ship yet")
    with edgeembed.Embedder.load(NAME) as embedder:
        yield embedder


@pytest.fixture(scope="module")
def scores(tower: edgeembed.Embedder, data: Path) -> Scores:
    with edgeembed.Embedder.load("minilm-l6-int8") as texts:
        return evaluate(
            lambda items, role: texts.embed_texts(items, role=role), data / "images", embed_images=tower.embed_images
        )


def test_it_is_as_good_as_stated(tower: edgeembed.Embedder, scores: Scores) -> None:
    stated = tower.manifest.quality["scores"]
    for name, measures in stated.items():
        for measure, value in measures.items():
            assert abs(scores[name][measure] - value) < 0.3, (name, measure)


def test_it_finds_photos_and_names_things(tower: edgeembed.Embedder, scores: Scores) -> None:
    dev, names = scores["flickr8k_dev"], scores["imagenet"]
    for k, least in ((1, 22), (5, 50), (10, 62)):
        assert dev[f"text to image R@{k}"] >= least
    assert names["zero-shot top-1"] >= 75
    assert names["zero-shot top-5"] >= 88


def test_rounding_costs_little(tower: edgeembed.Embedder) -> None:
    quality = tower.manifest.quality
    for name, measures in quality["source_scores"].items():
        for measure, value in measures.items():
            assert quality["scores"][name][measure] > value - 2.5, (name, measure)  # of 91 photos one is 1.1


def test_it_is_small_and_proved(tower: edgeembed.Embedder) -> None:
    bundle = read_bundle(NAME)
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= 6e6
    assert all(stage.ok for stage in check(bundle))
    assert tower.manifest.space == read_bundle("minilm-l6-int8").manifest.space


def test_its_card_says_what_it_was_trained_on(tower: edgeembed.Embedder) -> None:
    card = read_bundle(NAME).file("README.md").read_text(encoding="utf-8")
    recipe = PHOTOS[NAME]
    assert recipe.photos.name in card
    assert recipe.photos.terms in card
    assert "--photos FILE.jsonl" in card
    assert [item["name"] for item in tower.manifest.training_data] == [
        recipe.backbone.trained_on[0],
        recipe.photos.name,
    ]
