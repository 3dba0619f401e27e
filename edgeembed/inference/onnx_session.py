"""Graphs of bundles, run on one thread each. The only module that uses ``onnxruntime``."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..errors import BundleError
from ..system.native import load_onnxruntime

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BASIC, ALL = "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"
"""How far a graph is optimised when it is opened. Text graphs are saved optimised, so that folding constants is enough;
convolutions want the memory layout of this very processor."""


class OnnxSession:
    """One ONNX graph, checked against the bundle contract, run on one thread."""

    def __init__(self, bundle: Bundle, name: str, inputs: tuple[str, ...], level: str) -> None:
        """Open it.

        Args:
            bundle: that it is in.
            name: of its file there.
            inputs: what can be given to it; it takes one of them at least, and no others.
            level: :data:`BASIC` or :data:`ALL`.

        Raises:
            BundleError: it cannot be loaded, or takes or gives something else.
        """
        self.least_seconds = math.inf
        """What the quickest run so far took."""
        self._path = bundle.file(name)
        self._session = _open_session(self._path, level)
        self._inputs = tuple(item.name for item in self._session.get_inputs())
        outputs = self._session.get_outputs()
        if not self._inputs or not set(self._inputs) <= set(inputs):
            raise BundleError(self._path, f"takes {list(self._inputs)} instead of {list(inputs)}")
        if [item.name for item in outputs] != ["embedding"] or outputs[0].type != "tensor(float)":
            raise BundleError(self._path, f"gives {[item.name for item in outputs]} instead of one float 'embedding'")
        if outputs[0].shape[-1] != bundle.manifest.dim:
            raise BundleError(self._path, f"gives vectors of {outputs[0].shape[-1]}, not of {bundle.manifest.dim}")

    def check_shape(self, name: str, expected: tuple[int | None, ...]) -> None:
        """Refuse an input of another shape; ``None``, or a dimension that the graph leaves open, is any length."""
        actual = next(item.shape for item in self._session.get_inputs() if item.name == name)
        fixed = [(a, b) for a, b in zip(actual, expected) if isinstance(a, int) and b is not None]  # noqa: B905
        if len(actual) != len(expected) or any(a != b for a, b in fixed):
            raise BundleError(self._path, f"takes {name} of shape {actual}, not of {list(expected[1:])}")

    def run(self, feed: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """The vector ``(dim,)`` of one document."""
        begun = time.perf_counter()
        try:
            (vectors,) = self._session.run(["embedding"], {name: feed[name] for name in self._inputs})
        except Exception as error:  # onnxruntime raises plain Exception
            raise BundleError(self._path, f"cannot be run: {error}") from error
        self.least_seconds = min(self.least_seconds, time.perf_counter() - begun)
        return np.asarray(vectors[0], dtype=np.float32)


def _open_session(path: Path, level: str) -> InferenceSession:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 4  # what goes wrong is raised
    # KleidiAI's kernels for arm64 processors with SME round activations by row: other vectors than everywhere else.
    options.add_session_config_entry("mlas.disable_kleidiai", "1")
    try:
        session: InferenceSession = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
        return session
    except Exception as error:  # onnxruntime raises plain Exception
        raise BundleError(path, f"is not a graph that can be loaded: {error}") from error
