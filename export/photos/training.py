"""Training loop of a photo tower: AdamW, an EMA, and losses on captions, names of classes and a teacher's vectors."""

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

from ..distillation.training import Losses, Schedule, learning_rate_share, losses, run_steps
from ..types import Vectors
from .losses import Captions, Contrast, caption_loss, mixup_loss, naming_loss
from .tower import PhotoTower
from .views import Maps

_SEED_STRIDE = 1_000_003
"""Keeps the random numbers of one seed's steps apart from those of another's."""
_INFERENCE_BATCH = 64
"""Photos that go through the tower at a time when nothing is trained."""


@dataclass(frozen=True, kw_only=True)
class PhotoPlan(Schedule):
    """How a photo tower is trained; ``learning_rate`` is that of the head."""

    batch: int
    """Photos a step."""
    views: int
    """Views of each photo, the whole photo as the first."""
    tail_rate: float = 0.3
    """Learning rate of the backbone's last blocks and its classifier, as a share of the head's."""
    weight_decay: float = 0.05
    contrast: Contrast = field(default_factory=Contrast)
    caption_weight: float = 1.0
    """Weight of the loss on captions; of no effect where there are none."""
    naming_weight: float = 1.0
    """Weight of the loss on names of classes, which the head's vector is to say too."""
    naming_temperature: float = 0.05
    classifier_kl_weight: float = 1.0
    """Weight of the Kullback-Leibler loss on the classifier's probabilities, which are to stay the backbone's."""
    teacher_weight: float = 1.0
    """Weight of the loss on a teacher's vectors; of no effect where there are none."""
    relation: float = 10.0
    """Weight, within that loss, of the similarities of a batch."""
    mixup: float = 0.0
    """Mixup: every other step, photos are laid over one another in pairs, with shares from a beta distribution of twice
    this parameter; 0: never."""
    runs: int = 1
    """Model soup: so often it is trained from one start, in other orders; the result is the mean of the weights."""
    ema_decay: float = 0.998
    """Decay of the weights' moving average (EMA), which is the result; 0: there is none, and the last weights are."""


@dataclass(frozen=True)
class TrainingData:
    """What a tower is trained on: N photos in several views, and the targets of each."""

    maps: Sequence[Maps]
    """Feature maps of the trunk, a table for each view."""
    probabilities: Sequence[torch.Tensor]
    """The backbone's of the photos, float16 (N, classes) for each view; see :func:`backbone_probabilities`."""
    captions: Vectors | None = None
    """Vectors of all captions, (M, dim); ``None``: there are none."""
    owners: npt.NDArray[np.int64] | None = None
    """Number of the photo of each caption, ascending."""
    teacher_vectors: Sequence[Vectors] = ()
    """The teacher's vectors of the photos, (N, dim) for each view; empty: there is no teacher of images."""

    @property
    def photos(self) -> int:
        """N."""
        return len(self.maps[0])


def train_tower(
    tower: PhotoTower,
    data: TrainingData,
    plan: PhotoPlan,
    folder: Path,
    *,
    evaluate: Callable[[PhotoTower], Mapping[str, float]] | None = None,
    stop_after: int | None = None,
) -> PhotoTower:
    """Train ``tower``, going on from the last checkpoint in ``folder`` if there is one.

    Args:
        tower: untrained.
        data: what to train it on.
        plan: how.
        folder: gets ``checkpoint.pt`` and ``log.jsonl``, one object a line: ``step``, ``seconds`` of training so far,
            and losses (means since the last line) or scores.
        evaluate: scores of the tower, taken before the first step and every ``plan.evaluate_every`` steps.
        stop_after: end at this step as if interrupted; ``None``: train to the end.

    Returns:
        The moving average (EMA) of the weights; the last ones if there is none.

    Raises:
        ExportError: the checkpoint is of another plan, tower or data.
    """
    trainer = _Trainer(tower, data, plan)
    state = trainer.state
    measure = None if evaluate is None else lambda: evaluate(state.result())
    run_steps(state, trainer.optimizer, plan, _key(plan, tower, data), folder, trainer.steps_from, measure, stop_after)
    return state.result()


