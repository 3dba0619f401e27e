"""The static tier that ships: as good and as small as promised, and honest about what it was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.corpus import SETS
from edgeembed_export.evaluate import evaluate
from edgeembed_export.students import STUDENTS

import edgeembed
from edgeembed.bundle import read_bundle, shipped_names
from edgeembed.check import check

NAME = "minilm-static"
pytestmark = pytest.mark.skipif(NAME not in shipped_names(), reason=f"{NAME} does not ship yet")
TEACHER = {"stsb_dev": 86.72, "sts13": 80.60, "sts14": 75.60, "cranfield": 49.96, "cisi": 41.93, "lisa": 33.48}


def test_quality(data: Path) -> None:
    with edgeembed.Embedder.load(NAME) as embedder:
        scores = evaluate(lambda texts, role: embedder.embed_texts(texts, role=role), data / "eval")
    found = {name: next(iter(measures.values())) for name, measures in scores.items()}
    assert found["stsb_dev"] >= 81.5
    for names, share in ((("sts13", "sts14"), 0.93), (("cranfield", "cisi", "lisa"), 0.78)):
        assert np.mean([found[name] for name in names]) >= share * np.mean([TEACHER[name] for name in names]), names
    stated = read_bundle(NAME).manifest.quality["scores"]
    for name, measures in scores.items():
        for measure, value in measures.items():
            assert abs(value - stated[name][measure]) < 0.05, (name, measure)


def test_facts() -> None:
    bundle = read_bundle(NAME)
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) <= 8e6
    assert all(stage.ok for stage in check(bundle))
    manifest, recipe = bundle.manifest, STUDENTS[NAME]
    assert manifest.source["recipe"] == NAME
    assert manifest.source["seed"] == str(recipe.plan.seed)
    own = [item["name"] for item in manifest.training_data if item["name"].endswith("(distillation)")]
    assert own == [f"{item.name} (distillation)" for item in SETS]
    default = read_bundle("minilm-l6-int8").manifest
    assert (manifest.space == default.space) == recipe.same_space
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "non-commercial" in card
    assert f"for {recipe.plan.steps} steps" in card
