"""A text encoder's folder to a proved bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeembed.bundle import Bundle, TextSection

from .comparison import Comparison
from .evaluate import Scores
from .golden import TextReference, background_texts
from .precision import Tolerance, choice_remark, closeness_table, compare_and_choose
from .quantize import INT8, Scheme, quantize
from .seal import TEXT_GRAPH, TOKENIZER, Facts, seal_text
from .source import Source
from .teacher import open_text
from .tokenizer import bundle_tokenizer
from .verify import Verification

LIBRARIES = (
    "edgeembed",
    "numpy",
    "onnx",
    "onnxruntime",
    "optimum",
    "optimum-onnx",
    "tokenizers",
    "torch",
    "transformers",
)
"""Distributions whose versions decide the bytes of a bundle."""

_POOLING = "The source names no pooling; the mean over all tokens was taken."


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a person may say about any bundle beyond what the source's own files say."""

    name: str | None = None
    """``None``: the name of the folder that is written."""
    version: str = "1"
    source_id: str | None = None
    license: str | None = None
    """SPDX expression; ``None``: as the source states it."""
    training_data: Sequence[Mapping[str, str]] | None = None
    """``None``: the sets that the source's card names."""
    scheme: Scheme = INT8


@dataclass(frozen=True, kw_only=True)
class TextRecipe(Recipe):
    """What may be said about a bundle with a text tower."""

    max_tokens: int | None = None
    """``None``: as the source states it."""
    tolerance: Tolerance | None = None
    """Measure several schemes and take the smallest that stays inside this; ``None``: :attr:`scheme` is taken."""


@dataclass(frozen=True)
class Exported:
    """A bundle that was written, and what was found about it."""

    bundle: Bundle
    verification: Verification
    scores: Mapping[str, Scores]
    """Column title to scores; empty if nothing was measured."""
    notes: Sequence[str] = ()
    """What the user should know of what was left out or assumed."""


def export_text(source: str | Path, out: Path, recipe: TextRecipe, *, data: Path | None = None) -> Exported:
    """Make a bundle from a text encoder.

    Args:
        source: local folder in the Hugging Face or sentence-transformers layout, or a Hub name.
        out: bundle folder to write; an earlier bundle there is replaced.
        recipe: what is said in place of the source's own files.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
    """
    facts = open_text(source, source_id=recipe.source_id, max_tokens=recipe.max_tokens)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from .reference import TorchReference
    from .to_onnx import text_graph

    reference = TorchReference(facts)
    dim = reference.dim
    section = TextSection(
        graph=TEXT_GRAPH,
        tokenizer=TOKENIZER,
        max_tokens=facts.max_tokens,
        query_prefix=facts.query_prefix,
        document_prefix=facts.document_prefix,
    )
    with tempfile.TemporaryDirectory() as scratch:
        float_graph = Path(scratch, "float.onnx")
        text_graph(reference.model, facts.stages, dim, float_graph)
        stored = _stored(float_graph, Path(scratch), reference, recipe)
        tokenizer = bundle_tokenizer(reference.tokenizer.backend_tokenizer, lowercase=facts.lowercase)
        measure = Comparison(data, texts=reference.embed)
        remarks = [*([] if facts.pooling_stated else [_POOLING]), *stored.remarks]
        bundle, verification = seal_text(
            out,
            facts=bundle_facts(facts, recipe, out, dim, remarks=remarks),
            section=section,
            graph=stored.graph,
            tokenizer=tokenizer,
            reference=reference,
            scheme=stored.scheme,
            dim=dim,
            measure=measure,
        )
        return Exported(bundle, verification, measure.scores, stored.notes)


@dataclass(frozen=True)
class _Stored:
    """The graph of a bundle to be."""

    graph: Path
    scheme: Scheme
    remarks: Sequence[str] = ()
    notes: Sequence[str] = ()


def _stored(float_graph: Path, scratch: Path, reference: TextReference, recipe: TextRecipe) -> _Stored:
    """Store the weights as the recipe says, or as measurement chooses."""
    if recipe.tolerance is None:
        graph = scratch / TEXT_GRAPH
        ids = reference.token_ids(background_texts())
        quantize(float_graph, graph, recipe.scheme, [feed(row) for row in ids])
        return _Stored(graph, recipe.scheme)
    comparing, chosen = compare_and_choose(float_graph, scratch, reference, feed, recipe.tolerance)
    remark = choice_remark(comparing.measured, chosen, recipe.tolerance)
    return _Stored(chosen.graph, chosen.scheme, [remark], [closeness_table(comparing, chosen)])


def feed(ids: Sequence[int]) -> dict[str, npt.NDArray[np.int64]]:
    """What a graph takes of one text."""
    row = np.array([ids], np.int64)  # (1, T)
    return {"input_ids": row, "attention_mask": np.ones_like(row)}


def bundle_facts(
    source: Source,
    recipe: Recipe,
    out: Path,
    dim: int,
    *,
    libraries: Sequence[str] = LIBRARIES,
    remarks: Sequence[str] = (),
) -> Facts:
    """What the bundle ``out`` says of itself, after its source and its recipe."""
    license_id = recipe.license or source.license or "NOASSERTION"
    return Facts(
        name=recipe.name or out.name,
        version=recipe.version,
        space=f"{source.id}@{source.weights_sha256[:12]}/{dim}",
        source={"id": source.id, "revision": source.revision, "weights_sha256": source.weights_sha256},
        license=license_id,
        license_text=license_text(source, license_id),
        training_data=recipe.training_data if recipe.training_data is not None else source.training_data,
        libraries=libraries,
        remarks=remarks,
    )


def license_text(source: Source, license_id: str) -> str:
    """The text for a bundle's ``LICENSE``: the source's own file, or else what is known."""
    for path in sorted(source.path.glob("LICENSE*")):
        return path.read_text(encoding="utf-8", errors="replace")
    if license_id == "Apache-2.0":
        return (files(__package__) / "data" / "LICENSE.Apache-2.0").read_text(encoding="utf-8")
    if license_id == "NOASSERTION":
        return f"The source, {source.id}, states no licence for its weights.\n"
    return f"SPDX-License-Identifier: {license_id}\n\nAs stated by the source of the weights, {source.id}.\n"
