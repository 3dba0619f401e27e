"""Checks of what callers pass to a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral, Real

from ..document import is_image
from ..index_models.meanings import MAX_WEIGHT, Weighted, is_words, kind_of, weighted

_MEANINGS = "a sequence of meanings (words, a Path, an image) or pairs (weight, meaning), such as [(2, 'dog')]"


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
    meanings = list(items)
    for item in meanings:
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
    return meanings


def check_id(id: object) -> None:
    """Refuse what cannot be the id of a document.

    Raises:
        TypeError: it is no string.
    """
    if not isinstance(id, str):
        raise TypeError(f"an id must be a string, not {type(id).__name__}: {id!r:.80}")


def checked_ids(ids: Iterable[str]) -> list[str]:
    """Ids of documents, of which there may be none.

    Raises:
        TypeError: it is one string, whose letters are not meant, or holds something else than strings.
    """
    if isinstance(ids, str):
        raise TypeError(f"ids must be a sequence of strings, not one string: [{ids!r}]")
    if not isinstance(ids, Iterable):
        raise TypeError(f"ids must be a sequence of strings, not {type(ids).__name__}")
    ids = list(ids)
    for id in ids:
        check_id(id)
    return ids


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
    """What a query is made of: ``image`` if any of its parts is an image, otherwise ``text``."""
    return "image" if any(kind_of(meaning) == "image" for _, meaning in map(weighted, parts)) else "text"
