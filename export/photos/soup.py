"""Model soup: several trainings of one photo tower, whose weights are averaged; and WiSE-FT."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from ..distillation.training import LOG
from .tower import PhotoTower
from .training import PhotoPlan, TrainingData, train_tower


def train_soup(
    tower: PhotoTower,
    data: TrainingData,
    plan: PhotoPlan,
    folder: Path,
    *,
    evaluate: Callable[[PhotoTower], Mapping[str, float]] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PhotoTower:
    """Model soup (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482): the mean of the weights of ``plan.runs``
    trainings of ``tower``, each from the same start in another order.

    Trainings that begin at the same weights end near enough to one another for their mean to gain much of what an
    ensemble would, at the price of one model. Each goes on from where it was interrupted.

    Args:
        tower: untrained; left as it is if there are several runs.
        data: what to train it on.
        plan: how; the seeds of the runs are ``plan.seed`` and those after it.
        folder: gets what a training leaves, of several in ``run-1`` and so on.
        evaluate: scores of a tower.
        say: told what is being done, and the scores.

    Raises:
        ExportError: a checkpoint is of another plan, tower or data.
    """
    if plan.runs == 1:
        return train_tower(tower, data, plan, folder, evaluate=evaluate)
    towers = []
    for number, log in enumerate(soup_logs(plan, folder)):
        once = replace(plan, runs=1, seed=plan.seed + number)
        towers.append(train_tower(copy.deepcopy(tower), data, once, log.parent, evaluate=evaluate))
        say(f"run {number + 1} of {plan.runs}{scores_of(evaluate, towers[-1])}")
    mean = _mean(towers)
    say(f"mean of the weights{scores_of(evaluate, mean)}")
    return mean


@torch.no_grad()
def blended(trained: PhotoTower, original: PhotoTower, share: float) -> PhotoTower:
    """WiSE-FT (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903): ``trained`` with a share of an untrained tower
    in the backbone's last blocks and classifier.

    What training on few photos took from the backbone comes back, for little of what it gave.
    """
    result = copy.deepcopy(trained)
    for part, source in ((result.tail, original.tail), (result.classifier, original.classifier)):
        for value, start in zip(part.parameters(), source.parameters(), strict=True):
            value.lerp_(start, share)
    return result


def soup_logs(plan: PhotoPlan, folder: Path) -> list[Path]:
    """The log of each run."""
    if plan.runs == 1:
        return [folder / LOG]
    return [folder / f"run-{number}" / LOG for number in range(1, plan.runs + 1)]


def scores_of(evaluate: Callable[[PhotoTower], Mapping[str, float]] | None, tower: PhotoTower) -> str:
    """The scores of a tower, to be said after what it is; nothing where none are taken."""
    return "" if evaluate is None else "".join(f", {name} {value:.1f}" for name, value in evaluate(tower).items())


@torch.no_grad()
def _mean(towers: list[PhotoTower]) -> PhotoTower:
    result = copy.deepcopy(towers[0])
    for name, value in result.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.stack([tower.state_dict()[name] for tower in towers]).mean(0))
    return result
