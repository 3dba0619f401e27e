"""What the catalog says of segment files: plain facts, and whether they can be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import IndexCorruptError

_NAME = re.compile(r"(text|image)-[0-9a-f]{32}\.usearch")
_MAX_BYTES = 1 << 40


def is_segment_name(name: str) -> bool:
    """Whether a file of this name could be a segment."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class SegmentInfo:
    """What the catalog says of one segment file."""

    file: str
    kind: str
    first_key: int
    last_key: int
    rows: int
    size_bytes: int
    sha256: str


def check_segment_info(facts: SegmentInfo, folder: Path) -> None:
    """Refuse what no writer would have put into the catalog.

    Raises:
        IndexCorruptError: a name that is none of a segment, or numbers that cannot be.
    """
    numbers = (facts.first_key, facts.last_key, facts.rows, facts.size_bytes)
    if not (isinstance(facts.file, str) and is_segment_name(facts.file)):
        raise IndexCorruptError(folder, f"names a segment {facts.file!r:.80}, which is no name of one")
    if not facts.file.startswith(f"{facts.kind}-"):
        raise IndexCorruptError(folder / facts.file, f"is said to hold vectors of {facts.kind!r:.20}")
    if not all(type(number) is int for number in numbers) or not (
        1 <= facts.rows <= facts.last_key - facts.first_key + 1 and facts.size_bytes <= _MAX_BYTES
    ):
        raise IndexCorruptError(folder / facts.file, "has facts in the catalog that cannot be")