class _State(torch.nn.Module):
    """Everything that a checkpoint keeps of the tower; what it has not trained is not in it."""

    bank: torch.Tensor
    """Memory bank: the last vector of each photo, (N, dim)."""
    in_bank: torch.Tensor
    """Whether there is one, (N,)."""

    def __init__(self, tower: PhotoTower, photos: int, ema_decay: float) -> None:
        super().__init__()
        self.trained = _trained_parts(tower)
        self.ema = copy.deepcopy(self.trained).requires_grad_(False)
        self._ema_decay = ema_decay
        self._tower = [tower]  # in a list, so that torch does not count its weights again
        self.register_buffer("bank", torch.zeros(photos, tower.names.shape[1]))
        self.register_buffer("in_bank", torch.zeros(photos, dtype=torch.bool))

    @property
    def tower(self) -> PhotoTower:
        return self._tower[0]

    def result(self) -> PhotoTower:
        """The tower with averaged weights."""
        if not self._ema_decay:
            return self.tower
        averaged = copy.deepcopy(self.tower)
        _trained_parts(averaged).load_state_dict(self.ema.state_dict())
        return averaged

    @torch.no_grad()
    def update_ema(self, step: int) -> None:
        """Take one step's weights into the moving average; the first ones hardly count."""
        if self._ema_decay:
            decay = min(self._ema_decay, (step + 1) / (step + 10))
            for average, weight in zip(self.ema.parameters(), self.trained.parameters(), strict=True):
                average.lerp_(weight, 1 - decay)
            for copied, buffer in zip(self.ema.buffers(), self.trained.buffers(), strict=True):
                copied.copy_(buffer)


def _trained_parts(tower: PhotoTower) -> torch.nn.ModuleList:
    """The parts of a tower that are trained."""
    return torch.nn.ModuleList([tower.tail, tower.classifier, tower.head])


@dataclass(frozen=True)
class _Batch:
    """The photos of one step, each in one of its views; perhaps laid over one another."""

    step: int
    rows: npt.NDArray[np.int64]
    """Numbers of the photos, (B,)."""
    maps: torch.Tensor
    """Feature maps of the trunk, (B, C, H, W)."""
    probabilities: torch.Tensor
    """The backbone's, (B, classes)."""
    teacher_vectors: torch.Tensor | None
    """(B, dim), of length 1 if they are mixed."""
    mixup: _Mixup | None
    rng: np.random.Generator
    """Draws captions."""


