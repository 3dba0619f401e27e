"""Runs a block of texts, each alone on one thread, spread over the cores."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .onnx_session import OnnxSession
from .tokenizer import IdRow

Vectors = npt.NDArray[np.float32]  # (N, dim)
_QUICK_SECONDS = 1e-4
"""Graphs faster than this run sequentially: handing over the GIL would cost more than parallelism gains (a static model
takes 39 microseconds for a text of 120 tokens, and 45 in parallel)."""


class _Block(NamedTuple):
    """Documents to be run one by one."""

    encoding: Callable[[int], tuple[IdRow, IdRow]]
    """Token ids and mask of each, by its number."""
    sizes: Sequence[int]
    """How long each is, in characters."""
    reads: Callable[[IdRow], bool] = lambda row: True
    """Whether a document, by its token ids, is worth a run."""


class _Job:
    """A block of documents, one run each, spread over threads."""

    def __init__(self, graph: OnnxSession, block: _Block, dim: int) -> None:
        self._graph = graph
        self._encoding = block.encoding
        self._count = len(block.sizes)
        self._reads = block.reads
        self._out = np.zeros((self._count, dim), np.float32)
        # Longest processing time first (LPT), so that no core is left with a long one at the end. All threads take from
        # one iterator; `next` on it is atomic under the GIL.
        self._todo = iter(sorted(range(self._count), key=lambda i: -block.sizes[i]))
        self._futures: list[Future[None]] = []

    def _embed(self) -> None:
        for i in self._todo:
            ids, mask = self._encoding(i)
            if self._reads(ids):
                self._out[i] = self._graph.run({"input_ids": ids[None], "attention_mask": mask[None]})

    @contextlib.contextmanager
    def begun(self, pool: ThreadPoolExecutor | None, threads: int) -> Iterator[None]:
        """Start the threads; on leaving, cancel what has not started, also after an error or an interrupt."""
        if pool is not None and self._count > 1 and self._graph.least_seconds > _QUICK_SECONDS:
            self._futures = [pool.submit(self._embed) for _ in range(min(threads, self._count))]
        try:
            yield
        finally:
            for _ in self._todo:
                pass

    def result(self) -> Vectors:
        """Float32 ``(n, dim)``, zeros of what was not worth a run; done here and now where no thread was begun."""
        for future in self._futures:
            future.result()
        self._embed()  # what is left: all of it, or nothing
        return self._out
