"""Native libraries in one process: load order, and that nothing is reported to anybody."""

from __future__ import annotations

import subprocess
import sys

LOAD = """
import os
import numpy as np
from edgeembed.system.native import load_onnxruntime
onnxruntime = load_onnxruntime()
assert load_onnxruntime() is onnxruntime
from usearch.index import Index  # loaded first, it would end the process with onnxruntime 1.32
index = Index(ndim=4)
index.add(7, np.ones(4, np.float32))
print(index.search(np.ones(4, np.float32), 1).keys[0], os.environ["ORT_DISABLE_TELEMETRY"], onnxruntime.get_device())
"""


def test_onnxruntime_and_usearch_live_in_one_process_and_telemetry_is_off() -> None:
    process = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split()[:2] == ["7", "1"]
