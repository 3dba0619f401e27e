"""Hyperparameter search for a distillation recipe with Optuna, on a small budget.

A trial is a short distillation. It is judged by how well the student agrees with the teacher about texts that neither
this trial nor any other has trained on, so no evaluation set is looked at: what is found can still be measured on them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ExportError
from .recipe import DistillRecipe, Layers, Static
from .training import CHECKPOINT

if TYPE_CHECKING:
    import optuna

STUDY = "tuning.sqlite3"
_HELD_OUT = 1000


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Budget of one trial."""

    texts: int = 40_000
    steps: int = 200


@dataclass(frozen=True)
class SearchResult:
    """State of a search."""

    best: DistillRecipe
    """The whole recipe with the best knobs; its own texts and steps, not those of the budget."""
    knobs: dict[str, Any]
    score: float
    trials: list[dict[str, Any]]
    """``number``, ``knobs`` and ``agreement`` of each that was finished, the best first."""


def suggest(trial: optuna.Trial, recipe: DistillRecipe, *, depth: int) -> dict[str, Any]:
    """The hyperparameters (knobs) of one trial; :func:`with_knobs` applies them.

    Args:
        trial: asks Optuna's sampler.
        recipe: what is tuned.
        depth: layers that the teacher has.
    """
    knobs: dict[str, Any] = {
        "rate": trial.suggest_float("rate", recipe.plan.learning_rate / 4, recipe.plan.learning_rate * 4, log=True),
        "relation": trial.suggest_float("relation", 1.0, 100.0, log=True),
    }
    student = recipe.student
    if isinstance(student, Static):
        # The width decides the size of the bundle, so it may only shrink.
        low = student.width - student.width // 2 // 16 * 16
        knobs["width"] = trial.suggest_int("width", low, student.width, step=16)
    elif isinstance(student, Layers):
        # Without the first layer or the last a student has to learn more than a short training teaches.
        inner = [list(chosen) for chosen in combinations(range(1, depth - 1), len(student.layers) - 2)]
        names = [",".join(map(str, [0, *chosen, depth - 1])) for chosen in inner]
        knobs["layers"] = trial.suggest_categorical("layers", names)
    return knobs


def with_knobs(recipe: DistillRecipe, knobs: dict[str, Any]) -> DistillRecipe:
    """A recipe with knobs as :func:`suggest` gives them and :func:`write_result` writes them."""
    plan = replace(
        recipe.plan,
        learning_rate=float(knobs.get("rate", recipe.plan.learning_rate)),
        relation=float(knobs.get("relation", recipe.plan.relation)),
    )
    student = recipe.student
    if isinstance(student, Static) and "width" in knobs:
        student = replace(student, width=int(knobs["width"]))
    if isinstance(student, Layers) and "layers" in knobs:
        student = replace(student, layers=tuple(int(layer) for layer in str(knobs["layers"]).split(",")))
    return replace(recipe, plan=plan, student=student)


def agreement(vectors: npt.NDArray[np.floating[Any]], targets: npt.NDArray[np.floating[Any]]) -> float:
    """Rank correlation of the student's and the teacher's cosines of all pairs of texts, 1 at best.

    Args:
        vectors: the student's, (N, dim), of length 1.
        targets: the teacher's, (N, any dim), likewise.
    """
    from scipy.stats import spearmanr

    pairs = np.triu_indices(len(vectors), 1)
    student, teacher = ((rows.astype(np.float32) @ rows.astype(np.float32).T)[pairs] for rows in (vectors, targets))
    return float(spearmanr(student, teacher).statistic)


