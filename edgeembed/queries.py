"""What one can search with: words, pictures, and weighted sums of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from .embedder import Embedder
    from .image import ImageSource
    from .vectors import Floats

Meaning: TypeAlias = "str | ImageSource"
"""Words (``str``); or a picture: a path (``Path``), the content of an image file, or a Pillow image."""
Weighted: TypeAlias = "Meaning | tuple[float, Meaning]"
"""A meaning, with a weight where it is not 1."""

_PICTURES = tuple(
    f".{name}"
    for name in ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "ico", "ppm", "pgm"]
)


def query_vector(
    embedder: Embedder, query: Meaning, plus: Iterable[Weighted] = (), minus: Iterable[Weighted] = ()
) -> Floats:
    """The vector ``(dim,)`` of length 1 of a query, with other meanings added and subtracted.

    Raises:
        ValueError: what is added and subtracted leaves nothing.
        UnsupportedInputError: a picture, and the model embeds text only.
        ImageError: a picture that cannot be read.
    """
    for name, items in (("plus", plus), ("minus", minus)):
        if isinstance(items, (str, bytes)):
            raise TypeError(f"{name} must be a sequence, not one {type(items).__name__}: [{items!r:.40}]")
    parts = [(1.0, query), *map(_weighted, plus), *((-weight, item) for weight, item in map(_weighted, minus))]
    vectors = _vectors(embedder, [item for _, item in parts])
    if len(parts) == 1:
        return np.asarray(vectors[0], dtype=np.float32)
    return unit(np.array([weight for weight, _ in parts], np.float32) @ vectors)


def unit(vector: Floats) -> Floats:
    """A vector of length 1 in the same direction."""
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        raise ValueError("what is added and subtracted leaves nothing to search for")
    return np.asarray(vector / length, dtype=np.float32)


def is_words(meaning: object) -> TypeGuard[str]:
    """Whether it is text, not a picture."""
    return isinstance(meaning, str)


def is_picture(name: str) -> bool:
    """Whether a file of this name holds a picture, by its extension."""
    return name.lower().endswith(_PICTURES)


def _weighted(item: Weighted) -> tuple[float, Meaning]:
    if not isinstance(item, tuple):
        return 1.0, item
    weight, meaning = item
    return float(weight), meaning


def _vectors(embedder: Embedder, items: Sequence[Meaning]) -> Floats:
    """``(N, dim)``, in the order of ``items``."""
    out = np.empty((len(items), embedder.dim), np.float32)
    texts = [i for i, item in enumerate(items) if is_words(item)]
    pictures: list[Any] = [i for i, item in enumerate(items) if not is_words(item)]
    if texts:
        out[texts] = embedder.embed_texts([str(items[i]) for i in texts], role="query")
    if pictures:
        for i in pictures:
            if not isinstance(items[i], (os.PathLike, bytes)) and not hasattr(items[i], "convert"):
                raise TypeError(f"cannot search for a {type(items[i]).__name__}; give text, a Path, or an image")
        out[pictures] = embedder.embed_images([items[i] for i in pictures])
    return out
