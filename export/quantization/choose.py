"""Choose by measurement how the graph of a tower stores its weights: the smallest that stays close enough.

What is chosen depends on sizes and cosines alone, never on speed, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeembed.maintenance.check_bundle import cosines

from ..errors import ExportError
from ..evaluation.evaluate import Scores
from ..graphs.run import GraphVectors, speeds
from ..types import Feed, Vectors
from .schemes import INT8, SCHEMES, Scheme, quantize
from .sensitivity import Sensitivity, quantizable, sensitivities

DEFAULT_SCHEMES = ("float32", "int8", "int8-8bit", "int8-table", "int8-float1", "int8-float4", "int8-float8")
"""Names of the schemes that are compared unless others are named, as far as a graph has what they quantize."""
AUTO = "auto"
"""Stands for the scheme that measurement chooses, where a person names one."""
_PLAIN = tuple(name for name in DEFAULT_SCHEMES if name in SCHEMES and SCHEMES[name].portable)
_MIXTURES = tuple(name for name in DEFAULT_SCHEMES if name not in SCHEMES)
"""Together the schemes among which is chosen while a bundle is made."""
_MIXED = re.compile(r"int8-float([1-9]\d*)")
_SAMPLE = 4
"""Sensitivities are measured on every fourth of the ordinary inputs: there are dozens of them to measure."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Limits of the cosine to the float model."""

    mean: float = 0.99
    """Least mean cosine of ordinary texts, or images."""
    least: float = 0.95
    """Least cosine of any, ordinary or golden."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A scheme, and measurements of the graph that it gives."""

    scheme: Scheme
    graph: Path
    size_bytes: int
    """Of the graph."""
    mean: float
    """Mean cosine of ordinary inputs to the reference."""
    least: float
    """Least cosine of any input, ordinary or golden."""
    scores: Scores
    """Empty if no evaluation set was given."""
    per_second: float | None = None
    """How many of :attr:`SchemeInputs.unit`, on one thread, beside the others; ``None``: not measured."""

    def inside(self, tolerance: Tolerance) -> bool:
        """Whether it is close enough, for ``tolerance`` and for the proof that its bundle will have to stand."""
        mean = max(tolerance.mean, self.scheme.least_mean_cosine)
        return self.mean >= mean and self.least >= max(tolerance.least, self.scheme.least_cosine)

    def as_data(self, unit: str) -> dict[str, object]:
        """Its row of the table, as JSON knows it; ``unit`` is what speed is counted in."""
        return {
            "scheme": self.scheme.name,
            "precision": self.scheme.precision,
            "kept_float": list(self.scheme.keep_float),
            "size_bytes": self.size_bytes,
            "cosine_mean": round(self.mean, 6),
            "cosine_least": round(self.least, 6),
            "scores": self.scores,
            f"{unit}_per_second": None if self.per_second is None else round(self.per_second, 1),
        }


@dataclass(frozen=True)
class Comparison:
    """Measurements of several schemes for one graph."""

    what: str
    unit: str
    """As :class:`SchemeInputs` has them."""
    measured: tuple[Measured, ...]
    sensitivities: tuple[Sensitivity, ...]
    """The costliest first; empty if no scheme needs them."""