def tune(
    source: str | Path,
    data: Path,
    out: Path,
    recipe: DistillRecipe,
    *,
    trials: int,
    budget: Budget,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> SearchResult:
    """Try knobs until there are so many finished trials, those of earlier calls counted.

    Args:
        source: the teacher, as :func:`~edgeembed_export.sources.text_source.open_text` takes it.
        data: folder with training texts in ``text``.
        out: folder of the study (``tuning.sqlite3``), which goes on where it was interrupted.
        recipe: what is tuned.
        trials: finished ones wanted in all.
        budget: of one trial.
        cache: folder of the teacher's vectors; ``None``: ``out / "teacher"``.
        say: told what is being done.

    Raises:
        ExportError: teacher or data do not fit the recipe.
    """
    import optuna

    from .distill import build_student, prepare

    out.mkdir(parents=True, exist_ok=True)
    prepared = prepare(source, data, recipe, limit=budget.texts + _HELD_OUT, cache=cache or out / "teacher", say=say)
    if len(prepared.texts) < 2 * _HELD_OUT:
        raise ExportError(f"{data}: {len(prepared.texts)} texts are too few to tune on")
    depth = int(prepared.teacher.model.config.num_hidden_layers)
    study = _study(out, recipe, budget)

    def objective(trial: optuna.Trial) -> float:
        from .training import train

        short = with_knobs(recipe, suggest(trial, recipe, depth=depth))
        short = replace(short, plan=replace(short.plan, steps=budget.steps, evaluate_every=budget.steps))
        held_out, texts = prepared.texts[:_HELD_OUT], prepared.texts[_HELD_OUT:]
        model, ids = build_student(prepared.teacher, texts, short)
        with tempfile.TemporaryDirectory() as scratch:
            train(model.student, ids, prepared.vectors[_HELD_OUT:], short.plan, Path(scratch))
            assert Path(scratch, CHECKPOINT).is_file()
        score = agreement(model.reference.embed(held_out), prepared.vectors[:_HELD_OUT])
        say(f"trial {trial.number}: agreement {score:.4f}, {trial.params}")
        return score

    done = len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
    if done == 0:
        study.enqueue_trial(_current_knobs(recipe))  # so that what is found is never worse than what was there
    study.optimize(objective, n_trials=max(0, trials - done))
    return _search_result(study, recipe)


def _study(out: Path, recipe: DistillRecipe, budget: Budget) -> optuna.Study:
    """The study in a folder, made there the first time."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=f"{recipe.name}-{budget.texts}-{budget.steps}",
        storage=f"sqlite:///{out / STUDY}",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=recipe.plan.seed),
        load_if_exists=True,
    )


def _current_knobs(recipe: DistillRecipe) -> dict[str, Any]:
    """The recipe's own knobs."""
    knobs: dict[str, Any] = {"rate": recipe.plan.learning_rate, "relation": recipe.plan.relation}
    if isinstance(recipe.student, Static):
        knobs["width"] = recipe.student.width
    elif isinstance(recipe.student, Layers):
        knobs["layers"] = ",".join(map(str, recipe.student.layers))
    return knobs


def _search_result(study: optuna.Study, recipe: DistillRecipe) -> SearchResult:
    finished = [(trial.value, trial) for trial in study.trials if trial.value is not None]
    finished.sort(key=lambda pair: (-pair[0], pair[1].number))
    rows = [{"number": one.number, "knobs": one.params, "agreement": round(value, 5)} for value, one in finished]
    score, best = finished[0]
    return SearchResult(with_knobs(recipe, best.params), dict(best.params), score, rows)


def write_result(result: SearchResult, budget: Budget, path: Path) -> None:
    """Write knobs and evidence as JSON; :func:`tuned` reads it."""
    data = {
        "knobs": result.knobs,
        "agreement": round(result.score, 5),
        "budget": asdict(budget),
        "trials": result.trials,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def tuned(recipe: DistillRecipe, path: Path) -> DistillRecipe:
    """A recipe with the knobs that a search wrote, and a sentence of evidence for the card."""
    result = json.loads(path.read_text(encoding="utf-8"))
    trials: Sequence[dict[str, Any]] = result["trials"]
    budget = result["budget"]
    evidence = (
        f"Learning rate, weight of the similarities and shape are the best of {len(trials)} short trainings "
        f"({budget['texts']} texts, {budget['steps']} steps), by the rank correlation of the student's cosines with "
        f"the teacher's on held-out texts: {result['agreement']:.4f} (the worst trial {trials[-1]['agreement']:.4f})."
    )
    return replace(with_knobs(recipe, result["knobs"]), evidence=(*recipe.evidence, evidence))
