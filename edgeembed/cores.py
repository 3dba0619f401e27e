"""How many cores there are for us."""

from __future__ import annotations

import os
from pathlib import Path


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
