"""How students are made: ``edgeembed-export distill --recipe NAME``."""

from __future__ import annotations

from dataclasses import replace

from .corpus import RESEARCH_SETS
from .distill_recipe import DistillRecipe, Layers, Static
from .recipes import RECIPES
from .training import Plan

_TEACHER = RECIPES["minilm-l6-int8"]

_STATIC = DistillRecipe(
    bundle=replace(_TEACHER, name="minilm-static"),
    student=Static(width=208),
    plan=Plan(steps=2000, batch_texts=1024, rate=3e-3, relation=10.0, evaluate_every=200),
    joined=24_000,
    teacher="minilm-l6-int8",
)

# Of the teacher's layers, 0, 3 and 5 begin highest: STS-B dev 84.2 untrained, with all tokens (0, 2 and 5: 82.0;
# 0, 1 and 5: 80.0; 1, 3 and 5: 76.1).
_SMALL = DistillRecipe(
    bundle=replace(_TEACHER, name="minilm-l3-int8"),
    student=Layers(layers=(0, 3, 5), rows=17_000),
    plan=Plan(
        steps=3000,
        batch_texts=256,
        batch_tokens=4096,
        rate=4e-4,
        weight_decay=0.01,
        relation=20.0,
        evaluate_every=250,
        bfloat16=True,
    ),
    joined=24_000,
    teacher="minilm-l6-int8",
)


def _research(recipe: DistillRecipe) -> DistillRecipe:
    """The same with the sets that forbid commercial use: to measure what they would add, not to ship."""
    name = f"{recipe.name}-research"
    return replace(recipe, bundle=replace(recipe.bundle, name=name), sets=RESEARCH_SETS, evidence=())


STUDENTS = {recipe.name: recipe for recipe in (_STATIC, _SMALL, _research(_STATIC))}
"""Name of a student to how it is made."""
