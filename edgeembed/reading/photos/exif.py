"""EXIF (CIPA DC-008) and IPTC (IIM 4.2): the words, time, place and camera of a photo in its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..decode import decode
from .facts import PhotoFacts, camera_name, joined_place

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_DESCRIPTION, _MAKE, _MODEL, _CHANGED = 0x010E, 0x010F, 0x0110, 0x0132
_TAKEN, _DIGITIZED, _TAKEN_OFFSET, _COMMENT = 0x9003, 0x9004, 0x9011, 0x9286
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F
"""Of Windows, in UTF-16."""
_TIME = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
_IIM_KEYWORDS, _IIM_CHARSET = (2, 25), (1, 90)
_IIM_TITLE, _IIM_HEADLINE, _IIM_CAPTION, _IIM_DAY, _IIM_TIME = (2, 5), (2, 105), (2, 120), (2, 55), (2, 60)
_IIM_PLACE = ((2, 92), (2, 90), (2, 95), (2, 101))
"""Sublocation, city, province, country."""


def exif_facts(exif: Any) -> PhotoFacts:
    """What EXIF data says, given as Pillow's ``Exif``."""
    outer, inner, gps = _whole(exif), _part(exif, _EXIF_IFD), _part(exif, _GPS_IFD)
    values = {**outer, **inner}
    camera = camera_name(_string(values.get(_MAKE)), _string(values.get(_MODEL)))
    # The time of the last change counts only of a camera's file: programs set it when they write.
    times = [values.get(tag) for tag in (_TAKEN, _DIGITIZED, *((_CHANGED,) if camera else ()))]
    taken = next(filter(None, (PhotoFacts.of({"taken": _moment(time)}).taken for time in times)), "")
    offset = _string(values.get(_TAKEN_OFFSET))
    captions = [
        _string(values.get(_DESCRIPTION)),
        _comment(values.get(_COMMENT)),
        *(_utf16(values.get(tag)) for tag in (_XP_COMMENT, _XP_SUBJECT)),
    ]
    facts = PhotoFacts()
    for caption in captions:
        facts |= PhotoFacts.of({"caption": caption})
    return facts | PhotoFacts.of(
        {
            "title": _utf16(values.get(_XP_TITLE)),
            "keywords": _utf16(values.get(_XP_KEYWORDS)).split(";"),
            "camera": camera,
            "taken": taken + offset if taken and _OFFSET.fullmatch(offset) else taken,
            "position": _gps_position(gps or outer),  # in a CR3 a structure of its own
        }
    )


def _gps_position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, from the tags of GPS data."""
    degrees = [_degrees(gps.get(tag + 1), _string(gps.get(tag)), negative) for tag, negative in ((1, "S"), (3, "W"))]
    return None if degrees[0] is None or degrees[1] is None else (degrees[0], degrees[1])


def _degrees(parts: Any, reference: str, negative: str) -> float | None:
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    try:
        value = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    except (TypeError, ValueError, ArithmeticError):
        return None
    return -value if reference.upper().startswith(negative) else value


def _whole(exif: Any) -> dict[int, Any]:
    """What stands in EXIF data itself, as far as it can be read."""
    values = {}
    for tag in exif:
        try:
            values[tag] = exif[tag]
        except Exception:  # as below
            continue
    return values


def _part(exif: Any, tag: int) -> dict[int, Any]:
    """One of the directories inside; empty if it is damaged."""
    try:
        return dict(exif.get_ifd(tag))
    except Exception:  # Pillow lets through whatever damaged numbers cause
        return {}


def _string(value: object) -> str:
    """An ASCII tag; Pillow takes it for Latin-1, and many programs write UTF-8."""
    if isinstance(value, tuple):
        value = value[0] if value else ""
    if isinstance(value, str):
        raw = value.encode("latin-1", "replace") if all(letter < "\u0100" for letter in value) else None
        value = value if raw is None or raw.isascii() else _decoded(raw)
    elif isinstance(value, bytes):
        value = _decoded(value)
    return value.partition("\0")[0].strip() if isinstance(value, str) else ""


def _decoded(raw: bytes) -> str:
    return decode(raw.rstrip(b"\0")) or ""


def _comment(value: object) -> str:
    """A ``UserComment``, which names its encoding in its first eight bytes."""
    if not isinstance(value, bytes):
        return _string(value)
    name, text = value[:8].rstrip(b"\0 "), value[8:]
    if name == b"UNICODE":
        little = text[1::2].count(0) >= text[::2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", "ignore").partition("\0")[0]
    if name == b"JIS":
        return text.decode("iso2022_jp", "ignore").partition("\0")[0]
    return _string(text if name in (b"ASCII", b"") else value)


def _utf16(value: object) -> str:
    if isinstance(value, tuple) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        value = bytes(value)
    return value.decode("utf-16-le", "ignore").partition("\0")[0] if isinstance(value, bytes) else ""


def _moment(value: object) -> str:
    match = _TIME.match(_string(value))
    return "" if match is None else "{}-{}-{}T{}:{}:{}".format(*match.groups("00"))


def iptc_facts(data: bytes) -> PhotoFacts:
    """What IPTC data says: the resource 0x0404 of Photoshop."""
    found: dict[tuple[int, int], list[bytes]] = {}
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        length = int.from_bytes(data[at + 3 : at + 5])
        if length & 0x8000:  # an extended data set: nobody writes texts of more than 32 kB
            break
        found.setdefault((data[at + 1], data[at + 2]), []).append(data[at + 5 : at + 5 + length])
        at += 5 + length
    is_utf8 = found.get(_IIM_CHARSET, [b""])[0] == b"\x1b%G"

    def texts(name: tuple[int, int]) -> list[str]:
        return [raw.decode("utf-8", "replace") if is_utf8 else _decoded(raw) for raw in found.get(name, ())]

    def first(name: tuple[int, int]) -> str:
        return next(iter(texts(name)), "")

    day, time = first(_IIM_DAY), first(_IIM_TIME)
    taken = f"{day[:4]}-{day[4:6]}-{day[6:8]}T{time[:2] or '00'}:{time[2:4] or '00'}:{time[4:6] or '00'}"
    return PhotoFacts.of({"title": first(_IIM_TITLE)}) | PhotoFacts.of(
        {
            "title": first(_IIM_HEADLINE),
            "caption": first(_IIM_CAPTION),
            "keywords": texts(_IIM_KEYWORDS),
            "place": joined_place(*map(first, _IIM_PLACE)),
            "taken": taken,
        }
    )
