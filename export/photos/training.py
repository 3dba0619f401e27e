"""The loop that trains a photo tower: captions, names of classes, and, where there is one, a teacher's vectors."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..distillation.training import Losses, Schedule, losses, rate_share, run_steps
from .losses import Contrast, Said, caption_loss, mixed_loss, naming_loss, said
from .tower import PhotoTower
from .views import Maps

Vectors = npt.NDArray[np.float32]  # (N, dim)
_OTHER = 1_000_003
"""Keeps the random numbers of one seed's steps apart from those of another's."""
_FEW = 64
"""Photos that go through a branch at a time when nothing is trained."""


@dataclass(frozen=True, kw_only=True)
class PhotoPlan(Schedule):
    """How a photo tower is trained; ``rate`` is that of the head."""

    batch: int
    """Photos a step."""
    views: int
    """Views of each photo, the whole photo as the first."""
    tail_rate: float = 0.3
    """Share of it for the backbone's last blocks and its classifier."""
    weight_decay: float = 0.05
    contrast: Contrast = field(default_factory=Contrast)
    caption: float = 1.0
    """Weight of the loss on captions; of no effect where there are none."""
    naming: float = 1.0
    """Weight of the loss on names of classes, which the head's vector is to say too."""
    naming_temperature: float = 0.05
    keeping: float = 1.0
    """Weight of the loss on the classifier's probabilities, which are to stay the backbone's."""
    taught: float = 1.0
    """Weight of the loss on a teacher's vectors; of no effect where there are none."""
    relation: float = 10.0
    """Weight, within that loss, of the similarities of a batch."""
    mix: float = 0.0
    """Every other step, photos are laid over one another in pairs, with shares from a beta distribution of twice this
    parameter; 0: never."""
    runs: int = 1
    """So often it is trained from the same start, in other orders; the result is the mean of the weights."""
    average: float = 0.998
    """What the average of weights keeps of itself at each step, the average being the result; 0: none is made."""


@dataclass(frozen=True)
class Lesson:
    """What N photos are to be trained towards."""

    maps: Sequence[Maps]
    """A table for each view, what the trunk makes of it."""
    probabilities: Sequence[torch.Tensor]
    """The backbone's of the photos, float16 (N, classes) for each view; see :func:`backbone_says`."""
    captions: Vectors | None = None
    """Of all captions, (M, dim); ``None``: there are none."""
    owners: npt.NDArray[np.int64] | None = None
    """Number of the photo of each caption, ascending."""
    taught: Sequence[Vectors] = ()
    """The teacher's vectors of the photos, (N, dim) for each view; empty: there is no teacher of pictures."""


