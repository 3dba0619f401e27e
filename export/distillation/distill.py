"""Distil a student from a teacher: corpus, teacher's vectors, training, proved bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from edgeembed import Embedder

from ..errors import ExportError
from ..evaluation.datasets import SIMILARITY, find_sets
from ..evaluation.text_tasks import similarity
from ..references.text import TorchReference
from ..sealing.pipeline import Exported
from ..sources.text_source import open_text
from ..sources.tokenizer import bundle_tokenizer
from ..types import HalfVectors
from .bundle import StudentModel, StudentReference, seal_student
from .corpus import read_corpus
from .recipe import Characters, DistillRecipe, Static
from .students.characters import CharacterStudent, character_student
from .students.layers import LayerStudent, layer_student, prune_tokenizer
from .students.static import StaticStudent, static_student
from .teacher_vectors import Ids, Teacher, bundle_teacher, teacher_vectors, torch_teacher
from .training import LOG, train
from .training_curves import draw_training


def distill(
    source: str | Path,
    data: Path,
    out: Path,
    recipe: DistillRecipe,
    *,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Make the bundle ``out / recipe.name`` from a teacher; training goes on from where it was interrupted.

    Args:
        source: the teacher, as :func:`~edgeembed_export.sources.text_source.open_text` takes it.
        data: folder with training texts in ``text`` and, where it has them, evaluation sets in ``eval``.
        out: folder for the bundle, and beside it the checkpoint, ``log.jsonl`` and ``curves.png``.
        recipe: how.
        cache: folder of the teacher's vectors, which may serve several recipes; ``None``: ``out / "teacher"``.
        say: told what is being done.

    Raises:
        ExportError: teacher, data or checkpoint do not fit the recipe, or the bundle departs from the student.
    """
    prepared = prepare(source, data, recipe, limit=recipe.texts, cache=cache or out / "teacher", say=say)
    model, ids = build_student(prepared.teacher, prepared.texts, recipe)
    folder = data / "eval"
    measure = partial(_dev_scores, model.reference, folder) if folder.is_dir() else None
    say("training")
    train(model.student, ids, prepared.vectors, recipe.plan, out, evaluate=measure)
    draw_training(out / LOG, out / "curves.png", title=recipe.name)
    say("sealing the bundle")
    evaluation = folder if folder.is_dir() else None
    return seal_student(
        model, prepared.teacher, out / recipe.name, recipe, vector_source=prepared.vector_source, data=evaluation
    )


@dataclass(frozen=True)
class Prepared:
    """What a student learns from."""

    teacher: TorchReference
    vector_source: Teacher
    """How the vectors were computed."""
    texts: list[str]
    vectors: HalfVectors
    """The teacher's, (N, dim)."""


def prepare(
    source: str | Path,
    data: Path,
    recipe: DistillRecipe,
    *,
    limit: int | None,
    cache: Path,
    say: Callable[[str], None],
) -> Prepared:
    """Open the teacher, read the corpus, and compute the teacher's vectors; parameters as :func:`distill` has them.

    ``limit``: so many texts are enough; ``None``: all.
    """
    options = recipe.bundle
    teacher = TorchReference(open_text(source, source_id=options.source_id, max_tokens=options.max_tokens))
    texts = read_corpus(data, joined=recipe.joined, seed=recipe.plan.seed, sets=recipe.sets, limit=limit)
    say(f"{len(texts)} texts")
    vector_source = _teacher(teacher, recipe)
    vectors = teacher_vectors(
        vector_source, texts, cache, progress=lambda done: say(f"teacher's vectors: {done} of {len(texts)}")
    )
    return Prepared(teacher, vector_source, texts, vectors)


def _teacher(reference: TorchReference, recipe: DistillRecipe) -> Teacher:
    if recipe.teacher in ("float32", "bfloat16"):
        return torch_teacher(reference, bfloat16=recipe.teacher == "bfloat16")
    embedder = Embedder.load(recipe.teacher)
    if embedder.manifest.space != _space(reference):
        raise ExportError(
            f"{recipe.teacher} is of the space {embedder.manifest.space}, the teacher of {_space(reference)}"
        )
    return bundle_teacher(embedder)


def _space(reference: TorchReference) -> str:
    """The teacher's space, as manifests name it."""
    source = reference.source
    return f"{source.id}@{source.weights_sha256[:12]}/{reference.dim}"


def build_student(teacher: TorchReference, texts: Sequence[str], recipe: DistillRecipe) -> tuple[StudentModel, Ids]:
    """The student as it starts, and its token ids of all texts."""
    torch.manual_seed(recipe.plan.seed)
    tokenizer = bundle_tokenizer(teacher.tokenizer.backend_tokenizer, lowercase=teacher.source.lowercase)
    ids = _token_ids(tokenizer, texts, teacher.source.max_tokens)
    counts = np.bincount(np.concatenate(ids), minlength=int(teacher.model.config.vocab_size))
    student: StaticStudent | LayerStudent | CharacterStudent
    if isinstance(recipe.student, Static):
        student = static_student(teacher, ids, recipe.student.width)
    elif isinstance(recipe.student, Characters):
        student = character_student(tokenizer, counts, recipe.student, teacher.dim)
    else:
        tokenizer, token_ids = prune_tokenizer(tokenizer, counts, recipe.student.rows)
        student = layer_student(
            teacher,
            recipe.student.layers,
            token_ids=token_ids,
            positions=teacher.source.max_tokens,
            neurons=recipe.student.neurons,
        )
        ids = _token_ids(tokenizer, texts, teacher.source.max_tokens)
    student.to("cuda" if torch.cuda.is_available() else "cpu")
    return StudentModel(student, tokenizer, StudentReference(student, tokenizer, teacher.source)), ids


def _token_ids(tokenizer: bytes, texts: Sequence[str], max_tokens: int) -> Ids:
    """As arrays: lists of Python's numbers would take ten times the memory."""
    encoder = Tokenizer.from_str(tokenizer.decode())
    encoder.enable_truncation(max_tokens)
    rows: list[npt.NDArray[np.int32]] = []
    for start in range(0, len(texts), 4096):
        rows += [np.array(row.ids, np.int32) for row in encoder.encode_batch_fast(list(texts[start : start + 4096]))]
    return rows


def _dev_scores(reference: StudentReference, folder: Path, student: torch.nn.Module) -> dict[str, float]:
    """Of one similarity set, the first: a score that is looked at during training should take seconds."""
    sets = [item for item in find_sets([folder]) if item.task == SIMILARITY]
    dev = next((item for item in sets if "dev" in item.name), sets[0] if sets else None)
    return {} if dev is None else {f"{dev.name} spearman": similarity(reference.embed, dev)["spearman"]}
