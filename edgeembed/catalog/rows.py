"""Rows of the catalog's tables as values; of those that name segment files also whether they are valid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import IndexCorruptError

_NAME = re.compile(r"(text|image)-[0-9a-f]{32}\.usearch")
_MAX_BYTES = 1 << 40


ASIDE = 0
"""In the column ``page``: the chunk stands around the article of a page, not in it. No page has this number."""


class PassageRow(NamedTuple):
    """A live chunk of a document; one for each document that shares the chunk's content."""

    key: int
    document: int
    id: str
    kind: str
    is_aside: bool = False
    """Whether it stands around the article of a page, not in it."""


class FileDocumentId(NamedTuple):
    """The id of a document that comes from a file."""

    id: str
    part: int | None
    """Its number among the documents of its file; ``None``: it is the only one."""


class ChunkRow(NamedTuple):
    """A chunk without its vector."""

    kind: str
    start: int | None
    end: int | None
    start_line: int | None
    end_line: int | None
    page: int | None
    """From 1 on; ``None``: the text has none. What stands around an article is written with :data:`ASIDE`."""
    text: str | None


class EncoderInfo(NamedTuple):
    """What vectors were made by."""

    digest: str
    """Of what decides a vector; see :attr:`edgeembed.Manifest.encoder`."""
    name: str
    space: str
    """Vectors of one space may be compared."""
    dim: int


FileState = Literal["indexed", "incomplete", "skipped"]
BEGUN, CHANGING = "begun", "changing"
"""Kinds of the reason of a file with many documents that a run was not done with: a new one, one that was indexed."""
_NOT_DONE = "not read to its end: the run was ended before; the next one goes on"


class FileRow(NamedTuple):
    """A file as it was when last looked at."""

    size_bytes: int
    mtime_ns: int
    checked_ns: int
    reason: str | None = None
    """Why it is not wholly in the index; ``None``: it is."""
    state: FileState = "indexed"
    """``incomplete``: it is in the index, and a part of it is missing."""
    reason_kind: str | None = None
    """Of reasons that programs tell apart, a name."""
    inode: int | None = None
    ctime_ns: int | None = None
    """``None``, as of the inode: not known."""

    def incomplete(self, reason: str, kind: str | None = "cut") -> FileRow:
        """The same file, of which a part is not in the index."""
        return self._replace(reason=reason, state="incomplete", reason_kind=kind)

    def begun(self, *, is_new: bool) -> FileRow:
        """The same file while its documents are being taken in; whoever finds it so reads it again."""
        return self.skipped(_NOT_DONE, BEGUN) if is_new else self.incomplete(_NOT_DONE, CHANGING)

    def skipped(self, reason: str, kind: str | None = None) -> FileRow:
        """The same file, left out of the index."""
        return self._replace(reason=reason, state="skipped", reason_kind=kind)


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
