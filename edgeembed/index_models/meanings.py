"""What a query is made of: words and images, with weights or without. Needs no arrays, unlike their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from ..document import is_image
from ..reading.detect import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from ..reading.images import ImageSource

Meaning: TypeAlias = "str | ImageSource"
"""Words (``str``); or an image: a path (``Path``), the content of an image file, or a Pillow image."""
Weighted: TypeAlias = "Meaning | tuple[float, Meaning]"
"""A meaning, with a weight where it is not 1."""
MAX_WEIGHT = 1_000_000
"""The largest weight; beside one that is much larger, vectors of single precision would lose all others."""


def is_words(meaning: object) -> TypeGuard[str]:
    """Whether it is text, not an image."""
    return isinstance(meaning, str)


def has_image_suffix(name: str) -> bool:
    """Whether a file of this name holds an image, by its extension."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def weighted(item: Weighted) -> tuple[float, Meaning]:
    """A meaning with its weight, 1 unless it has one."""
    if not isinstance(item, tuple):
        return 1.0, item
    weight, meaning = item
    return float(weight), meaning


def kind_of(item: object) -> str:
    """``text`` or ``image``.

    Raises:
        TypeError: it is neither.
    """
    if is_words(item):
        return "text"
    if is_image(item):
        return "image"
    raise TypeError(f"cannot search for a {type(item).__name__}; give text, a Path, or an image")
