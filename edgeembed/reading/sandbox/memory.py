"""How much memory the worker process may take: limited by the system where it can do that, else watched by a thread.

On Linux that is ``RLIMIT_DATA``, which counts what may be written to. ``RLIMIT_AS`` would count what is only reserved
too: each thread of a decoder reserves 64 MB or more for its arena, and a phone's photo, a grid of 48 to 180 tiles, has
many.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from .protocol import OUT_OF_MEMORY


class MemoryLimit:
    """The limit on memory of this process; a file that says beforehand how large it is may have more."""

    def __init__(self, limit_bytes: int, most_bytes: int) -> None:
        """``most_bytes``: what a file may have that asks for more."""
        self._limit_bytes = self._allowed = limit_bytes
        self._most_bytes = most_bytes
        self._is_refused_by_system = sys.platform.startswith("linux")
        if self._is_refused_by_system:
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            self._refuse_beyond(limit_bytes)
        else:
            threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """Another file."""
        # What is watched is the most that was ever used: a limit that was raised stays so.
        if self._is_refused_by_system and self._allowed != self._limit_bytes:
            self._allowed = self._limit_bytes
            self._refuse_beyond(self._allowed)

    def more(self, size_bytes: int) -> bool:
        """Let the file at hand take so much more; ``False``: that is too much."""
        if self._limit_bytes + size_bytes > self._most_bytes:
            return False
        self._allowed = max(self._allowed, self._limit_bytes + size_bytes)
        if self._is_refused_by_system:
            self._refuse_beyond(self._allowed)
        return True

    def _refuse_beyond(self, limit_bytes: int) -> None:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def _watch(self) -> NoReturn:
        measure = _used_on_windows() if sys.platform == "win32" else _used_on_unix
        while measure() <= self._allowed:
            time.sleep(0.1)
        os._exit(OUT_OF_MEMORY)


def _used_on_unix() -> int:
    """The most memory that this process ever used, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _used_on_windows() -> Callable[[], int]:
    """A function for the most memory that this process ever used, in bytes; for nothing where it cannot be asked."""
    import ctypes

    class Counters(ctypes.Structure):
        # https://learn.microsoft.com/windows/win32/api/psapi/ns-psapi-process_memory_counters
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("faults", ctypes.c_uint32),
            ("peak", ctypes.c_size_t),
            ("rest", ctypes.c_size_t * 7),
        )

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (mypy knows it on Windows only)
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(Counters), ctypes.c_uint32)
    counters = Counters(size=ctypes.sizeof(Counters))

    def used() -> int:
        kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size)
        return int(counters.peak)

    return used
