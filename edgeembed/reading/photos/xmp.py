"""XMP (ISO 16684-1): what programs for photos write into a file, or into a file beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .facts import PhotoFacts, camera_name, joined_place

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_BYTES = 1 << 20
"""Larger packets are not looked at."""
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "core": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "regions": "http://www.metadataworkinggroup.com/schemas/regions/",
    "mp": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "microsoft": "http://ns.microsoft.com/photo/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digikam": "http://www.digikam.org/ns/1.0/",
}
_DEGREES = re.compile(r"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?\s*([NSEW])", re.IGNORECASE)
_PLAIN_DEGREES = re.compile(r"[+-]?\d+(?:\.\d+)?")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?")
_ZONE = re.compile(r"(Z|[+-]\d{2}:\d{2})$")


def xmp_facts(packet: bytes) -> PhotoFacts:
    """What an XMP packet says; nothing, if it is too large or no XML."""
    from defusedxml.ElementTree import fromstring

    begin, end = packet.find(b"<"), packet.rfind(b">")
    if begin < 0 or len(packet) > MOST_BYTES:
        return PhotoFacts()
    try:
        root = fromstring(packet[begin : end + 1])
    except Exception:  # broken XML, entities, an encoding that nobody knows
        return PhotoFacts()
    return _facts(_Packet(root))


class _Packet:
    """The properties of a packet, which stand as elements or as attributes."""

    def __init__(self, root: Element) -> None:
        self._values: dict[str, list[Element | str]] = {}
        for element in root.iter():
            self._values.setdefault(element.tag, []).append(element)
            for name, value in element.attrib.items():
                self._values.setdefault(name, []).append(value)

    def texts(self, prefix: str, name: str) -> list[str]:
        """All values of a property, those in lists one by one."""
        found: list[str] = []
        for value in self._values.get(f"{{{_NAMESPACES[prefix]}}}{name}", ()):
            found += [value] if isinstance(value, str) else _texts_in(value)
        return [text.strip() for text in found if text.strip()]

    def first(self, prefix: str, name: str) -> str:
        """The first value of a property; empty: there is none."""
        return next(iter(self.texts(prefix, name)), "")


def _texts_in(element: Element) -> Iterator[str]:
    """The value of a property, or of each item of the list that it holds; the default language comes first."""
    items = [item for item in element.iter(f"{_RDF}li") if item is not element]
    items.sort(key=lambda item: item.get("{http://www.w3.org/XML/1998/namespace}lang", "x-default") != "x-default")
    for item in items or [element]:
        text = item.text or item.get(f"{_RDF}value") or ""
        yield text if text.strip() else next((value.text or "" for value in item.iter(f"{_RDF}value")), "")


def _facts(packet: _Packet) -> PhotoFacts:
    facts = PhotoFacts()
    for caption in (*packet.texts("dc", "description"), *packet.texts("exif", "UserComment")):
        facts |= PhotoFacts.of({"caption": caption})
    for title in (packet.first("dc", "title"), packet.first("photoshop", "Headline")):
        facts |= PhotoFacts.of({"title": title})
    # Of a path in a tree of keywords, such as "Places|Austria|Wien", each step is one.
    trees = (*packet.texts("lr", "hierarchicalSubject"), *packet.texts("digikam", "TagsList"))
    steps = [step for tree in trees for step in re.split(r"[|/]", tree)]
    people = (("ext", "PersonInImage"), ("regions", "Name"), ("mp", "PersonDisplayName"))
    return facts | PhotoFacts.of(
        {
            "keywords": [*packet.texts("dc", "subject"), *packet.texts("microsoft", "LastKeywordXMP"), *steps],
            "people": [name for person in people for name in packet.texts(*person)],
            "place": _place(packet),
            "camera": camera_name(packet.first("tiff", "Make"), packet.first("tiff", "Model")),
            "taken": _taken(packet),
            "position": _position(packet),
        }
    )


def _place(packet: _Packet) -> str:
    plain = (("core", "Location"), ("photoshop", "City"), ("photoshop", "State"), ("photoshop", "Country"))
    struct = (("ext", "Sublocation"), ("ext", "City"), ("ext", "ProvinceState"), ("ext", "CountryName"))
    steps = [packet.first(*one) or packet.first(*other) for one, other in zip(plain, struct, strict=True)]
    return joined_place(*steps)


def _taken(packet: _Packet) -> str:
    for prefix, name in (("exif", "DateTimeOriginal"), ("photoshop", "DateCreated"), ("xmp", "CreateDate")):
        value = packet.first(prefix, name)
        if time := _TIME.match(value):
            zone = _ZONE.search(value)
            return time[0] + (zone[0].replace("Z", "+00:00") if zone and "T" in time[0] else "")
    return ""


def _position(packet: _Packet) -> tuple[float, float] | None:
    degrees = [_degrees(packet.first("exif", name)) for name in ("GPSLatitude", "GPSLongitude")]
    return None if degrees[0] is None or degrees[1] is None else (degrees[0], degrees[1])


def _degrees(text: str) -> float | None:
    """``48,12.5N``, ``48,12,30N``, or a plain number."""
    if match := _DEGREES.fullmatch(text.strip()):
        value = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
        return -value if match[4].upper() in "SW" else value
    return float(text) if _PLAIN_DEGREES.fullmatch(text.strip()) else None
