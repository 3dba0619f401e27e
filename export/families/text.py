"""A text encoder's folder to a proved bundle."""

from __future__ import annotations

from pathlib import Path

from edgeembed.bundle.manifest import TextSection

from ..sealing.parts import TextPart
from ..sealing.pipeline import Exported, FloatModel, TextRecipe, make_bundle
from ..sealing.proof.golden import background_texts, golden_texts
from ..sources.text_source import open_text
from ..sources.tokenizer import bundle_tokenizer
from ..types import TEXT_GRAPH, TOKENIZER

_POOLING = "The source names no pooling; the mean over all tokens was taken."


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
    return make_bundle(
        lambda scratch: load_text(source, scratch, source_id=recipe.source_id, max_tokens=recipe.max_tokens),
        out,
        recipe,
        data=data,
    )


def load_text(
    source: str | Path, scratch: Path, *, source_id: str | None = None, max_tokens: int | None = None
) -> FloatModel:
    """Load a text encoder, and write its float graph below ``scratch``.

    Raises:
        ExportError: the source is unsuitable.
    """
    facts = open_text(source, source_id=source_id, max_tokens=max_tokens)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from ..graphs.transformer import text_graph
    from ..references.text import TorchReference

    reference = TorchReference(facts)
    graph = scratch / "float-text.onnx"
    text_graph(reference.model, facts.stages, reference.dim, graph)
    part = TextPart(
        section=TextSection(
            graph=TEXT_GRAPH,
            tokenizer=TOKENIZER,
            max_tokens=facts.max_tokens,
            query_prefix=facts.query_prefix,
            document_prefix=facts.document_prefix,
        ),
        graph=graph,
        tokenizer=bundle_tokenizer(reference.tokenizer.backend_tokenizer, lowercase=facts.lowercase),
        reference=reference,
        golden=golden_texts(),
        background=background_texts(),
    )
    return FloatModel(source=facts, dim=reference.dim, text=part, remarks=[] if facts.pooling_stated else [_POOLING])
