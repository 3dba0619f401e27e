"""Metadata of documents as JSON (RFC 8259) that SQLite reads, and the single values that a filter compares with it.

Python's own JSON writes ``NaN`` and ``Infinity``, which are none: one such row, and every query that looks into
metadata fails. SQLite ends a string at NUL, and takes no more than some thousand levels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from numbers import Number
from typing import Any

from ..document import PART, file_of, part_number

MAX_DEPTH = 200
"""Levels of lists and mappings, the metadata itself included. SQLite takes 1000 (2000 before 3.42), and so does Python
less what its caller has used up."""
SEARCHED = ("photo.title", "photo.caption", "photo.keywords", "photo.people", "photo.place", "photo.camera")
"""Names of metadata whose values, texts or lists of texts, are searched as words of the document."""
_EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""
_INT64_LIMIT = 1 << 63
_MAX_BITS = 12_000
"""Of an integer: Python refuses to write, and to read, one of more than 4300 digits."""
_ADVICE = {
    (bytes, bytearray, memoryview): "decode it, or write it in base64",
    (set, frozenset): "a sorted list of it can be kept",
    (date, time): "its isoformat() can be kept, and compares as times do",
    (timedelta,): "its total_seconds() can be kept",
    (Number,): "float() or str() of it can be kept",
}


def metadata_json(id: str, metadata: Mapping[str, Any]) -> str:
    """The metadata of the document ``id`` as it is stored: ASCII, names in order.

    Taken are strings, finite numbers, bools, ``None``, lists and tuples, mappings with strings for names, and NumPy's
    scalars. Integers of any size are kept; beyond 64 bits they cannot be compared by a filter.

    Raises:
        TypeError, ValueError: something in it is none of these; names it, such as ``metadata['sizes'][2]``.
    """
    try:
        return json.dumps(_checked(metadata, 1, "metadata"), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"document {id!r}: {error}") from None


def comparable(name: str, value: object) -> object:
    """What a filter compares a value of metadata with: a string, a number, a bool or ``None``.

    Args:
        name: of the value in the filter, for messages.

    Raises:
        TypeError: it is something else.
        ValueError: it is no number, or an integer beyond 64 bits, which could not be told from its neighbours.
    """
    plain = _plain(value)
    if not isinstance(plain, (str, int, float, type(None))):
        raise TypeError(
            f"where[{name!r}] must be a string, number, bool or None (or {{'in': […]}} and the like), "
            f"not {type(value).__name__}{_advice(plain)}"
        )
    if isinstance(plain, float) and math.isnan(plain):
        raise ValueError(f"where[{name!r}]: nan is no number that could be compared; None finds what has no value")
    if isinstance(plain, int) and not -_INT64_LIMIT <= plain < _INT64_LIMIT:
        raise ValueError(f"where[{name!r}]: an integer beyond 64 bits cannot be compared; keep such numbers as strings")
    return plain


def named_text(id: str, metadata: str) -> str:
    """What a document is called, and what is said of its photo: words by which it is found besides its content.

    The number of a part is no word of it: who searches for a year would find message 2024 of each mailbox.

    Args:
        metadata: as it is stored.
    """
    if '"photo.' not in metadata and f'"{PART}"' not in metadata:
        return id
    try:
        values = json.loads(metadata)
    except (ValueError, RecursionError):
        return id
    if not isinstance(values, dict):
        return id
    lines = [", ".join(map(str, value)) if isinstance(value, list) else value for value in map(values.get, SEARCHED)]
    return "\n".join((file_of(id, part_number(values)), *(line for line in lines if isinstance(line, str) and line)))


def nanoseconds(name: str, when: Any) -> Any:
    """A point in time as ``st_mtime_ns`` counts, within what it can count; of a collection, each."""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise ValueError(
                f"where[{name!r}]: {when!r:.80} is no time such as 2024-05-01 or 2024-05-01T18:30"
            ) from None
    elif isinstance(when, date) and not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if isinstance(when, datetime):
        try:
            return _within_int64(round(when.timestamp() * 1_000_000) * 1000)
        except (OverflowError, ValueError):  # a year that the system's calendar does not have
            return _within_int64(math.copysign(math.inf, when.year - 1970))
    if isinstance(when, (int, float)) and not isinstance(when, bool):
        comparable(name, math.nan if when != when else 0)
        return _within_int64(when * 1_000_000_000)
    if hasattr(when, "__iter__") and not isinstance(when, (bytes, Mapping)):
        return [nanoseconds(name, item) for item in when]
    return when


def _within_int64(nanoseconds: float) -> int:
    limit = 1 << 63
    return round(nanoseconds) if -limit <= nanoseconds < limit else limit - 1 if nanoseconds > 0 else -limit


def taken_ns(metadata: bytes) -> int | None:
    """When a photo was taken, as ``st_mtime_ns`` counts; without a zone it is local time. ``None``: not known."""
    try:
        taken = json.loads(metadata)["photo.taken"]
        return int(nanoseconds("photo.taken", taken)) if isinstance(taken, str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def distance_km(position: str | bytes, latitude: float, longitude: float) -> float | None:
    """The way over the ground between two places, by the haversine formula on a sphere; ``None``: it is no place."""
    try:
        there, east = (math.radians(degrees) for degrees in json.loads(position))
    except (ValueError, TypeError, RecursionError):
        return None
    here, by = math.radians(latitude), math.radians(longitude)
    chord = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin((east - by) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def is_json(text: str) -> bool:
    """Whether stored metadata is what SQLite reads: an object, without ``NaN`` and ``Infinity``.

    Raises:
        ValueError, RecursionError: it is not even what Python reads.
    """
    odd: list[str] = []
    return isinstance(json.loads(text, parse_constant=odd.append), dict) and not odd


def mended(text: str) -> str:
    """Stored metadata with ``null`` for each ``NaN`` and ``Infinity``, as older versions took; others as is."""
    try:
        return json.dumps(json.loads(text, parse_constant=lambda _: None), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def _checked(value: Any, depth: int, where: str) -> Any:
    """A value as Python's JSON writes it rightly; ``where`` names it in messages."""
    if depth > MAX_DEPTH and isinstance(value, (Mapping, list, tuple)):
        raise ValueError(f"{where[:60]}… is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {
            _name(name, where): _checked(inner, depth + 1, f"{where}[{name!r:.80}]") for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_checked(inner, depth + 1, f"{where}[{i}]") for i, inner in enumerate(value)]
    plain = _plain(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"{where} is {plain}, which JSON does not have; leave it out, or let it be None")
    if isinstance(plain, int) and plain.bit_length() > _MAX_BITS:
        raise ValueError(f"{where} is an integer of more than {_MAX_BITS:,} bits; keep it as a string")
    if isinstance(plain, str) and "\0" in plain:
        raise ValueError(f"{where} holds the character NUL, at which SQLite would end it; take it out")
    if not isinstance(plain, (str, int, float, type(None))):
        raise TypeError(f"{where} is a {type(value).__name__}, which JSON does not have{_advice(plain)}")
    return plain


def _name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{where}: its names must be strings, not {name!r:.80}")
    if "\0" in name:
        raise ValueError(f"{where}: the name {name!r:.80} holds the character NUL; take it out")
    return name


def _plain(value: Any) -> Any:
    """NumPy's numbers, bools and strings as Python's; anything else as it is, also its times."""
    is_scalar = getattr(value, "shape", None) == () and getattr(getattr(value, "dtype", None), "kind", "O") in "biufU"
    return value.item() if is_scalar else value


def _advice(value: object) -> str:
    advice = next((advice for types, advice in _ADVICE.items() if isinstance(value, types)), "")
    if hasattr(value, "tolist"):
        advice = "its tolist() can be kept" if getattr(value, "shape", ()) else "str() of it can be kept"
    return f"; {advice}" if advice else ""
