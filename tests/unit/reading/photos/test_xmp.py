"""XMP as programs write it: properties as elements and as attributes, lists, trees of keywords, faces."""

from __future__ import annotations

import pytest
from PIL import Image

from edgeembed.reading.images import facts_of, opened
from edgeembed.reading.photos.facts import PhotoFacts
from edgeembed.reading.photos.xmp import MOST_BYTES, xmp_facts
from tests.support.images import saved

NAMES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def packet(inside: str, attributes: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
        + " " * 100
        + '<?xpacket end="w"?>'
    ).encode()


def bag(name: str, *items: str, kind: str = "Bag") -> str:
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:{kind}></{name}>"


FULL = packet(
    bag("dc:subject", "sea", "harbour")
    + '<dc:description><rdf:Alt><rdf:li xml:lang="de">Ein Boot</rdf:li><rdf:li xml:lang="x-default">A boat</rdf:li>'
    "</rdf:Alt></dc:description>"
    + bag("dc:title", "Dawn", kind="Alt")
    + bag("lr:hierarchicalSubject", "Places|Italy|Trieste")
    + bag("Iptc4xmpExt:PersonInImage", "Ann Lee")
    + '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description '
    'mwg-rs:Name="Uncle Bob" mwg-rs:Type="Face"/></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>'
    "<photoshop:Country>Italy</photoshop:Country><exif:GPSLongitude>13,46.5E</exif:GPSLongitude>",
    'photoshop:City="Trieste" exif:GPSLatitude="45,39,0N" exif:DateTimeOriginal="2019-07-14T05:30:05.12+02:00" '
    'tiff:Make="Canon" tiff:Model="EOS"',
)
FACTS = PhotoFacts(
    title="Dawn",
    caption="A boat\nEin Boot",
    keywords=("sea", "harbour", "Places", "Italy", "Trieste"),
    people=("Ann Lee", "Uncle Bob"),
    place="Trieste, Italy",
    camera="Canon EOS",
    taken="2019-07-14T05:30:05+02:00",
    position=(45.65, 13.775),
)


def test_a_full_packet() -> None:
    assert xmp_facts(FULL) == FACTS


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "PNG"])
def test_in_a_picture(file_format: str) -> None:
    options: dict[str, object] = {"xmp": FULL} if file_format == "WEBP" else {}
    if file_format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", FULL.decode())
        options = {"pnginfo": info}
    data = saved(Image.new("RGB", (20, 20)), file_format, **options)
    if file_format == "JPEG":
        segment = b"http://ns.adobe.com/xap/1.0/\0" + FULL
        data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2) + segment + data[2:]
    with opened(data) as image:
        assert facts_of(image) == FACTS


@pytest.mark.parametrize(
    ("attributes", "taken"),
    [
        ('xmp:CreateDate="2001-02-03T04:05:06Z"', "2001-02-03T04:05:06+00:00"),
        ('photoshop:DateCreated="1968-05-01"', "1968-05-01T00:00:00"),
        ('xmp:CreateDate="1968"', ""),
    ],
)
def test_times(attributes: str, taken: str) -> None:
    assert xmp_facts(packet("", attributes)).taken == taken


@pytest.mark.parametrize(
    ("latitude", "longitude", "position"),
    [
        ("33,51.4S", "151,12.9W", (-33.856667, -151.215)),
        ("-33.5", "151.25", (-33.5, 151.25)),
        ("33,51.4S", "", None),
        ("north", "151", None),
    ],
)
def test_places(latitude: str, longitude: str, position: tuple[float, float] | None) -> None:
    found = xmp_facts(packet("", f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"'))
    assert found.position == position


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no XML",
        FULL[:400],
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 100_000,
        FULL + b" " * MOST_BYTES,
    ],
    ids=["empty", "text", "cut", "entities", "deep", "large"],
)
def test_what_is_no_packet_says_nothing(data: bytes) -> None:
    assert xmp_facts(data) == PhotoFacts()
