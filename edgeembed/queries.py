"""What one can search with: words, pictures, weighted sums of both, and whole documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

import numpy as np

from .chunks import split
from .documents import is_image
from .errors import ImageError, UnsupportedInputError
from .formats import PICTURE_SUFFIXES
from .layout import KINDS

if TYPE_CHECKING:
    from .documents import Document
    from .embedder import Embedder
    from .pillow import ImageSource
    from .rows import Floats
    from .towers import Towers

Meaning: TypeAlias = "str | ImageSource"
"""Words (``str``); or a picture: a path (``Path``), the content of an image file, or a Pillow image."""
Weighted: TypeAlias = "Meaning | tuple[float, Meaning]"
"""A meaning, with a weight where it is not 1."""

MAX_WEIGHT = 1_000_000
"""The largest weight; beside one that is much larger, vectors of single precision would lose all others."""
_MEANINGS = "a sequence of meanings (words, a Path, an image) or pairs (weight, meaning), such as [(2, 'dog')]"


def query_vectors(
    towers: Towers,
    query: Meaning,
    plus: Iterable[Weighted] = (),
    minus: Iterable[Weighted] = (),
    *,
    kinds: Sequence[str] = KINDS,
) -> dict[str, Floats]:
    """The vector ``(dim,)`` of length 1 of a query, other meanings added and subtracted, for each kind of documents.

    Args:
        towers: the models.
        query, plus, minus: as in :meth:`Index.search`.
        kinds: of documents to search in; those that cannot be compared with all parts of the query are left out.

    Raises:
        ValueError: what is added and subtracted leaves nothing.
        UnsupportedInputError: a picture, and no model embeds pictures.
        ImageError: a picture that cannot be read.
    """
    parts = [(1.0, query), *map(_weighted, plus), *((-weight, item) for weight, item in map(_weighted, minus))]
    given = {_kind(item) for _, item in parts}
    if "image" in given:
        towers.embedder("image")  # or it says why there is none
    found: dict[tuple[Embedder, ...], Floats] = {}  # one space for both kinds: embedded once
    vectors: dict[str, Floats] = {}
    for kind in kinds:
        embedders = {item: towers.query_embedder(item, kind) for item in sorted(given)}
        able = {item: embedder for item, embedder in embedders.items() if embedder is not None}
        if len(able) == len(given):
            key = tuple(able.values())
            if key not in found:
                found[key] = _sum(able, parts)
            vectors[kind] = found[key]
    if not vectors:
        raise UnsupportedInputError("texts and pictures of this index are in two vector spaces; ask for one at a time")
    return vectors


def document_vectors(towers: Towers, document: Document) -> dict[str, Floats]:
    """For a whole document, the mean of its chunks' vectors, for each kind that it can be compared with.

    Raises:
        ValueError: it holds no text.
        UnsupportedInputError, ImageError: as :func:`query_vectors`.
    """
    if document.text is None:
        image = Path(document.image) if isinstance(document.image, str) else document.image  # a query's str is words
        return query_vectors(towers, image or b"")
    embedder = towers.embedder("text")
    chunks = split(document.text, limit=embedder.content_tokens, count_tokens=embedder.count_tokens)
    texts = [chunk.text for chunk in chunks]
    if not texts:
        raise ValueError(f"{document.id}: holds no text to compare")
    return dict.fromkeys(towers.kinds_like("text"), unit(embedder.embed_texts(texts).mean(axis=0)))


def listed(name: str, items: Iterable[Weighted]) -> list[Weighted]:
    """The meanings of an argument that takes several.

    Raises:
        TypeError: it is one text, whose letters are not meant, or holds something else than meanings and weights.
        ValueError: a weight is no number up to :data:`MAX_WEIGHT`, or there is nothing to weigh.
    """
    if isinstance(items, Mapping):
        raise TypeError(f"{name} must be {_MEANINGS}, not a {type(items).__name__}")
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise TypeError(f"{name} must be a sequence, not one {type(items).__name__}: [{items!r:.40}]")
    found = list(items)
    for item in found:
        if isinstance(item, tuple) and (len(item) != 2 or not isinstance(item[0], Real)):
            raise TypeError(f"{name}: {item!r:.80} is no pair of a weight and a meaning, such as (0.5, 'winter')")
        weight, meaning = item if isinstance(item, tuple) else (1, item)
        if not abs(weight) <= MAX_WEIGHT:  # nor with nan
            allowed = f"from -{MAX_WEIGHT} to {MAX_WEIGHT}"
            raise ValueError(f"{name}: the weight of {meaning!r:.40} must be a number {allowed}, not {weight!r:.40}")
        if not is_words(meaning) and not is_image(meaning):
            raise TypeError(f"{name} must be {_MEANINGS}; {meaning!r:.80} is no meaning")
        if isinstance(meaning, (str, bytes)) and not meaning.strip():
            raise ValueError(f"{name}: {item!r} is empty; give words or a picture, or leave it out")
    return found


def check_id(id: object) -> None:
    """Refuse what cannot be the id of a document.

    Raises:
        TypeError: it is no string.
    """
    if not isinstance(id, str):
        raise TypeError(f"an id must be a string, not {type(id).__name__}: {id!r:.80}")


def check_limits(k: int, min_score: object) -> None:
    """Refuse a number of hits, or a least score, that means nothing.

    Raises:
        TypeError, ValueError: with what is allowed.
    """
    if not isinstance(k, Integral):
        raise TypeError(f"k must be a whole number, at least 1, not {k!r}")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if min_score in (None, "auto") or (isinstance(min_score, Real) and 0 <= min_score <= 1):
        return
    raise ValueError(f"min_score must be a number from 0 to 1, 'auto', or None for all hits, not {min_score!r}")


def item_kind(parts: Iterable[Weighted]) -> str:
    """What a query is made of: ``image`` if any of its parts is a picture, otherwise ``text``."""
    return "image" if any(_kind(meaning) == "image" for _, meaning in map(_weighted, parts)) else "text"


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
    return name.lower().endswith(PICTURE_SUFFIXES)


def _weighted(item: Weighted) -> tuple[float, Meaning]:
    if not isinstance(item, tuple):
        return 1.0, item
    weight, meaning = item
    return float(weight), meaning


def _kind(item: object) -> str:
    if is_words(item):
        return "text"
    if is_image(item):
        return "image"
    raise TypeError(f"cannot search for a {type(item).__name__}; give text, a Path, or an image")


def _sum(embedders: Mapping[str, Embedder], parts: Sequence[tuple[float, Meaning]]) -> Floats:
    """The weighted sum of the vectors of all parts, of length 1; a single one as it is."""
    dim = next(iter(embedders.values())).dim
    vectors = np.empty((len(parts), dim), np.float32)
    texts = [i for i, (_, item) in enumerate(parts) if is_words(item)]
    pictures: list[Any] = [i for i, (_, item) in enumerate(parts) if not is_words(item)]
    if texts:
        vectors[texts] = embedders["text"].embed_texts([str(parts[i][1]) for i in texts], role="query")
    if pictures:
        images = [cast("Any", parts[i][1]) for i in pictures]
        try:
            vectors[pictures] = embedders["image"].embed_images(images, reduced=True)
        except ImageError as error:  # its place in this list means nothing to whoever searches
            raise ImageError(error.path, error.reason) from error
    if len(parts) == 1:
        return np.asarray(vectors[0], dtype=np.float32)
    return unit(np.array([weight for weight, _ in parts], np.float32) @ vectors)
