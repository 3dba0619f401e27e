"""What is indexed: a text or an image with a name, made by an application or read from a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

PART = "file.part"
"""Name, in stored metadata, of the number of a part: a document of a file that holds many, as a mailbox holds messages.

To an index such a file is what a folder is: part 12 of ``Mail/inbox.mbox`` is the document ``Mail/inbox.mbox/12``."""
PART_NOUN = "message"
"""What people call a part: of all files mailboxes alone have some."""


@dataclass(frozen=True)
class Document:
    """A text or an image with a name.

    Exactly one of ``text`` and ``image`` is given.

    Raises:
        ValueError: neither of them, or both; ``id`` or the path of ``image`` is empty.
        TypeError: something is of another type than it says here.
    """

    id: str
    """The application's own name for it; in a folder, the path relative to the folder, with ``/``, and for a message of
    a mailbox its number behind another ``/``."""
    text: str | None = None
    image: str | os.PathLike[str] | bytes | Image | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What JSON can hold, NumPy's scalars too; ``search(where=…)`` compares its top-level values. What it cannot hold,
    such as NaN, a date or a set, is refused by ``Index.add``; see :mod:`edgeembed.catalog.metadata`."""
    pages: tuple[int, ...] = ()
    """Offsets in ``text`` (in characters) at which its pages begin; empty: it has no pages."""
    lines: bool = True
    """Whether the lines of ``text`` are lines that a person can look up; ``False``: hits have no lines."""
    aside: int | None = None
    """Offset in ``text`` from which on stands what is only around the rest, such as menus and footers of a page: it is
    found by its words, not by its meaning. ``None``: there is no such thing."""

    def __post_init__(self) -> None:
        if (self.text is None) == (self.image is None):
            raise ValueError(f"document {self.id!r} needs either text or image")
        for name, value, is_right, wanted in (
            ("id", self.id, isinstance(self.id, str), "a string"),
            ("text", self.text, self.text is None or isinstance(self.text, str), "a string; decode bytes first"),
            ("image", self.image, self.image is None or is_image(self.image), "a path, bytes, or a Pillow image"),
            ("metadata", self.metadata, isinstance(self.metadata, Mapping), "a mapping, such as {'from': 'ann'}"),
            ("aside", self.aside, self.aside is None or isinstance(self.aside, int), "an offset, or None"),
            ("pages", self.pages, isinstance(self.pages, tuple), "a tuple of offsets"),
        ):
            if not is_right:
                raise TypeError(f"document {self.id!r}: {name} must be {wanted}, not {type(value).__name__}")
            if name in ("id", "image") and isinstance(value, str) and not value:
                raise ValueError(f"document {self.id!r}: {name} must not be empty")


def is_image(value: object) -> bool:
    """Whether it is what an image may be given as: a path, the bytes of a file, or a Pillow image."""
    return isinstance(value, (str, os.PathLike, bytes)) or hasattr(value, "convert")


def part_id(path: str, number: int) -> str:
    """The id of a part of a file; ``number``: counted from 1."""
    return f"{path}/{number}"


def part_number(metadata: Mapping[str, Any]) -> int | None:
    """The number of the part that a document is, by its stored metadata; ``None``: it is none."""
    number = metadata.get(PART)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def file_of(id: str, part: int | None) -> str:
    """The path of the file that a document of a folder comes from; ``part``: as of :func:`part_number`."""
    return id if part is None else id.removesuffix(f"/{part}")


@dataclass(frozen=True)
class StoredDocument:
    """A document as an index holds it: what was searched for, not the file or record that it came from."""

    id: str
    kind: str
    """``text`` or ``image``."""
    text: str | None
    """The text that was indexed, white space between its passages made up; ``None`` for an image."""
    metadata: Mapping[str, Any]
    pages: tuple[tuple[int, int], ...] = ()
    """Number of each page of which something is indexed, and where in ``text`` it begins; empty: there are none."""
    lines: bool = False
    """Whether lines of ``text`` are those that hits name."""

    @classmethod
    def of(cls, id: str, kind: str, pieces: Iterable[Piece], metadata: Mapping[str, Any]) -> StoredDocument:
        """Put a document together from the pieces that were indexed, in their order.

        Each piece keeps its offsets and its first line; what was between two, only white space, becomes as many line
        breaks as it had, and spaces.
        """
        text, line, has_lines = "", 1, False
        pages: list[tuple[int, int]] = []
        for piece in pieces:
            if piece.text is None or piece.start is None:
                continue
            gap = max(0, piece.start - len(text))
            breaks = piece.start_line - line if piece.start_line is not None else 2 if text else 0
            text += ("\n" * min(max(0, breaks), gap)).ljust(gap)
            if piece.page is not None and (not pages or pages[-1][0] != piece.page):
                pages.append((piece.page, len(text)))
            text += piece.text
            if piece.end_line is not None:
                line, has_lines = piece.end_line, True
        own = {name: value for name, value in metadata.items() if name != PART}
        return cls(id, kind, None if kind == "image" else text, own, tuple(pages), has_lines)


class Piece(Protocol):
    """A piece of a text and where it stands, as a passage of an index says."""

    @property
    def text(self) -> str | None:
        """``None`` for an image."""

    @property
    def start(self) -> int | None:
        """Offset in characters."""

    @property
    def start_line(self) -> int | None:
        """Counted from 1; ``None``: the text has no lines."""

    @property
    def end_line(self) -> int | None:
        """Likewise, included."""

    @property
    def page(self) -> int | None:
        """Counted from 1; ``None``: the text has no pages."""
