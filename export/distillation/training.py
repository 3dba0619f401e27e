"""Training loop of distillation: batches, losses, learning rate, checkpoints, log."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..errors import ExportError
from .teacher_vectors import Ids, batches

LOG = "log.jsonl"
CHECKPOINT = "checkpoint.pt"
_POOL = 32
"""Length bucketing: so many batches' worth of texts, drawn at random, are sorted by length together."""
Evaluate = Callable[[torch.nn.Module], Mapping[str, float]]
Losses = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Schedule of a training: steps, learning rate (AdamW), logging."""

    steps: int
    learning_rate: float
    """Peak learning rate (AdamW): linear warm-up, then linear decay to 0."""
    warmup: float = 0.05
    """Warm-up, as a share of the steps."""
    weight_decay: float = 0.0
    bfloat16: bool = False
    """Compute in bfloat16 where torch's autocast thinks it safe; weights stay float32."""
    seed: int = 0
    log_every: int = 20
    evaluate_every: int = 200
    """Steps between evaluations and checkpoints."""


@dataclass(frozen=True, kw_only=True)
class Plan(Schedule):
    """How a student is trained."""

    batch_texts: int
    batch_tokens: int | None = None
    """Most tokens in a batch, padding counted, of texts of like length; ``None``: batches of ``batch_texts``, mixed."""
    relation: float = 0.0
    """Weight of the loss on similarities within a batch, see :func:`losses`."""


def losses(vectors: torch.Tensor, targets: torch.Tensor, *, relation: float) -> dict[str, torch.Tensor]:
    """Distillation losses: cosine distance to the teacher's vectors, and the relational loss on similarities.

    The second is the mean squared difference of the cosines of any two texts of the batch, so that the student agrees
    with the teacher about which texts are alike (relational distillation: Park et al. 2019,
    https://arxiv.org/abs/1904.05068).

    Args:
        vectors: the student's, (B, dim), of length 1.
        targets: the teacher's, likewise.
        relation: weight of the second.

    Returns:
        ``vector`` (1 - mean cosine), ``relation`` and their weighted sum, ``loss``.
    """
    vector = 1 - (vectors * targets).sum(dim=1).mean()
    if not relation or len(vectors) < 2:
        return {"loss": vector, "vector": vector}
    difference = vectors @ vectors.T - targets @ targets.T  # (B, B)
    # The diagonals are 1 and 1: only the others count.
    between = difference.square().sum() / (len(vectors) * (len(vectors) - 1))
    return {"loss": vector + relation * between, "vector": vector, "relation": between}


def train(
    student: torch.nn.Module,
    ids: Ids,
    targets: npt.NDArray[np.float16],
    plan: Plan,
    folder: Path,
    *,
    evaluate: Evaluate | None = None,
    stop_after: int | None = None,
) -> None:
    """Train ``student`` in place, going on from the last checkpoint in ``folder`` if there is one.

    Args:
        student: takes token ids of B texts, gives vectors of length 1, (B, dim).
        ids: token ids of all texts.
        targets: the teacher's vectors of the same texts, (N, dim).
        plan: how.
        folder: gets ``checkpoint.pt`` and ``log.jsonl``, one object a line: ``step``, ``seconds`` of training so far,
            and losses (means since the last line) or scores.
        evaluate: scores of the student, taken before the first step and every ``plan.evaluate_every`` steps.
        stop_after: end at this step as if interrupted; ``None``: train to the end.

    Raises:
        ExportError: the checkpoint is of another plan, student or corpus.
    """
    # Torch's fused Adam takes one pass over the weights where the plain one takes several.
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )

    def learn(step: int) -> Iterator[Losses]:
        for number, rows in enumerate(_from(step, plan, ids), step):
            yield _step(student, optimizer, [ids[i] for i in rows], targets[rows], plan, number)

    measure = None if evaluate is None else partial(evaluate, student)
    run_steps(student, optimizer, plan, _key(plan, student, targets), folder, learn, measure, stop_after)


