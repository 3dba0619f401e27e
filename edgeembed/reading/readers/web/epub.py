"""EPUB: books, which are web pages in a zip archive. https://www.w3.org/TR/epub-33/"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from contextlib import suppress

from ...extracted import ExtractedText, with_asides
from ...extras import Unreadable
from ..text_builder import TextBuilder
from ..zip_archive import Archive, joined
from .html import decode_html, html_text, is_page, page_text


def read_epub(archive: Archive) -> ExtractedText:
    """The chapters of a book in their order, after its title and author.

    Raises:
        Unreadable: it is protected against copying, or damaged.
    """
    roots = [e.attributes.get("full-path", "") for e in archive.elements("META-INF/container.xml")]
    root = next(filter(None, roots), "")
    package, folder = archive.elements(root), posixpath.dirname(root)
    chapters = [e.attributes for e in package if e.name == "item" and not _is_image(e.attributes)]
    parts = {chapter.get("id"): chapter.get("href", "") for chapter in chapters}
    references = [e.attributes.get("idref") for e in package if e.name == "itemref"]
    order = [joined(folder, parts[reference]) for reference in references if reference in parts]
    closed = archive.part("META-INF/encryption.xml") if "META-INF/encryption.xml" in archive else b""
    if any(part.encode() in closed for part in order):  # fonts may be, for their own reasons
        raise Unreadable("encrypted: protected against copying")
    builder = TextBuilder()
    for line in [e.text for e in package if e.name in ("title", "creator")]:
        builder.add(line)
        builder.end_paragraph("# ")
    asides = list[str]()
    for part in order:
        if part in archive:
            with suppress(Unreadable):  # a chapter that is none, or is damaged, costs itself alone
                markup = decode_html(archive.part(part))
                chapter = page_text(markup) if is_page(markup) else html_text(markup, title=False)
                builder.add(chapter.text[: chapter.aside])
                builder.end_paragraph(verbatim=True)
                asides += [] if chapter.aside is None else [chapter.text[chapter.aside :]]
    return with_asides(builder.extracted(), asides)


def _is_image(item: Mapping[str, str]) -> bool:
    """Whether a part of a book, which may stand between its chapters, is an image; SVG is one written in letters."""
    return item.get("media-type", "").startswith("image/")
