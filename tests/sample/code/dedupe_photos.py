"""List pictures that are stored more than once below a folder.

Files of equal length are compared by their SHA-256; names and dates do not matter. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from pathlib import Path

ENDINGS = {".jpg", ".jpeg", ".png", ".heic"}


def copies(folder: Path) -> list[list[Path]]:
    """Groups of identical pictures, the oldest of each group first."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in folder.rglob("*"):
        if path.suffix.lower() in ENDINGS and path.is_file():
            by_size[path.stat().st_size].append(path)
    by_hash: dict[str, list[Path]] = defaultdict(list)
    for same_size in by_size.values():
        if len(same_size) > 1:  # reading is slow, so only those that could be equal
            for path in same_size:
                by_hash[hashlib.sha256(path.read_bytes()).hexdigest()].append(path)
    return [sorted(group, key=lambda p: p.stat().st_mtime) for group in by_hash.values() if len(group) > 1]


if __name__ == "__main__":
    for group in copies(Path(sys.argv[1])):
        print(*group, sep="\n", end="\n\n")
