"""Seal a trained student."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle
from edgeembed.bundle.manifest import TextSection
from edgeembed.embedder import Role
from edgeembed.maintenance.check_bundle import cosines

from ..evaluation.datasets import RETRIEVAL, find_sets
from ..evaluation.evaluate import Scores, evaluate
from ..graphs.transformer import text_graph
from ..quantization.schemes import INT8, Scheme, quantize
from ..references.text import TorchReference
from ..sealing.parts import TextPart
from ..sealing.pipeline import Exported, bundle_info
from ..sealing.proof.float_graph import prove_float
from ..sealing.proof.golden import background_texts
from ..sealing.seal import BundleInfo, prove
from ..sources.text_source import TextSource
from ..types import TEXT_GRAPH, TOKENIZER, Vectors
from .corpus import training_data
from .recipe import Characters, DistillRecipe, Static
from .students.characters import CharacterStudent, write_character_graph
from .students.layers import LayerStudent, plain_attention
from .students.static import StaticStudent, write_static_graph
from .teacher_vectors import Teacher, batches

STATIC_INT8 = Scheme(
    name="int8",
    precision="int8 table, scaled per token",
    least_cosine=0.999,
    least_mean_cosine=0.9995,
)


class StudentReference:
    """A student in torch, float32, from text to unit vector."""

    def __init__(self, student: torch.nn.Module, tokenizer: bytes, source: TextSource) -> None:
        """Use ``student`` with its own tokenizer; limit and prefixes are the teacher's."""
        self._student = student
        self._source = source
        self._tokenizer = Tokenizer.from_str(tokenizer.decode())
        self._tokenizer.enable_truncation(source.max_tokens)

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        """Token ids of each text, cut at the limit."""
        prefix = self._source.query_prefix if role == "query" else self._source.document_prefix
        return [list(row.ids) for row in self._tokenizer.encode_batch_fast([prefix + text for text in texts])]

    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1."""
        ids = self.token_ids(texts, role=role)
        vectors: Vectors | None = None
        self._student.eval()
        for rows in batches([len(row) for row in ids], tokens=8192, texts=256):
            with torch.inference_mode():
                batch_vectors = self._student([ids[i] for i in rows]).cpu().numpy()  # (B, dim)
            vectors = np.empty((len(texts), batch_vectors.shape[1]), np.float32) if vectors is None else vectors
            vectors[rows] = batch_vectors
        assert vectors is not None, "texts are never empty here"
        return vectors


@dataclass(frozen=True)
class StudentModel:
    """A student, before, while and after it is trained, with its tokenizer."""

    student: StaticStudent | LayerStudent | CharacterStudent
    tokenizer: bytes
    reference: StudentReference
    """The student itself, from text to vector."""


def seal_student(
    model: StudentModel,
    teacher: TorchReference,
    out: Path,
    recipe: DistillRecipe,
    *,
    vector_source: Teacher,
    data: Path | None,
) -> Exported:
    """Prove a trained student and write its bundle.

    Args:
        model: trained by now.
        teacher: what it is compared with in ``quality``.
        out: bundle folder; an earlier bundle there is replaced.
        recipe: how it was made.
        vector_source: how the teacher's vectors were computed.
        data: evaluation sets; ``None``: scores are not measured.

    Raises:
        ExportError: the bundle departs from the student.
    """
    model.student.to("cpu").eval()
    source, dim = teacher.source, teacher.dim
    section = TextSection(
        graph=TEXT_GRAPH,
        tokenizer=TOKENIZER,
        max_tokens=source.max_tokens,
        query_prefix=source.query_prefix,
        document_prefix=source.document_prefix,
    )
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        graph = scratch / TEXT_GRAPH
        part = _write_graph(
            TextPart(section=section, graph=graph, tokenizer=model.tokenizer, reference=model.reference),
            model.student,
            dim,
            name=recipe.name,
        )
        info = _info(source, recipe, out, dim, graph, vector_source.title)
        proved = prove(scratch, info=info, text=part, dim=dim)
        quality, scores = _measure(proved.bundle, teacher, vector_source, data)
        bundle = proved.write(out, quality)
    return Exported(bundle, proved.verification, scores)


def _measure(
    bundle: Bundle, teacher: TorchReference, vector_source: Teacher, data: Path | None
) -> tuple[dict[str, Any], dict[str, Scores]]:
    """What goes into ``quality``, and scores by column title; of scores nothing without ``data``."""
    scores: dict[str, Scores] = {}
    with Embedder(bundle) as embedder:
        quality: dict[str, Any] = {"cosine_to_teacher": _closeness(embedder, teacher)}
        if data is not None:
            scores["bundle"] = evaluate(lambda texts, role: embedder.embed_texts(texts, role=role), data)
            scores["teacher"] = _teacher_scores(teacher, vector_source, scores["bundle"], data)
            quality |= {"scores": scores["bundle"], "source_scores": scores["teacher"]}
            mixed = _mixed_scores(embedder, vector_source, data)
            if mixed:
                quality["mixed_scores"] = scores["queries on the teacher's documents"] = mixed
    return quality, scores


def _write_graph(part: TextPart, student: torch.nn.Module, dim: int, *, name: str) -> TextPart:
    """Write the student's graph to the file that ``part`` names; its scheme says how close it must be to the student.

    Raises:
        ExportError: the float graph is not the student.
    """
    if isinstance(student, StaticStudent):
        write_static_graph(student, part.graph, pad_id=part.section.pad_id)
        return replace(part, scheme=STATIC_INT8)
    whole = part.graph.with_name("float.onnx")
    if isinstance(student, CharacterStudent):
        write_character_graph(student, whole)
    else:
        assert isinstance(student, LayerStudent)
        text_graph(plain_attention(student), student.pooling, dim, whole)
    proof = prove_float(whole, part.proof_inputs(), model=name, max_tokens=part.section.max_tokens)
    quantize(whole, part.graph, INT8, part.calibration(), fusions=proof.fusions)
    return replace(part, scheme=INT8, float_proof=proof)


def _teacher_scores(teacher: TorchReference, vector_source: Teacher, measured: Scores, data: Path) -> Scores:
    """Scores of the float teacher: measured, unless its bundle states those of the same sets."""
    if all(name in vector_source.scores for name in measured):
        return {name: dict(vector_source.scores[name]) for name in measured}
    return evaluate(teacher.embed, data)


def _mixed_scores(embedder: Embedder, vector_source: Teacher, data: Path) -> Scores:
    """Mixed retrieval: the student embeds the queries, the teacher the documents."""
    sets = [item.name for item in find_sets([data]) if item.task == RETRIEVAL]

    def embed(texts: Sequence[str], role: Role) -> Vectors:
        return embedder.embed_texts(texts, role=role) if role == "query" else vector_source.embed(texts)

    return evaluate(embed, data, only=sets) if sets else {}


def _closeness(embedder: Embedder, teacher: TorchReference) -> dict[str, float]:
    """Cosine to the float teacher, over ordinary texts."""
    texts = background_texts()
    cosine = cosines(embedder.embed_texts(texts), teacher.embed(texts))
    return {"mean": round(float(cosine.mean()), 4), "least": round(float(cosine.min()), 4)}


def _info(
    source: TextSource, recipe: DistillRecipe, out: Path, dim: int, graph: Path, teacher_title: str
) -> BundleInfo:
    info = bundle_info(source, recipe.bundle, out, dim)
    # Another student, another space: what its graph hashes to tells them apart.
    own = f"{recipe.name}@{hashlib.sha256(graph.read_bytes()).hexdigest()[:12]}/{dim}"
    return replace(
        info,
        space=info.space if recipe.same_space else own,
        source={**info.source, "recipe": recipe.name, "seed": str(recipe.plan.seed)},
        training_data=[*info.training_data, *training_data(recipe.sets)],
        remarks=_remarks(recipe, teacher_title),
    )


def _remarks(recipe: DistillRecipe, teacher_title: str) -> list[str]:
    student, plan = recipe.student, recipe.plan
    if isinstance(student, Static):
        how = f"A table of {student.width} numbers a token, weighted, summed and projected; there is no transformer."
    elif isinstance(student, Characters):
        how = f"Convolutions over the characters of a token and a biLSTM of {student.hidden} over the tokens (ELMo)."
    else:
        how = f"Layers {', '.join(map(str, student.layers))} of the teacher, counted from 0, and a smaller vocabulary."
    return [
        how,
        f"Trained by the recipe {recipe.name}, seed {plan.seed}, for {plan.steps} steps against the teacher's vectors, "
        f"which were computed by {teacher_title}. `edgeembed-export distill --recipe {recipe.name}` makes it again.",
        *recipe.evidence,
    ]
