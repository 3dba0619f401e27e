"""EPUB books to text, chapters in order."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read
from tests.support.documents import reason, zipped


def epub(kind: str = "application/epub+zip", **more: str | bytes) -> bytes:
    parts: dict[str, str | bytes] = {
        "META-INF__container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS__book.opf": """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Night Ferry
            </dc:title><dc:creator>A. Writer</dc:creator></metadata><manifest><item id="b" href="two%20b.xhtml"/>
            <item id="a" href="one.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine>
            </package>""",
        "OEBPS__one.xhtml": "<html><head><title>one</title></head><body><h1>One</h1><p>Fog &amp; tide&nbsp;…</p>",
        "OEBPS__two b.xhtml": "<html><body><p>The harbour</p></body></html>",
    }
    return zipped(**{"mimetype": kind} | parts | more)


def test_epub_chapters_are_in_order() -> None:
    text = read("zip", epub()).text
    assert text == "# Night Ferry\n\n# A. Writer\n\n# One\n\nFog & tide …\n\nThe harbour\n\n"


def test_epub_that_is_protected() -> None:
    fonts = {"META-INF__encryption.xml": '<e><CipherReference URI="OEBPS/font.ttf"/></e>'}
    assert "harbour" in read("zip", epub(**fonts)).text
    chapters = {"META-INF__encryption.xml": '<e><CipherReference URI="OEBPS/one.xhtml"/></e>'}
    assert reason("zip", epub(**chapters)) == "encrypted: protected against copying"


def test_a_picture_between_chapters() -> None:
    package = """<package><manifest><item id="p" href="cover" media-type="image/png"/><item id="x" href="cover"/><item
        id="a" href="one.xhtml"/></manifest><spine><itemref idref="p"/><itemref idref="x"/><itemref idref="gone"/>
        <itemref idref="a"/></spine></package>"""
    parts = {"OEBPS__book.opf": package, "OEBPS__cover": b"\x89PNG\r\n\x1a\n\0\0"}
    assert read("zip", epub(**parts)).text == "# One\n\nFog & tide …\n\n"


@pytest.mark.parametrize("kind", ["", " ", "application/epub+zip\n", "application/epub+zip;"])
def test_a_book_that_does_not_say_what_it_is(kind: str) -> None:
    assert "harbour" in read("zip", epub(kind)).text