def compare_schemes(
    inputs: SchemeInputs,
    scratch: Path,
    *,
    schemes: Sequence[str] = (),
    score: Callable[[GraphVectors], Scores] | None = None,
    speed: bool = False,
) -> Comparison:
    """Store one float graph by several schemes, and measure each against the float model.

    Args:
        inputs: the graph and its inputs.
        scratch: folder for the graphs, which stay there.
        schemes: keys of :data:`.schemes.SCHEMES`, or ``int8-floatN``: int8, but the N products and tables
            that cost most closeness for each byte that quantizing them saves stay float32. Empty: those of
            :data:`DEFAULT_SCHEMES` that change this graph.
        score: measures each graph on data sets besides.
        speed: whether to measure speed.

    Raises:
        ExportError: a scheme is unknown, or ``score`` cannot be measured.
    """
    schemes = schemes or suited(inputs, DEFAULT_SCHEMES)
    check_names(schemes)
    ranking: list[Sensitivity] = []
    if any(_MIXED.fullmatch(name) for name in schemes):
        ranking = sensitivities(inputs.graph, INT8, inputs.ordinary[::_SAMPLE], calibration=inputs.calibration)
    measured, graphs = [], {}
    for name in schemes:
        scheme, path = named_scheme(name, ranking), scratch / f"{inputs.what}-{name}.onnx"
        quantize(inputs.graph, path, scheme, inputs.calibration, fusions=inputs.fusions)
        graph = graphs[name] = GraphVectors(path)
        cosine = cosines(graph([*inputs.ordinary, *inputs.golden]), inputs.reference_vectors)
        one = _measure(scheme, path, cosine, len(inputs.ordinary))
        measured.append(one if score is None else replace(one, scores=score(graph)))
    if speed:
        per_second = speeds(graphs, inputs.timed, inputs.units)
        measured = [replace(one, per_second=per_second[one.scheme.name]) for one in measured]
    return Comparison(inputs.what, inputs.unit, tuple(measured), tuple(ranking))


def compare_and_choose(inputs: SchemeInputs, scratch: Path, tolerance: Tolerance) -> tuple[Comparison, Measured]:
    """The portable ones of :data:`DEFAULT_SCHEMES`, and what :func:`choose` takes; arguments are of both.

    Sensitivities take longest, and a mixture of int8 and float32 is larger than int8. So mixtures are measured only
    where int8 is not close enough.
    """
    comparison = compare_schemes(inputs, scratch, schemes=suited(inputs, _PLAIN))
    chosen = choose(comparison.measured, tolerance)
    if chosen.scheme == INT8:
        return comparison, chosen
    more = compare_schemes(inputs, scratch, schemes=_MIXTURES)
    comparison = replace(more, measured=(*comparison.measured, *more.measured))
    return comparison, choose(comparison.measured, tolerance)


