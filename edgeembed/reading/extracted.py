"""What a reader gives back: the readable text of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


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


def with_asides(extracted: ExtractedText, asides: Sequence[str]) -> ExtractedText:
    """A text with what stands around the rest behind it; as it is where nothing does."""
    if not asides:
        return extracted
    return replace(extracted, text=extracted.text + "\n".join(asides), aside=len(extracted.text))
