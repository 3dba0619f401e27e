"""Load a text encoder: its folder to the text tower of a bundle."""

from __future__ import annotations

from pathlib import Path

from edgeembed.bundle.manifest import TextSection

from ..sealing.options import BundleOptions
from ..sealing.parts import TextPart
from ..sealing.pipeline import LoadedModel
from ..sources.text_source import open_text
from ..sources.tokenizer import bundle_tokenizer
from ..types import TEXT_GRAPH, TOKENIZER

_POOLING = "The source names no pooling; the mean over all tokens was taken."


def load_text(location: str | Path, scratch: Path, options: BundleOptions) -> LoadedModel:
    """Load a text encoder, and write its float graph below ``scratch``.

    Raises:
        ExportError: the source is unsuitable.
    """
    source = open_text(location, source_id=options.source_id, max_tokens=options.max_tokens)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from ..graphs.transformer import text_graph
    from ..references.text import TorchReference

    reference = TorchReference(source)
    graph = scratch / "float-text.onnx"
    text_graph(reference.model, source.pooling, reference.dim, graph)
    part = TextPart(
        section=TextSection(
            graph=TEXT_GRAPH,
            tokenizer=TOKENIZER,
            max_tokens=source.max_tokens,
            query_prefix=source.query_prefix,
            document_prefix=source.document_prefix,
        ),
        graph=graph,
        tokenizer=bundle_tokenizer(reference.tokenizer.backend_tokenizer, lowercase=source.lowercase),
        reference=reference,
    )
    remarks = [] if source.pooling_stated else [_POOLING]
    return LoadedModel(source=source, dim=reference.dim, text=part, remarks=remarks)
