"""Entries of segment files in the catalog, and whether they are valid."""

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
    """The catalog's entry of one segment file."""

    file: str
    kind: str
    first_key: int
    last_key: int
    rows: int
    size_bytes: int
    sha256: str
    encoder: int = 1
    """Number of the encoder of all its vectors, as in table ``encoders``."""


def check_segment_info(info: SegmentInfo, folder: Path) -> None:
    """Refuse what no writer would have put into the catalog.

    Raises:
        IndexCorruptError: a name that is none of a segment, or numbers that cannot be.
    """
    numbers = (info.first_key, info.last_key, info.rows, info.size_bytes, info.encoder)
    if not (isinstance(info.file, str) and is_segment_name(info.file)):
        raise IndexCorruptError(folder, f"names a segment {info.file!r:.80}, which is no name of one")
    if not info.file.startswith(f"{info.kind}-"):
        raise IndexCorruptError(folder / info.file, f"is said to hold vectors of {info.kind!r:.20}")
    if not all(type(number) is int for number in numbers) or not (
        1 <= info.rows <= info.last_key - info.first_key + 1 and info.size_bytes <= _MAX_BYTES
    ):
        raise IndexCorruptError(folder / info.file, "its catalog entry is invalid")
