"""How many cores and how much memory this process may use."""

from __future__ import annotations

import contextlib
import os
from numbers import Integral
from pathlib import Path
from typing import Any


def checked_threads(threads: object) -> int | None:
    """A number of threads as callers give it; ``None``: as many as there are usable cores.

    Raises:
        TypeError: it is no whole number; a bool is none.
        ValueError: it is less than 1.
    """
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, Integral):
        raise TypeError(
            f"threads must be a whole number, at least 1, or None for all usable cores, not {threads!r:.40}"
        )
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or None for all usable cores, not {threads}")
    return int(threads)


def usable_cores() -> int:
    """How many cores this process may keep busy: processor affinity and, in a container, its quota counted."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        cores = os.process_cpu_count() or 1
    elif hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota(Path("/sys/fs/cgroup")) or cores))


def _quota(root: Path) -> int | None:
    """Cores that the container's quota allows, rounded down but at least 1; ``None`` where there is no quota.

    Control groups version 2 (``cpu.max``) or 1 (``cpu.cfs_quota_us``), as seen from inside a container.
    """
    try:
        if (root / "cpu.max").is_file():
            quota, period = (root / "cpu.max").read_text().split()
        else:
            quota = (root / "cpu/cpu.cfs_quota_us").read_text()
            period = (root / "cpu/cpu.cfs_period_us").read_text()
        return max(1, int(quota) // int(period)) if quota.strip() not in ("max", "-1") else None
    except (OSError, ValueError):
        return None


def windows_cpu_seconds(handle: int) -> float:
    """Processor time that a process of Windows has used, in the system and by itself; by its handle."""
    import ctypes

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (mypy knows it on Windows only)
    times = [ctypes.c_uint64() for _ in range(4)]  # created, ended, in the system, by itself: in 100 ns
    kernel.GetProcessTimes(ctypes.c_void_p(handle), *map(ctypes.byref, times))
    return (times[2].value + times[3].value) / 1e7


def memory_bytes() -> int | None:
    """Memory of this machine, or of the container if that is less; ``None`` where the system does not say (Windows)."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):
        return None
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # control groups version 2, 1
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            sizes.append(int(Path("/sys/fs/cgroup", name).read_text()))
    return min(sizes)
