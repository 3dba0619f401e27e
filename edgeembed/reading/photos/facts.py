"""What a photo says about itself: its words, when and where it was taken, and with what."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

_MOST_CHARACTERS = 10_000
"""Of one text; more is a document, or made to do harm."""
_MOST_ITEMS = 200
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NOISE = re.compile(
    r"[A-Z. -]*DIGITAL (STILL )?CAMERA|SONY DSC|DCIM[\\/]\S*|(?i:exif_jpeg_picture|default|untitled|charset=\w*"
    r"|(created|processed|edited) with [\w .]{1,30})|[\W\d_]*"
)
"""Captions that cameras and programs write by themselves."""


@dataclass(frozen=True)
class PhotoFacts:
    """What a photo says about itself; what it does not say is empty, or ``None``."""

    title: str = ""
    caption: str = ""
    keywords: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    place: str = ""
    """From the small to the large: ``Prater, Wien, Austria``."""
    camera: str = ""
    taken: str = ""
    """ISO 8601, to the second; without a zone it is what a clock showed where the photo was taken."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""

    def __or__(self, other: PhotoFacts) -> PhotoFacts:
        """Both together; where both say something and one thing is asked for, this one."""
        return PhotoFacts(
            title=_both(self.title, other.title),
            caption=_both(self.caption, other.caption),
            keywords=_distinct((*self.keywords, *other.keywords)),
            people=_distinct((*self.people, *other.people)),
            place=self.place or other.place,
            camera=self.camera or other.camera,
            taken=self.taken or other.taken,
            position=self.position or other.position,
        )

    def metadata(self) -> dict[str, Any]:
        """As the metadata of a document: ``photo.title`` and so on, without what is not known."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            f"photo.{name}": list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value
        }

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> PhotoFacts:
        """Facts from values of any kind, of which only what makes sense is taken."""
        return cls(
            title=_saying(values.get("title")),
            caption=_saying(values.get("caption")),
            keywords=_texts(values.get("keywords")),
            people=_texts(values.get("people")),
            place=_text(values.get("place")),
            camera=_text(values.get("camera")),
            taken=_time(values.get("taken")),
            position=_position(values.get("position")),
        )


def one_line(value: object) -> str:
    """A text on one line; empty if it is none."""
    return _SPACES.sub(" ", _text(value))


def joined_place(*steps: object) -> str:
    """The name of a place from its parts, the smallest first."""
    return ", ".join(_distinct(one_line(step) for step in steps))


def camera_name(make: object, model: object) -> str:
    """Maker and model as people say them: ``Canon EOS 5D``, not ``Canon Canon EOS 5D``, and ``iPhone 12``.

    A search for "apple" must not bring every photo of a phone.
    """
    maker, name = one_line(make), one_line(model)
    if name.lower().startswith(("iphone", "ipad", "ipod")):
        return name
    first = maker.split(" ")[0].lower()
    return name if first and name.lower().startswith(first) else f"{maker} {name}".strip()


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return _CONTROLS.sub("", value[:_MOST_CHARACTERS]).strip()


def _saying(value: object) -> str:
    """A text that somebody wrote."""
    text = _text(value)
    return "" if _NOISE.fullmatch(text) else text


def _texts(values: object) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        return ()
    return _distinct(one_line(value) for _, value in zip(range(_MOST_ITEMS), values, strict=False))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    by_form = {value.casefold(): value for value in reversed([value for value in values if value])}
    return tuple(reversed(by_form.values()))


def _both(one: str, other: str) -> str:
    """Two texts; once, if one holds the other."""
    if other.casefold() in one.casefold():
        return one
    return other if one.casefold() in other.casefold() else f"{one}\n{other}"


def _time(value: object) -> str:
    """A time as ISO 8601; empty if it is none, or one that a camera without a clock writes."""
    if not isinstance(value, str):
        return ""
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return ""
    return when.isoformat(timespec="seconds") if 1800 < when.year < 2200 else ""


def _position(value: object) -> tuple[float, float] | None:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    if not all(isinstance(degrees, (int, float)) and math.isfinite(degrees) for degrees in value):
        return None
    latitude, longitude = float(value[0]), float(value[1])
    is_place = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)  # 0, 0: not known
    return (round(latitude, 6), round(longitude, 6)) if is_place else None
