"""What a reader gives back: the readable text of a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExtractedText:
    """The readable text of a file."""

    text: str
    """Lines end with ``\\n``."""
    pages: tuple[int, ...] = ()
    """Offsets in ``text`` at which pages begin; empty: it has none."""
    lines: bool = False
    """Whether line 7 of the text is line 7 of the file."""
    aside: int | None = None
    """Offset in ``text`` from which on stands what is around the rest, such as menus and footers; ``None``: nothing."""
    missing: str | None = None
    """What is missing of the file, because it was cut off; ``None``: nothing."""
