"""Files beside a photo that say something of it: XMP files, the JSON of Google Takeout; and which belongs to which.

Which belongs to which is told by names alone; :func:`with_sidecars` reads.
"""

from __future__ import annotations

import json
import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .facts import PhotoFacts
from .xmp import MOST_BYTES, xmp_facts

_SUPPLEMENT = ".supplemental-metadata"
_LONGEST = range(44, 48)
"""Takeout cuts the name of a JSON file to some 46 characters, ``.json`` and a number not counted."""
_MOST_ALIKE = 20
"""Photos whose names begin alike that are looked at for one JSON."""
_NUMBERED = re.compile(r"(.*?)(\(\d+\))")
_NUMBERED_PHOTO = re.compile(r"(.*?)(\(\d+\))(\.\w+)")
_EDITED = re.compile(
    r"(.*)-(?:edited|bearbeitet|modifié|modifie|editado|modificato|bewerkt|redigerad|redigeret|edytowane|upraveno"
    r"|düzenlendi|editat|muokattu|編集済み|已修改|수정됨|отредактировано|изменено)(\.\w+)"
)
"""What Takeout calls the changed copy of a photo, in some languages; the JSON is that of the original."""
_EDITS = ".aae"
"""What Apple's Photos changed, for its own use."""


def sidecars_by_photo(photos: Iterable[str], others: Iterable[str]) -> dict[str, list[str]]:
    """The files of a folder that belong to each of its photos.

    Args:
        photos: names of photos, raw ones too, without their folder.
        others: names of the other files there.

    Returns:
        By the name of a photo the names of its sidecars; photos that have none are left out. A sidecar may belong to
        several photos: a raw and its JPEG, an original and its edited copy.
    """
    named = sorted(photos)
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for photo in named:
        by_name.setdefault(photo.lower(), []).append(photo)
        by_stem.setdefault(posixpath.splitext(photo)[0].lower(), []).append(photo)
    found: dict[str, list[str]] = {}
    takeout = []
    for other in sorted(others):
        stem, suffix = posixpath.splitext(other)
        if suffix.lower() in (".xmp", _EDITS):
            owners = by_name.get(stem.lower()) or by_stem.get(stem.lower(), [])
        elif suffix.lower() == ".json":
            takeout.append((other, stem))
            continue
        else:  # the copy that exiftool leaves
            owners = by_name.get(other.removesuffix("_original").lower(), []) if other.endswith("_original") else []
        for photo in owners:
            found.setdefault(photo, []).append(other)
    if takeout:
        _add_takeout(found, named, takeout)
    return found


def _add_takeout(found: dict[str, list[str]], photos: list[str], takeout: list[tuple[str, str]]) -> None:
    """Add the JSON of Takeout to what belongs to photos. ``IMG_1(2).jpg`` has ``IMG_1.jpg(2).json``."""
    names: dict[str, str] = {}  # by the name that the JSON was called after, its number at the end
    for photo in photos:
        match = _NUMBERED_PHOTO.fullmatch(photo)
        names[f"{match[1]}{match[3]}{match[2]}" if match else photo] = photo
    ordered = sorted(names)
    owned = set()
    for other, stem in takeout:
        for name in _named_after(stem, names, ordered):
            found.setdefault(names[name], []).append(other)
            owned.add(names[name])
    for photo in photos:
        edited = _EDITED.fullmatch(photo)
        if edited is not None and photo not in owned:
            original = found.get(edited[1] + edited[2], ())
            found.setdefault(photo, []).extend(other for other in original if other.lower().endswith(".json"))
            if not found[photo]:
                del found[photo]


def _named_after(stem: str, names: Mapping[str, str], ordered: list[str]) -> list[str]:
    """The names that a JSON may be called after: whole, with an ending; or cut, if it is as long as they are cut to."""
    match = _NUMBERED.fullmatch(stem)
    name, number = (match[1], match[2]) if match else (stem, "")
    for length in range(len(_SUPPLEMENT) + 1):
        if name.endswith(_SUPPLEMENT[:length]) and (whole := name[: len(name) - length] + number) in names:
            return [whole]
    if len(name) not in _LONGEST:
        return []
    begin = bisect_left(ordered, name)
    longer = ordered[begin : begin + _MOST_ALIKE]
    return [other for other in longer if other.startswith(name) and other.endswith(number)][:1]


def with_sidecars(facts: PhotoFacts, paths: Iterable[Path]) -> PhotoFacts:
    """What a photo says of itself, and files beside it; of those that cannot be read, nothing.

    What a person wrote into an XMP file counts more than what the photo says, and that more than what Google knows.
    """
    for path in paths:
        suffix = path.suffix.lower()
        if suffix not in (".xmp", ".json"):
            continue
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError:
            continue
        if len(data) <= MOST_BYTES:
            facts = xmp_facts(data) | facts if suffix == ".xmp" else facts | takeout_facts(data)
    return facts


def takeout_facts(data: bytes) -> PhotoFacts:
    """What the JSON of Google Takeout, or another program's with like names, says of a photo."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return PhotoFacts()
    if not isinstance(values, dict):
        return PhotoFacts()
    people = values.get("people")
    return PhotoFacts.of(
        {
            "title": _own_title(values.get("title")),
            "caption": values.get("description") or values.get("caption"),
            "keywords": values.get("keywords") or values.get("tags"),
            "people": [item.get("name") for item in people if isinstance(item, dict)]
            if isinstance(people, list)
            else (),
            "taken": _moment(values.get("photoTakenTime")),
            "position": _position(values.get("geoData")) or _position(values.get("geoDataExif")),
        }
    )


def _own_title(title: object) -> str:
    """A title that is no name of a file, which Takeout writes."""
    return title if isinstance(title, str) and not re.fullmatch(r".*\.\w{2,5}", title, re.DOTALL) else ""


def _moment(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(value["timestamp"]), UTC).isoformat()
    except (TypeError, KeyError, ValueError, OverflowError, OSError):
        return ""


def _position(value: Any) -> tuple[Any, Any] | None:
    return (value.get("latitude"), value.get("longitude")) if _has_place(value) else None


def _has_place(value: Any) -> bool:
    return isinstance(value, dict) and any(value.get(name) for name in ("latitude", "longitude"))
