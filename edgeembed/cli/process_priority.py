"""Process priority (niceness): other programs go first."""

from __future__ import annotations

import contextlib
import os
from typing import Any

_NICENESS = 10
"""Half of what a user may give away: the rest of the machine goes first, and an idle machine is used in full."""
_BELOW_NORMAL = 0x4000
"""BELOW_NORMAL_PRIORITY_CLASS of Windows."""


def lower_priority() -> None:
    """Give this process, its threads and what it starts from now on a lower priority, for good.

    Silent where a system does not let it: work is done all the same, only less politely.
    """
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
    elif os.name == "nt":
        import ctypes

        kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (mypy knows it on Windows only)
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), _BELOW_NORMAL)
