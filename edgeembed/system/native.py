"""Native libraries: the order in which they must be loaded."""

from __future__ import annotations

import os
from types import ModuleType


def load_onnxruntime() -> ModuleType:
    """Load onnxruntime, if it is not yet; ``segment.py`` calls this before it loads usearch.

    The other way round the process dies: both bring parts of the C++ library that must be those of one of them
    (onnxruntime 1.32 with usearch 2.26).
    """
    # As of 1.31 onnxruntime writes a device id to the user's cache when it is loaded and reports to its maker over the
    # network, on Linux too, unless this is set before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # in case that the application had loaded it already
    module: ModuleType = onnxruntime
    return module
