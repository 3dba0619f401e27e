"""Proof of a float graph: it gives the vectors of the model that it was converted from, at every length of input.

What is lost by storing weights in fewer bits hides what is lost by a wrong graph, so the graph is compared before. A
graph may be right for short texts only (local attention that became global), so texts go up to the limit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeembed.maintenance.check_bundle import cosines

from ...errors import ExportError
from ...graphs.optimize import OPTIMIZERS, plain_graph, save_optimized
from ...graphs.run import GraphVectors
from ...types import Feed, Vectors

if TYPE_CHECKING:
    from ...graphs.fuse import Fusions

LARGEST = 1e-5
"""Largest 1 - cosine to the model that is ever allowed."""
_LEAST = 1e-9
"""Allowed to any model: two orders of addition of a usual one are some 1e-12 apart."""
_ONE_ROUNDING = 6e-8
"""Relative size of jitter that rounds every weight once more: half of them become another number."""
_MARGIN = 10
"""Allowed is so many times what one more rounding of every weight does: large activations (MobileBERT) cost digits."""


@dataclass(frozen=True)
class ProofInputs:
    """Inputs of one length, and what the model makes of them."""

    label: str
    """The length, such as ``70 tokens``."""
    feeds: Sequence[Feed]
    reference: Vectors
    """Of the model in its original framework, one input at a time, ``(N, dim)``."""


@dataclass(frozen=True)
class FloatProof:
    """A float graph that was proved."""

    fusions: frozenset[str]
    """Names of the fusions that change nothing (:attr:`.fuse.Fusions.applied`)."""
    left_out: Mapping[str, str]
    """Fusions that would change vectors, with the reason."""
    departures: Mapping[str, float]
    """Largest 1 - cosine to the model, by label of the inputs; the graph is optimised and fused."""
    allowed: float
    """Largest 1 - cosine that passes: it follows the float noise of this model."""

    def note(self, what: str) -> str:
        """For the screen; ``what`` are the inputs."""
        figures = ", ".join(f"{value:.1g} at {label}" for label, value in self.departures.items())
        return "\n".join([f"float graph of {what} against the model, 1 - cosine: {figures}", *self._left_out(what)])

    def remarks(self, what: str) -> list[str]:
        """For the card, which names no figure that differs from processor to processor."""
        return [
            f"The float graph for {what} was compared with the model before its weights were stored, on inputs of "
            f"{', '.join(self.departures)}: 1 - cosine is at most {self.allowed:.0e}.",
            *self._left_out(what),
        ]

    def _left_out(self, what: str) -> list[str]:
        return [f"Not fused in the graph for {what}: {name} ({reason})." for name, reason in self.left_out.items()]


def prove_float(graph: Path, inputs: Sequence[ProofInputs], *, model: str, max_tokens: int | None) -> FloatProof:
    """Compare a float graph with its model, and leave out of it whatever makes it depart.

    Args:
        graph: optimised, with the graph as it was converted beside it (:func:`.optimize.plain_graph`); it is written
            anew where one of onnxruntime's fusions is wrong for it.
        inputs: of every length that matters.
        model: what it is called, for the message.
        max_tokens: limit of tokens; ``None``: it takes none.

    Raises:
        ExportError: the converted graph itself departs; the message says by how much, and at which length.
    """
    proof = _Proof(graph, inputs, model, max_tokens)
    if proof.departs:
        proof.leave_out_optimizers()
    return proof.fused()


class _Proof:
    def __init__(self, graph: Path, inputs: Sequence[ProofInputs], model: str, max_tokens: int | None) -> None:
        self._graph, self._inputs, self._model, self._max_tokens = graph, inputs, model, max_tokens
        vectors = self._vectors(graph)
        self._allowed = self._noise_allowed(vectors)
        self._left_out: dict[str, str] = {}
        self.departs = bool(_faults(self._distances(vectors), self._allowed))
        """Whether the optimised graph departs too far."""

    def _noise_allowed(self, exact: Mapping[str, Vectors]) -> float:
        import onnx  # commands that show help do without it

        from ...graphs.jitter import jitter

        noisy = self._graph.with_name(f"noisy-{self._graph.name}")
        model = onnx.load(self._graph)
        jitter(model, size=_ONE_ROUNDING)
        onnx.save(model, noisy)
        rounded = self._vectors(noisy)
        noise = max(float((1 - cosines(rounded[label], exact[label])).max()) for label in exact)
        return min(LARGEST, max(_LEAST, _MARGIN * noise))

    def _vectors(self, graph: Path) -> dict[str, Vectors]:
        run = GraphVectors(graph)
        vectors = {}
        for item in self._inputs:
            try:
                vectors[item.label] = np.concatenate([run.one(feed) for feed in item.feeds])  # one alone: memory
            except Exception as error:  # onnxruntime raises plain Exception
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise ExportError(f"the graph of {self._model} cannot be run on {item.label}: {reason}") from error
        return vectors

    def departures(self, graph: Path) -> dict[str, float]:
        """Largest 1 - cosine to the model, by label."""
        return self._distances(self._vectors(graph))

    def _distances(self, vectors: Mapping[str, Vectors]) -> dict[str, float]:
        return {
            item.label: max(0.0, float((1 - cosines(vectors[item.label], item.reference)).max()))
            for item in self._inputs
        }

    def faults(self, graph: Path) -> list[str]:
        """Lengths at which a graph departs too far, and how far."""
        return _faults(self.departures(graph), self._allowed)

    def leave_out_optimizers(self) -> None:
        """Write the graph anew without the fusion of onnxruntime's that makes it depart, or without any."""
        plain = plain_graph(self._graph)
        faults = self.faults(plain)
        if faults:
            raise ExportError(
                f"the ONNX graph of {self._model} is not the model, and no bundle is written: 1 - cosine to it is "
                f"{', '.join(faults)}, where {self._allowed:.1g} is allowed"
            )
        for without in [*((name,) for name in OPTIMIZERS), OPTIMIZERS]:
            save_optimized(plain, self._graph, without=without)
            if not self.faults(self._graph):
                self._left_out |= dict.fromkeys(without, "a fusion of onnxruntime's that changes vectors")
                return
        shutil.copyfile(plain, self._graph)
        self._left_out["all of onnxruntime's"] = "fusions that change vectors"

    def fused(self) -> FloatProof:
        """Find the fusions that change nothing: all at once, or, where these depart, one by one."""
        from ...graphs.fuse import fuse

        fused = self._graph.with_name(f"fused-{self._graph.name}")
        fusions = fuse(self._graph, fused, max_tokens=self._max_tokens)
        departures = self.departures(fused)
        kept = list(fusions.applied)
        if _faults(departures, self._allowed):
            kept, departures = self._one_by_one(fusions, fused)
        return FloatProof(frozenset(kept), {**self._left_out, **fusions.left_out}, departures, self._allowed)

    def _one_by_one(self, fusions: Fusions, fused: Path) -> tuple[list[str], dict[str, float]]:
        """The fusions that may stay, each tried on top of those before it, and what the graph with them departs."""
        from ...graphs.fuse import fuse

        kept: list[str] = []
        departures = self.departures(self._graph)
        for name in fusions.applied:
            fuse(self._graph, fused, only=[*kept, name])
            tried = self.departures(fused)
            faults = _faults(tried, self._allowed)
            if faults:
                fusions.left_out[name] = f"it would depart by {faults[0]}"
            else:
                kept, departures = [*kept, name], tried
        return kept, departures


def _faults(departures: Mapping[str, float], allowed: float) -> list[str]:
    return [f"{value:.3g} at {label}" for label, value in departures.items() if not value <= allowed]


def proof_lengths(max_tokens: int) -> Iterator[int]:
    """Lengths in tokens at which a text graph is proved: beyond the usual windows, and the limit itself."""
    yield from sorted({*(min(length, max_tokens) for length in (9, 70, 300)), max_tokens})