class _Trainer:
    """Takes the steps of one training."""

    def __init__(self, tower: PhotoTower, data: TrainingData, plan: PhotoPlan) -> None:
        self._data, self._plan = data, plan
        self._captions: Captions | None = None
        if data.captions is not None and data.owners is not None:
            self._captions = Captions.of(data.captions, data.owners)
        self.state = _State(tower, data.photos, plan.ema_decay)
        groups = [
            {"params": [*tower.tail.parameters(), *tower.classifier.parameters()], "share": plan.tail_rate},
            {"params": list(tower.head.parameters()), "share": 1.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True)

    def steps_from(self, first: int) -> Iterator[Losses]:
        """Take one step after the other from number ``first`` on, without end; the losses of each."""
        for step, (rows, views) in enumerate(_batches_from(first, self._plan, self._data.photos), first):
            yield self._step(self._batch(step, rows, views))

    def _batch(self, step: int, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> _Batch:
        data, plan = self._data, self._plan
        rng = np.random.default_rng([plan.seed, 1, step])
        mixup = _Mixup(len(rows), plan.mixup, rng) if plan.mixup and step % 2 else None
        places = list(zip(views.tolist(), rows.tolist(), strict=True))
        maps = _channels_first(np.stack([data.maps[view][row] for view, row in places]))
        probabilities = torch.stack([data.probabilities[view][row] for view, row in places]).float()
        vectors = None
        if data.teacher_vectors:
            vectors = torch.from_numpy(np.stack([data.teacher_vectors[view][row] for view, row in places]))
        if mixup is not None:
            maps, probabilities = mixup.mixed(maps), mixup.mixed(probabilities)
            vectors = None if vectors is None else torch.nn.functional.normalize(mixup.mixed(vectors), dim=1)
        return _Batch(step, rows, maps, probabilities, vectors, mixup, rng)

    def _step(self, batch: _Batch) -> Losses:
        state, plan = self.state, self._plan
        state.trained.train()
        share = learning_rate_share(batch.step, steps=plan.steps, warmup=plan.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.learning_rate * group["share"] * share
        torch.manual_seed(_SEED_STRIDE * plan.seed + batch.step)  # dropout too goes on after an interruption
        vectors, total, values = self._losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        self.optimizer.step()
        state.update_ema(batch.step)
        if batch.mixup is None:
            state.bank[batch.rows], state.in_bank[batch.rows] = vectors.detach(), True
        return {"loss": total.detach(), **{name: value.detach() for name, value in values.items()}}

    def _losses(self, batch: _Batch) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """The tower's vectors of the batch, their weighted loss, and each loss by its name in the log."""
        plan, tower = self._plan, self.state.tower
        with _autocast(plan.bfloat16):
            features = tower.features(batch.maps)
        head, log_probabilities = tower.head(features), torch.log_softmax(tower.classifier(features), dim=1)
        vectors = tower.joined(head, log_probabilities.exp())
        total, values = torch.zeros(()), {}
        if self._captions is not None:
            name = "caption" if batch.mixup is None else "mixed"
            values[name] = self._caption_loss(batch, vectors, self._captions)
            total = total + plan.caption_weight * values[name]
        if plan.naming_weight:
            values["naming"] = naming_loss(head, batch.probabilities, tower.names, temperature=plan.naming_temperature)
            total = total + plan.naming_weight * values["naming"]
        if plan.classifier_kl_weight:
            values["keeping"] = torch.nn.functional.kl_div(
                log_probabilities, batch.probabilities, reduction="batchmean"
            )
            total = total + plan.classifier_kl_weight * values["keeping"]
        if batch.teacher_vectors is not None:
            teacher = losses(vectors, batch.teacher_vectors, relation=plan.relation)
            total = total + plan.teacher_weight * teacher.pop("loss")
            values |= teacher
        return vectors, total, values

    def _caption_loss(self, batch: _Batch, vectors: torch.Tensor, captions: Captions) -> torch.Tensor:
        contrast, rows = self._plan.contrast, torch.from_numpy(batch.rows)
        if batch.mixup is None:
            state = self.state
            return caption_loss(vectors, rows, captions, state.bank, state.in_bank, contrast, batch.rng)
        share, other = batch.mixup.share, batch.mixup.other
        parts = [(rows, share), (rows[other], 1 - share)]
        return mixup_loss(vectors, parts, captions, contrast, batch.rng)


class _Mixup:
    """Which photo of a batch is laid over which other one, and how much of the first remains."""

    def __init__(self, count: int, parameter: float, rng: np.random.Generator) -> None:
        self.other = torch.from_numpy(rng.permutation(count))
        self.share = torch.from_numpy(rng.beta(parameter, parameter, count).astype(np.float32))  # (B,)

    def mixed(self, values: torch.Tensor) -> torch.Tensor:
        """(B, ...) in and out."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return share * values + (1 - share) * values[self.other]


@torch.no_grad()
def run_tower(tower: PhotoTower, maps: Maps, *, bfloat16: bool = False) -> Vectors:
    """Unit vectors (N, dim) of N photos, given as feature maps of the trunk."""
    return np.concatenate([tower.vectors(some).numpy() for some in _features(tower, maps, bfloat16=bfloat16)])


@torch.no_grad()
def backbone_probabilities(tower: PhotoTower, maps: Sequence[Maps], *, bfloat16: bool = False) -> list[torch.Tensor]:
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
    for start in range(0, len(maps), _INFERENCE_BATCH):
        with _autocast(bfloat16):
            features = tower.features(_channels_first(maps[start : start + _INFERENCE_BATCH]))
        yield features


def _channels_first(maps: Maps) -> torch.Tensor:
    """(B, C, H, W), its memory still in the order in which convolutions are fastest."""
    return torch.from_numpy(np.array(maps)).float().permute(0, 3, 1, 2)


def _autocast(bfloat16: bool) -> contextlib.AbstractContextManager[object]:
    return torch.autocast("cpu", torch.bfloat16) if bfloat16 else contextlib.nullcontext()


def _batches_from(
    step: int, plan: PhotoPlan, photos: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
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


def _key(plan: PhotoPlan, tower: PhotoTower, data: TrainingData) -> str:
    """Digest of all that a checkpoint depends on."""
    shapes = {name: list(value.shape) for name, value in tower.state_dict().items()}
    digest = hashlib.sha256(json.dumps([asdict(plan), asdict(tower.recipe), shapes], sort_keys=True).encode())
    tables: list[npt.NDArray[Any]] = [*data.maps, *data.teacher_vectors, tower.names.numpy()]
    for table in [*tables, *([] if data.captions is None else [data.captions])]:
        digest.update(np.ascontiguousarray(table[:: max(1, len(table) // 100)]).tobytes())
    return digest.hexdigest()
