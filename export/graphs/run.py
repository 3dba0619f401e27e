"""Run a graph that is not in a bundle yet, one input at a time on one thread, as the runtime will."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from edgeembed.system.limits import usable_cores

from ..types import Feed, Vectors


class GraphVectors:
    """An onnxruntime session of a graph with the one output ``embedding``."""

    def __init__(self, graph: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._inputs = [item.name for item in self._session.get_inputs()]

    def __call__(self, feeds: Sequence[Feed]) -> Vectors:
        """Float32 ``(N, dim)`` of ``N`` inputs, spread over the cores."""
        with ThreadPoolExecutor(usable_cores()) as pool:
            return np.concatenate(list(pool.map(self.one, feeds)))

    def one(self, feed: Feed) -> Vectors:
        """Float32 ``(1, dim)``; tensors that the graph does not take, such as a mask that was removed, are left out."""
        inputs = {name: feed[name] for name in self._inputs}
        return np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)


def speeds(
    graphs: Mapping[str, GraphVectors], feeds: Sequence[Feed], units: int, *, rounds: int = 5
) -> dict[str, float]:
    """Units a second of each graph on one thread: the median of ``rounds``, in each of which every graph has a turn.

    ``units`` is how many tokens, or images, are in ``feeds``. A machine's speed drifts; taking turns lets it drift
    for all graphs alike.
    """
    measured: dict[str, list[float]] = {name: [] for name in graphs}
    for number in range(rounds + 1):
        for name, graph in graphs.items():
            start = time.perf_counter()
            for feed in feeds:
                graph.one(feed)
            if number:  # the first round warms up
                measured[name].append(units / (time.perf_counter() - start))
    return {name: median(values) for name, values in measured.items()}