def suited(inputs: SchemeInputs, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that change the graph, and float32: a tower for images has no tables, for example."""
    schemes = [(name, named_scheme(name, ())) for name in names]
    return [name for name, scheme in schemes if not scheme.quantized or quantizable(inputs.graph, scheme)]


def choose(measured: Sequence[Measured], tolerance: Tolerance) -> Measured:
    """The smallest that is close enough; of equally small ones the closest.

    Schemes that give other answers on other processors are never chosen, and float32 always may be: nothing is closer.

    Raises:
        ExportError: none is close enough, and float32 is not among them.
    """
    able = [one for one in measured if one.scheme.portable and (one.inside(tolerance) or not one.scheme.quantized)]
    if not able:
        raise ExportError(
            f"none of {', '.join(one.scheme.name for one in measured)} has a mean cosine of at least {tolerance.mean} "
            f"and none below {tolerance.least}; let float32 be among the schemes, or give lower tolerances"
        )
    return min(able, key=lambda one: (one.size_bytes, -one.mean, one.scheme.name))


def check_names(names: Sequence[str]) -> None:
    """Refuse names of schemes that do not exist, and none at all."""
    for name in names:
        if name not in SCHEMES and not _MIXED.fullmatch(name):
            raise ExportError(f"no scheme is called {name!r}; there are {', '.join(SCHEMES)} and int8-floatN")
    if not names or len(set(names)) < len(names):
        raise ExportError("name at least one scheme, and none twice")


def named_scheme(name: str, ranking: Sequence[Sensitivity]) -> Scheme:
    """The scheme of a name that :func:`check_names` accepts; ``ranking`` tells what is most sensitive."""
    mixed = _MIXED.fullmatch(name)
    if mixed is None:
        return SCHEMES[name]
    dearest = sorted(ranking, key=lambda item: (-item.cost / item.weight_bytes, item.node))
    nodes = tuple(item.node for item in dearest[: int(mixed[1])])
    matrices = "matrix" if len(nodes) == 1 else "matrices"
    precision = f"{INT8.precision}, {len(nodes)} {matrices} float32"
    return replace(INT8, name=name, precision=precision, keep_float=nodes)


def closeness_table(comparison: Comparison, chosen: Measured | None = None) -> str:
    """What was measured as text, a line for each scheme; the chosen one is marked."""
    rows = [_cells(one, comparison.unit, one is chosen) for one in comparison.measured]
    titles = list(rows[0])
    widths = {title: max(len(title), *(len(row[title]) for row in rows)) for title in titles}
    lines = [dict(zip(titles, titles, strict=True)), *rows]
    first = titles[0]
    return "\n".join(
        " ".join([row[first].ljust(widths[first]), *(row[title].rjust(widths[title] + 1) for title in titles[1:])])
        for row in lines
    )


def _cells(one: Measured, unit: str, chosen: bool) -> dict[str, str]:
    cells = {
        "scheme": one.scheme.name + (" *" if chosen else ""),
        "MB": f"{one.size_bytes / 1e6:.1f}",
        "cosine mean": f"{one.mean:.4f}",
        "least": f"{one.least:.4f}",
    }
    for name, measures in one.scores.items():
        cells |= {f"{name} {measure}": f"{value:.2f}" for measure, value in measures.items()}
    if one.per_second is not None:
        cells[f"{unit}/s"] = f"{one.per_second:.{0 if one.per_second >= 100 else 1}f}"
    return cells


def _measure(scheme: Scheme, path: Path, cosine: npt.NDArray[np.float64], ordinary: int) -> Measured:
    mean, least = float(np.mean(cosine[:ordinary])), float(np.min(cosine))
    return Measured(scheme=scheme, graph=path, size_bytes=path.stat().st_size, mean=mean, least=least, scores={})


def choice_remark(comparison: Comparison, chosen: Measured, tolerance: Tolerance, *, tower: str = "") -> str:
    """A sentence for the model card; ``tower`` names it where there are two."""
    tried = "; ".join(
        f"{one.scheme.name} {one.size_bytes / 1e6:.1f} MB, {one.mean:.4f} and {one.least:.4f}"
        for one in comparison.measured
    )
    whose = f" of the {tower} tower" if tower else ""
    return (
        f"How weights{whose} are stored was chosen by measurement: {chosen.scheme.name} is the smallest with a mean "
        f"cosine to the float model of at least {tolerance.mean} over ordinary {comparison.what} and no cosine below "
        f"{tolerance.least} (size of the graph, mean and least cosine: {tried})."
    )


def sensitivity_table(ranking: Sequence[Sensitivity], *, rows: int) -> str:
    """The most sensitive products and tables as text, a line each."""
    return "\n".join(
        f"{item.cost:.6f} {item.weight_bytes / 1e6:7.2f} MB  {item.operator} {item.node}" for item in ranking[:rows]
    )


def as_data(comparison: Comparison, chosen: Measured) -> Mapping[str, object]:
    """Everything that was measured, as JSON knows it."""
    return {
        "schemes": [one.as_data(comparison.unit) for one in comparison.measured],
        "chosen": chosen.scheme.name,
        "sensitivities": [
            {"node": item.node, "operator": item.operator, "weight_bytes": item.weight_bytes, "cost": item.cost}
            for item in comparison.sensitivities
        ],
    }


@dataclass(frozen=True, kw_only=True)
class SchemeInputs:
    """A float graph with inputs and reference vectors, by which quantized forms of it are measured."""

    graph: Path
    """An optimised float graph."""
    what: str
    """``texts`` or ``pictures``."""
    unit: str
    """What speed is counted in: ``tokens`` or ``pictures``."""
    ordinary: Sequence[Feed]
    golden: Sequence[Feed]
    reference_vectors: Vectors
    """What the float model makes of the ordinary inputs, then of the golden ones, float32 ``(N, dim)``."""
    calibration: Sequence[Feed]
    """Ordinary inputs, from which the ranges of activations are learnt."""
    timed: Sequence[Feed]
    """Inputs of a usual length, to measure speed on."""
    units: int
    """How many ``unit`` are in ``timed``."""
    fusions: Collection[str] | None = None
    """As :func:`.schemes.quantize` takes them."""
