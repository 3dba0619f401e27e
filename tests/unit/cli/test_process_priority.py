"""Other programs go first, if asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system has no niceness")
def test_it_is_lowered_for_this_process_and_what_it_starts() -> None:
    code = """
import os, subprocess, sys
from edgeembed.cli.process_priority import lower_priority
lower_priority()
print(os.nice(0), subprocess.check_output([sys.executable, "-c", "import os; print(os.nice(0))"], text=True))
lower_priority()
"""
    before = os.nice(0)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said == [str(min(before + 10, 19))] * 2