def run_steps(
    state: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: Schedule,
    key: str,
    folder: Path,
    learn: Callable[[int], Iterator[Losses]],
    measure: Callable[[], Mapping[str, float]] | None,
    stop_after: int | None,
) -> None:
    """Take steps from the last checkpoint in ``folder`` on, if there is one, and write log and checkpoints.

    Args:
        state: weights that checkpoints keep.
        optimizer: its state is kept too.
        plan: how many steps, and how often something is written.
        key: changes with anything that a checkpoint depends on.
        folder: as :func:`train` has it.
        learn: takes one step after the other, without end, from the one with the given number on; gives their losses.
        measure: scores, taken before the first step and every ``plan.evaluate_every`` steps; ``None``: none.
        stop_after: end at this step as if interrupted; ``None``: go on to the end.

    Raises:
        ExportError: the checkpoint has another key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    step, seconds = load_checkpoint(folder, key, state, optimizer)
    log = TrainingLog(folder / LOG, step, seconds)
    if step == 0 and measure is not None:
        log.write(step, measure())
    end = plan.steps if stop_after is None else min(plan.steps, stop_after)
    for step_losses in islice(learn(step), max(0, end - step)):
        step += 1
        log.add(step_losses)
        if step % plan.log_every == 0:
            log.flush(step)
        if step % plan.evaluate_every == 0 or step == plan.steps:
            if measure is not None:
                log.write(step, measure())
            save_checkpoint(folder, key, state, optimizer, step, log.seconds)


def _step(
    student: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    ids: Ids,
    targets: npt.NDArray[np.float16],
    plan: Plan,
    step: int,
) -> dict[str, torch.Tensor]:
    student.train()
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate * learning_rate_share(step, steps=plan.steps, warmup=plan.warmup)
    device = next(student.parameters()).device
    with torch.autocast(device.type, torch.bfloat16) if plan.bfloat16 else contextlib.nullcontext():
        vectors = student(ids)
    teacher = torch.nn.functional.normalize(torch.from_numpy(targets).to(device).float(), dim=1)
    values = losses(vectors.float(), teacher, relation=plan.relation)
    optimizer.zero_grad(set_to_none=True)
    values["loss"].backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimizer.step()
    return {name: value.detach() for name, value in values.items()}


def learning_rate_share(step: int, *, steps: int, warmup: float) -> float:
    """Learning rate as a share of its peak: linear warm-up for the share ``warmup`` of all steps, then linear decay."""
    first = max(1, round(steps * warmup))
    return min((step + 1) / first, (steps - step) / max(1, steps - first))


def _from(step: int, plan: Plan, ids: Ids) -> Iterator[list[int]]:
    """Batches from number ``step`` on, without end; which they are depends on the seed and the texts alone."""
    lengths = np.array([len(row) for row in ids])
    epoch, number = 0, 0
    while True:
        for rows in _epoch(plan, lengths, epoch):
            if number >= step:
                yield rows
            number += 1
        epoch += 1


def _epoch(plan: Plan, lengths: npt.NDArray[np.int64], epoch: int) -> list[list[int]]:
    rng = np.random.default_rng([plan.seed, epoch])
    order = rng.permutation(len(lengths))
    size = plan.batch_texts
    if plan.batch_tokens is None:
        return [order[start : start + size].tolist() for start in range(0, len(order), size)]
    chunks = []
    for start in range(0, len(order), size * _POOL):
        pool = order[start : start + size * _POOL]
        for rows in batches(lengths[pool].tolist(), tokens=plan.batch_tokens, texts=size):
            chunks.append(pool[rows].tolist())
    return [chunks[i] for i in rng.permutation(len(chunks))]


def _key(plan: Plan, student: torch.nn.Module, targets: npt.NDArray[np.float16]) -> str:
    """Digest of all that a checkpoint depends on."""
    shapes = {name: list(value.shape) for name, value in student.state_dict().items()}
    content = json.dumps([asdict(plan), shapes, list(targets.shape)], sort_keys=True).encode()
    return hashlib.sha256(content + targets[:: max(1, len(targets) // 1000)].tobytes()).hexdigest()


def load_checkpoint(
    folder: Path, key: str, student: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Step and seconds of the checkpoint, which is loaded; zeros if there is none."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, weights_only=True, map_location=next(student.parameters()).device)
    if state["key"] != key:
        raise ExportError(
            f"{path}: belongs to another recipe, teacher or corpus; remove it to begin anew, or give another --out"
        )
    student.load_state_dict(state["student"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])


def save_checkpoint(
    folder: Path, key: str, student: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    """Write what :func:`load_checkpoint` reads."""
    state = {
        "key": key,
        "step": step,
        "seconds": seconds,
        "student": student.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    partial = folder / f"{CHECKPOINT}.part"
    torch.save(state, partial)
    partial.replace(folder / CHECKPOINT)  # an interruption leaves the last one whole


class TrainingLog:
    """Lines of JSON; those after the checkpoint that training goes on from are dropped."""

    def __init__(self, path: Path, step: int, seconds: float) -> None:
        lines = read_log(path) if path.is_file() and step else []
        remaining = [json.dumps(line) + "\n" for line in lines if line["step"] <= step]
        path.write_text("".join(remaining), encoding="utf-8")
        self._path = path
        self._begun = time.perf_counter() - seconds
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def add(self, losses: Mapping[str, torch.Tensor]) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._count += 1

    def flush(self, step: int) -> None:
        means = {name: round(float(value) / self._count, 6) for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        self.write(step, means)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "seconds": round(self.seconds, 1), **values}) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a training log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