def train_tower(
    tower: PhotoTower,
    lesson: Lesson,
    plan: PhotoPlan,
    folder: Path,
    *,
    evaluate: Callable[[PhotoTower], Mapping[str, float]] | None = None,
    stop_after: int | None = None,
) -> PhotoTower:
    """Train ``tower``, going on from the last checkpoint in ``folder`` if there is one.

    Args:
        tower: untrained.
        lesson: what to train it on.
        plan: how.
        folder: gets ``checkpoint.pt`` and ``log.jsonl``, one object a line: ``step``, ``seconds`` of training so far,
            and losses (means since the last line) or scores.
        evaluate: scores of the tower, taken before the first step and every ``plan.evaluate_every`` steps.
        stop_after: end at this step as if interrupted; ``None``: train to the end.

    Returns:
        The average of the weights of all steps, the later ones counting more; the last ones if none is made.

    Raises:
        ExportError: the checkpoint is of another plan, tower or lesson.
    """
    state = _State(tower, len(lesson.maps[0]))
    groups = [
        {"params": [*tower.tail.parameters(), *tower.classifier.parameters()], "share": plan.tail_rate},
        {"params": list(tower.head.parameters()), "share": 1.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate, weight_decay=plan.weight_decay, fused=True)

    def learn(step: int) -> Iterator[Losses]:
        captions = None
        if lesson.captions is not None and lesson.owners is not None:
            captions = said(lesson.captions, lesson.owners)
        for number, (rows, views) in enumerate(_from(step, plan, len(lesson.maps[0])), step):
            yield _step(state, optimizer, lesson, captions, plan, number, rows, views)

    measure = None if evaluate is None else lambda: evaluate(state.result(plan))
    run_steps(state, optimizer, plan, _key(plan, tower, lesson), folder, learn, measure, stop_after)
    return state.result(plan)


class _State(torch.nn.Module):
    """Everything that a checkpoint keeps of the tower; what it has not trained is not in it."""

    bank: torch.Tensor
    known: torch.Tensor

    def __init__(self, tower: PhotoTower, photos: int) -> None:
        super().__init__()
        self.trained = _trained(tower)
        self.averages = copy.deepcopy(self.trained).requires_grad_(False)
        self._tower = [tower]  # in a list, so that torch does not count its weights again
        self.register_buffer("bank", torch.zeros(photos, tower.names.shape[1]))  # the last vector of each photo
        self.register_buffer("known", torch.zeros(photos, dtype=torch.bool))  # whether there is one

    @property
    def tower(self) -> PhotoTower:
        return self._tower[0]

    def result(self, plan: PhotoPlan) -> PhotoTower:
        """The tower with averaged weights."""
        if not plan.average:
            return self.tower
        found = copy.deepcopy(self.tower)
        _trained(found).load_state_dict(self.averages.state_dict())
        return found

    @torch.no_grad()
    def average(self, plan: PhotoPlan, step: int) -> None:
        """Take one step's weights into the average; the first ones hardly count."""
        if plan.average:
            kept = min(plan.average, (step + 1) / (step + 10))
            for weight, new in zip(self.averages.parameters(), self.trained.parameters(), strict=True):
                weight.lerp_(new, 1 - kept)
            for count, now in zip(self.averages.buffers(), self.trained.buffers(), strict=True):
                count.copy_(now)


def _trained(tower: PhotoTower) -> torch.nn.ModuleList:
    """The parts of a tower that are trained."""
    return torch.nn.ModuleList([tower.tail, tower.classifier, tower.head])


def _step(
    state: _State,
    optimizer: torch.optim.Optimizer,
    lesson: Lesson,
    captions: Said | None,
    plan: PhotoPlan,
    step: int,
    rows: npt.NDArray[np.int64],
    views: npt.NDArray[np.int64],
) -> dict[str, torch.Tensor]:
    tower = state.tower
    state.trained.train()
    for group in optimizer.param_groups:
        group["lr"] = plan.rate * group["share"] * rate_share(step, steps=plan.steps, warmup=plan.warmup)
    maps = np.stack([lesson.maps[view][row] for row, view in zip(rows, views, strict=True)])
    named = torch.stack([lesson.probabilities[view][row] for row, view in zip(rows, views, strict=True)]).float()
    torch.manual_seed(_OTHER * plan.seed + step)  # dropout too goes on after an interruption as it would have
    drawing, index = np.random.default_rng([plan.seed, 1, step]), torch.from_numpy(rows)
    pairs = _Pairs(len(rows), plan.mix, drawing) if plan.mix and step % 2 else None
    pixels = _channels_first(maps)
    if pairs is not None:
        pixels, named = pairs.mixed(pixels), pairs.mixed(named)
    with _autocast(plan.bfloat16):
        features = tower.features(pixels)
    seen, said_now = tower.head(features), torch.log_softmax(tower.classifier(features), dim=1)
    joined = tower.joined(seen, said_now.exp())
    found: dict[str, torch.Tensor] = {}
    total = torch.zeros(())
    if captions is not None and pairs is not None:
        parts = [(index, pairs.share), (index[pairs.other], 1 - pairs.share)]
        found["mixed"] = mixed_loss(joined, parts, captions, plan.contrast, drawing)
        total = total + plan.caption * found["mixed"]
    elif captions is not None:
        found["caption"] = caption_loss(joined, index, captions, state.bank, state.known, plan.contrast, drawing)
        total = total + plan.caption * found["caption"]
    if plan.naming:
        found["naming"] = naming_loss(seen, named, tower.names, temperature=plan.naming_temperature)
        total = total + plan.naming * found["naming"]
    if plan.keeping:
        found["keeping"] = torch.nn.functional.kl_div(said_now, named, reduction="batchmean")
        total = total + plan.keeping * found["keeping"]
    if lesson.taught:
        wanted = torch.from_numpy(np.stack([lesson.taught[v][row] for row, v in zip(rows, views, strict=True)]))
        if pairs is not None:
            wanted = torch.nn.functional.normalize(pairs.mixed(wanted), dim=1)
        taught = losses(joined, wanted, relation=plan.relation)
        found |= {name: value for name, value in taught.items() if name != "loss"}
        total = total + plan.taught * taught["loss"]
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    state.average(plan, step)
    if pairs is None:
        state.bank[rows], state.known[rows] = joined.detach(), True
    return {"loss": total.detach(), **{name: value.detach() for name, value in found.items()}}


class _Pairs:
    """Which photo of a batch is laid over which other one, and how much of the first remains."""

    def __init__(self, count: int, mix: float, rng: np.random.Generator) -> None:
        self.other = torch.from_numpy(rng.permutation(count))
        self.share = torch.from_numpy(rng.beta(mix, mix, count).astype(np.float32))  # (B,)

    def mixed(self, values: torch.Tensor) -> torch.Tensor:
        """(B, ...) in and out."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return share * values + (1 - share) * values[self.other]


@torch.no_grad()
def run_tower(tower: PhotoTower, maps: Maps, *, bfloat16: bool = False) -> Vectors:
    """Unit vectors (N, dim) of what the trunk made of N photos."""
    return np.concatenate([tower.vectors(some).numpy() for some in _features(tower, maps, bfloat16=bfloat16)])


@torch.no_grad()
def backbone_says(tower: PhotoTower, maps: Sequence[Maps], *, bfloat16: bool = False) -> list[torch.Tensor]:
    """The probabilities of each view, float16 (N, classes), as an untrained tower gives them: the backbone's."""
    return [
        torch.cat(
            [
                torch.softmax(tower.classifier(features), dim=1).half()
                for features in _features(tower, view, bfloat16=bfloat16)
            ]
        )
        for view in maps
    ]


@torch.no_grad()
def _features(tower: PhotoTower, maps: Maps, *, bfloat16: bool) -> Iterator[torch.Tensor]:
    """Mean features of some photos at a time."""
    tower.eval()
    for start in range(0, len(maps), _FEW):
        with _autocast(bfloat16):
            features = tower.features(_channels_first(maps[start : start + _FEW]))
        yield features


def _channels_first(maps: Maps) -> torch.Tensor:
    """(B, C, H, W), its memory still in the order in which convolutions are fastest."""
    return torch.from_numpy(np.array(maps)).float().permute(0, 3, 1, 2)


def _autocast(bfloat16: bool) -> contextlib.AbstractContextManager[object]:
    return torch.autocast("cpu", torch.bfloat16) if bfloat16 else contextlib.nullcontext()


def _from(step: int, plan: PhotoPlan, photos: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Photos and views of the steps from ``step`` on, without end; they depend on the seed alone.

    An epoch is every photo once, in one of its views; what does not fill a batch is left for another epoch.
    """
    size = min(plan.batch, photos)
    each = photos // size  # batches of an epoch
    while True:
        epoch, number = divmod(step, each)
        rng = np.random.default_rng([plan.seed, epoch])
        order, views = rng.permutation(photos), rng.integers(0, plan.views, photos)
        for start in range(number * size, each * size, size):
            yield order[start : start + size], views[start : start + size]
            step += 1


def _key(plan: PhotoPlan, tower: PhotoTower, lesson: Lesson) -> str:
    """Changes with anything that a checkpoint depends on."""
    shapes = {name: list(value.shape) for name, value in tower.state_dict().items()}
    found = hashlib.sha256(json.dumps([asdict(plan), asdict(tower.recipe), shapes], sort_keys=True).encode())
    tables: list[npt.NDArray[Any]] = [*lesson.maps, *lesson.taught, tower.names.numpy()]
    for table in [*tables, *([] if lesson.captions is None else [lesson.captions])]:
        found.update(np.ascontiguousarray(table[:: max(1, len(table) // 100)]).tobytes())
    return found.hexdigest()
