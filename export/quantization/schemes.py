"""Quantization schemes: ways to store the weights of a float graph in fewer bits, and how to apply one."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types import Feed


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """One way to store weights, and how close to the float reference it must stay."""

    name: str
    precision: str
    """What the manifest says of it."""
    quantized: bool = True
    per_channel: bool = True
    reduce_range: bool = True
    """7-bit weights: on x86 without VNNI, products of 8-bit numbers saturate in pairs and results differ."""
    operators: tuple[str, ...] | None = None
    """ONNX operators whose weights are quantized; ``None``: all that onnxruntime can, but convolutions."""
    keep_float: tuple[str, ...] = ()
    """Names of nodes of the float graph whose weights stay as they are."""
    portable: bool = True
    """Whether every processor gives the same vectors, up to rounding."""
    smoothing: float = 0.0
    """SmoothQuant: how strongly outliers of activations are levelled first, 0 (not) to 1; see :mod:`.smoothing`."""
    least_cosine: float
    """Every golden vector must be at least this close to the reference."""
    least_mean_cosine: float
    """Vectors of ordinary texts must be at least this close on average."""

    @property
    def tolerance(self) -> dict[str, float]:
        """What the manifest allows when golden inputs are replayed; how far from its own vectors is measured."""
        return {"reference": self.least_cosine}


FLOAT32 = Scheme(
    name="float32",
    precision="float32",
    quantized=False,
    least_cosine=1 - 1e-9,
    least_mean_cosine=1 - 1e-9,
)
INT8 = Scheme(
    name="int8",
    precision="int8 dynamic, per channel, 7-bit",
    smoothing=0.5,
    least_cosine=0.95,
    least_mean_cosine=0.985,
)
INT8_8BIT = replace(
    INT8,
    name="int8-8bit",
    precision="int8 dynamic, per channel, 8-bit",
    reduce_range=False,
    portable=False,
)
INT8_TABLE = Scheme(
    name="int8-table",
    precision="tables int8, products float32",
    operators=("EmbedLayerNormalization", "Gather"),
    # Nothing saturates where nothing is multiplied.
    reduce_range=False,
    least_cosine=0.98,
    least_mean_cosine=0.995,
)
SCHEMES = {scheme.name: scheme for scheme in (FLOAT32, INT8, INT8_8BIT, INT8_TABLE)}


def quantize(
    graph: Path,
    out: Path,
    scheme: Scheme,
    calibration: Sequence[Feed] = (),
    *,
    fusions: Collection[str] | None = None,
) -> None:
    """Store the weights of a float graph, optimise again and :func:`.fuse`.

    Args:
        graph: an optimised float graph.
        out: file to write.
        scheme: how weights are stored.
        calibration: ordinary inputs, from which the ranges of activations are learnt; none: nothing is smoothed.
        fusions: names of those that were proved for the float graph; ``None``: all that can be found.

    Quantizing *after* the float graph was optimised leaves bias and GELU in one operator, which measured some
    15 % more tokens a second than the other order (MiniLM-L6), and quantizing a fused attention (``QAttention``) some
    10 % fewer. Size and closeness are the same in all three. So attention is fused last.
    """
    from ..graphs.fuse import fuse
    from ..graphs.optimize import save_optimized
    from .smoothing import smooth

    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        smoothed, raw, optimized = (Path(folder, f"{name}.onnx") for name in ("smoothed", "quantized", "optimized"))
        if scheme.quantized:
            smooth(graph, smoothed, calibration, strength=scheme.smoothing if calibration else 0)
            quantize_weights(smoothed, raw, scheme)
        save_optimized(raw if scheme.quantized else graph, optimized)
        fuse(optimized, out, only=fusions)


def quantized_operators(scheme: Scheme) -> list[str]:
    """The ONNX operators whose weights ``scheme`` quantizes, sorted."""
    from onnxruntime.quantization.registry import IntegerOpsRegistry

    # A convolution would get one scale for all its filters, whose sizes differ much where they look at patches.
    return sorted({*IntegerOpsRegistry} - {"Conv"} if scheme.operators is None else scheme.operators)


def quantize_weights(graph: Path, out: Path, scheme: Scheme, *, only: Sequence[str] = ()) -> None:
    """:func:`quantize` without what comes before and after it: no smoothing, no optimising.

    Args:
        graph: an optimised float graph.
        out: file to write.
        scheme: how weights are stored.
        only: names of the nodes to quantize; empty: all that ``scheme`` quantizes.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with quiet_onnxruntime():
        quantize_dynamic(
            graph,
            out,
            per_channel=scheme.per_channel,
            reduce_range=scheme.reduce_range,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=quantized_operators(scheme),
            nodes_to_quantize=list(only),
            nodes_to_exclude=list(scheme.keep_float),
            # Shape inference does not know the fused operators: every tensor without a type is float.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )


@contextlib.contextmanager
def quiet_onnxruntime() -> Iterator[None]:
    """Silence onnxruntime's quantizer: on stdout and the root logger it advises to preprocess, which was done.

    On stderr it warns of unused constants in the graphs that it opens meanwhile.
    """
    import onnxruntime

    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    onnxruntime.set_default_logger_severity(4)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
        onnxruntime.set_default_logger_severity(2)  # as it is by default; it does not tell
