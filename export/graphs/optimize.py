"""Graph optimisation by onnxruntime, ahead of time and for any processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

OPTIMIZERS = (
    "AttentionFusion",
    "BiasGeluFusion",
    "BiasSoftmaxFusion",
    "EmbedLayerNormFusion",
    "FastGeluFusion",
    "GatherSliceToSplitFusion",
    "GatherToSliceFusion",
    "GeluFusionL2",
    "LayerNormFusionL2",
    "MatMulActivationFusion",
    "MatMulScaleFusion",
    "MatmulTransposeFusion",
    "QuickGeluFusion",
    "SimplifiedLayerNormFusion",
    "SkipLayerNormFusion",
)
"""onnxruntime's names of what its extended level fuses in transformers, each of which can be left out by itself."""


def save_optimized(graph: Path, out: Path, *, fused: bool = True, without: Sequence[str] = ()) -> None:
    """Write ``graph`` optimised.

    onnxruntime's extended level and not all: the full level writes the memory layout of this very processor. Not
    ``fused``, its basic level: the operators stay those of ONNX itself, as tools that read graphs want them.

    Args:
        graph: file to read.
        out: file to write.
        fused: whether operators are fused.
        without: of :data:`OPTIMIZERS`, those that are left out.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if fused else levels.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(
        str(graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without)
    )


def plain_graph(graph: Path) -> Path:
    """The file beside an optimised graph that holds it as it was converted."""
    return graph.with_name(f"plain-{graph.name}")
