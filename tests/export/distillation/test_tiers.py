"""The distilled tiers that ship: as good and as small as promised, and honest about what they were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.distillation.corpus import SETS
from edgeembed_export.distillation.recipes import STUDENTS
from edgeembed_export.evaluation.evaluate import evaluate

import edgeembed
from edgeembed.bundle.bundle import read_bundle
from edgeembed.bundle.shipped import shipped_names
from edgeembed.maintenance.check_bundle import check

TEACHER = {"stsb_dev": 86.72, "sts13": 80.60, "sts14": 75.60, "cranfield": 49.96, "cisi": 41.93, "lisa": 33.48}


@dataclass(frozen=True)
class Tier:
    """What is promised."""

    name: str
    stsb: float
    similarity: float
    """Share of the teacher's mean of STS13 and STS14."""
    retrieval: float
    """Share of the teacher's mean nDCG@10."""
    size_bytes: float


@pytest.fixture(
    params=[Tier("minilm-l3-int8", 84.8, 0.96, 0.94, 14e6), Tier("minilm-static", 81.5, 0.93, 0.78, 8e6)],
    ids=lambda tier: tier.name,
)
def tier(request: pytest.FixtureRequest) -> Tier:
    """One of those that ship."""
    wanted: Tier = request.param
    if wanted.name not in shipped_names():
        pytest.skip(f"{wanted.name} does not ship yet")
    return wanted


def test_quality(tier: Tier, data: Path) -> None:
    """What the card states, measured again as far as seconds allow."""
    stated = read_bundle(tier.name).manifest.quality["scores"]
    sets = ("stsb_dev", "sts13", "sts14", "cranfield")
    with edgeembed.Embedder.load(tier.name) as embedder:
        scores = evaluate(lambda texts, role: embedder.embed_texts(texts, role=role), data / "eval", only=sets)
    assert sorted(scores) == sorted(sets)
    for name, measures in scores.items():
        for measure, value in measures.items():
            # Another processor rounds a few activations otherwise.
            assert abs(value - stated[name][measure]) < 0.15, (name, measure)
    found = {name: next(iter(measures.values())) for name, measures in stated.items()}
    assert found["stsb_dev"] >= tier.stsb
    for names, share in ((("sts13", "sts14"), tier.similarity), (("cranfield", "cisi", "lisa"), tier.retrieval)):
        assert np.mean([found[name] for name in names]) >= share * np.mean([TEACHER[name] for name in names]), names


def test_facts(tier: Tier) -> None:
    bundle = read_bundle(tier.name)
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= tier.size_bytes
    assert all(stage.ok for stage in check(bundle))
    manifest, recipe = bundle.manifest, STUDENTS[tier.name]
    assert manifest.source["recipe"] == tier.name
    assert manifest.source["seed"] == str(recipe.plan.seed)
    own = [item["name"] for item in manifest.training_data if item["name"].endswith("(distillation)")]
    assert own == [f"{item.name} (distillation)" for item in SETS]
    default = read_bundle("minilm-l6-int8").manifest
    assert (manifest.space == default.space) == recipe.same_space
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "non-commercial" in card
    assert f"for {recipe.plan.steps} steps" in card
