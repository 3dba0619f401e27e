"""Distillation recipes: ``edgeembed-export distill --recipe NAME``."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from .. import data as data_files
from ..sealing.recipes import RECIPES
from .corpus import RESEARCH_SETS
from .recipe import Characters, DistillRecipe, Layers, Static
from .training import Plan
from .tune import tuned

_TEACHER = RECIPES["minilm-l6-int8"]
_STATIC = DistillRecipe(
    bundle=replace(_TEACHER, name="minilm-static"),
    student=Static(width=208),
    plan=Plan(steps=2000, batch_texts=1024, learning_rate=3e-3, relation=10.0, evaluate_every=200),
    joined=24_000,
    teacher="minilm-l6-int8",
    evidence=(
        "Sets that forbid commercial use were left out. With them (captions of Flickr30k, OpenStax textbooks, MS "
        "MARCO, SICK; the recipe minilm-static-research) the student in float reached 84.40 on STS-B's development set "
        "where this one reached 83.41.",
    ),
)
# Of the teacher's layers, 0, 3 and 5 begin highest: STS-B dev 84.2 untrained, with all tokens (0, 2 and 5: 82.0;
# 0, 1 and 5: 80.0; 1, 3 and 5: 76.1).
_SMALL = DistillRecipe(
    bundle=replace(_TEACHER, name="minilm-l3-int8"),
    student=Layers(layers=(0, 3, 5), rows=24_000, neurons=512),
    plan=Plan(
        steps=2300,
        batch_texts=256,
        batch_tokens=4096,
        learning_rate=5e-4,
        weight_decay=0.01,
        relation=20.0,
        evaluate_every=460,
        bfloat16=True,
    ),
    joined=24_000,
    teacher="minilm-l6-int8",
    evidence=(
        "Tried before: all 1536 neurons, 17 000 tokens and 3000 steps gave 85.34 on STS-B's development set and a mean "
        "nDCG@10 of 39.64 on Cranfield, CISI and LISA, at nearly half the speed; 512 neurons and 17 000 tokens 84.57 "
        "and 39.38.",
    ),
    # Queries by this student on documents that the teacher embedded find as much as on its own: the card has both.
    same_space=True,
)
# ELMo's way. It knows no language to begin with, so it is far behind, and does not ship.
_CHARACTERS = DistillRecipe(
    bundle=replace(_TEACHER, name="minilm-characters"),
    student=Characters(),
    plan=Plan(steps=600, batch_texts=192, batch_tokens=4096, learning_rate=2e-3, relation=10.0, evaluate_every=200),
    texts=131_072,
    joined=8_000,
    teacher="minilm-l6-int8",
)


def _research(recipe: DistillRecipe) -> DistillRecipe:
    """The same with the sets that forbid commercial use: to measure what they would add, not to ship."""
    name = f"{recipe.name}-research"
    return replace(recipe, bundle=replace(recipe.bundle, name=name), sets=RESEARCH_SETS, evidence=())


def tuned_path(name: str) -> Path:
    """Where ``edgeembed-export tune --write`` leaves what it found about a recipe."""
    return Path(str(files(data_files))) / f"{name}.tuned.json"


WRITTEN = {recipe.name: recipe for recipe in (_STATIC, _SMALL, _CHARACTERS, _research(_STATIC))}
"""Name of a student to its recipe, as it stands in this file."""
STUDENTS = {
    name: tuned(recipe, tuned_path(name)) if tuned_path(name).is_file() else recipe for name, recipe in WRITTEN.items()
}
"""The same with the hyperparameters that a search found (``tune``)."""
