"""Types and names that all of the export stage shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (N, dim)
HalfVectors = npt.NDArray[np.float16]
"""Vectors as they are kept on disk, (N, dim)."""
Feed = Mapping[str, npt.NDArray[Any]]
"""Input name to tensor, for one run of a graph."""
TEXT_GRAPH = "text.onnx"
IMAGE_GRAPH = "image.onnx"
TOKENIZER = "tokenizer.json"


def tower_key(kind: str, name: str) -> str:
    """The name of a figure in a manifest for the tower ``kind``: bare for ``text``, ``image_…`` for ``image``."""
    return name if kind == "text" else f"{kind}_{name}"
