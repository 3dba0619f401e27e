"""Files that are too old to be looked at again."""

from __future__ import annotations

import os
from pathlib import Path

OLD_NS = 1_600_000_000_000_000_000


def write(path: Path, text: str, *, mtime_ns: int = OLD_NS) -> Path:
    """Write a text file, its folders too, and give it a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path
