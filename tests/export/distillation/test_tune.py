"""The search of a recipe's knobs: trials are counted over calls, and what was found reaches the recipe."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.distillation.corpus import TrainingSet
from edgeembed_export.distillation.recipe import DistillRecipe, Layers, Static
from edgeembed_export.distillation.recipes import STUDENTS, WRITTEN, tuned_path
from edgeembed_export.distillation.training import Plan
from edgeembed_export.distillation.tune import Budget, agreement, tune, tuned, with_knobs, write_result
from edgeembed_export.errors import ExportError
from edgeembed_export.sealing.options import BundleOptions
from edgeembed_export.sealing.proof.golden import background_texts

RECIPE = DistillRecipe(
    bundle=BundleOptions(name="small"),
    student=Static(width=32),
    plan=Plan(steps=1000, batch_texts=64, learning_rate=0.01, relation=5.0),
    sets=(TrainingSet("own", "the project's own"),),
)


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    """Pairs of the project's ordinary texts: enough to hold some out."""
    ordinary = background_texts()
    texts = [f"{a} {b}" for i, a in enumerate(ordinary) for b in ordinary[i + 1 : i + 6]]
    path = tmp_path / "data/text/own.jsonl.gz"
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    return tmp_path / "data"


def test_agreement() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    assert agreement(rows @ turn, rows) == pytest.approx(1)
    other = rng.normal(size=(50, 8))
    assert abs(agreement(other / np.linalg.norm(other, axis=1, keepdims=True), rows)) < 0.2


def test_a_search_goes_on_and_its_finding_is_taken(bert: Path, own_data: Path, tmp_path: Path) -> None:
    budget, said = Budget(texts=1200, steps=5), []
    first = tune(bert, own_data, tmp_path / "out", RECIPE, trials=2, budget=budget, say=said.append)
    assert len(first.trials) == 2
    # The recipe's own knobs are the first trial, so that what is found is never worse.
    own = next(row for row in first.trials if row["number"] == 0)
    assert own["knobs"] == {"rate": 0.01, "relation": 5.0, "width": 32}
    assert first.score == pytest.approx(first.trials[0]["agreement"], abs=1e-5)
    assert first.score >= own["agreement"] - 1e-5
    again = tune(bert, own_data, tmp_path / "out", RECIPE, trials=3, budget=budget, say=said.append)
    assert [row["number"] for row in sorted(again.trials, key=lambda row: row["number"])] == [0, 1, 2]
    assert sum(line.startswith("trial") for line in said) == 3
    write_result(again, budget, tmp_path / "found.json")
    recipe = tuned(RECIPE, tmp_path / "found.json")
    assert recipe.plan.learning_rate == again.knobs["rate"]
    assert recipe.student == Static(width=again.knobs["width"])
    assert recipe.plan.steps == 1000
    assert "the best of 3 short trainings (1200 texts, 5 steps)" in recipe.evidence[-1]
    assert again.best == with_knobs(RECIPE, again.knobs)


def test_too_few_texts(bert: Path, own_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="are too few to tune on"):
        tune(bert, own_data, tmp_path / "out", RECIPE, trials=1, budget=Budget(texts=500, steps=1))


def test_layers_are_knobs() -> None:
    before = WRITTEN["minilm-l3-int8"]
    changed = with_knobs(before, {"layers": "0,2,5", "relation": 3})
    assert isinstance(before.student, Layers)
    assert changed.student == replace(before.student, layers=(0, 2, 5))
    assert changed.plan.relation == 3


def test_what_was_found_is_in_the_recipes() -> None:
    for name, recipe in STUDENTS.items():
        assert (recipe != WRITTEN[name]) == tuned_path(name).is_file()
