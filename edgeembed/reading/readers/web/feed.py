"""Feeds: RSS and Atom."""

from __future__ import annotations

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from .html import html_text

_ITEMS = ("item", "entry")
_BODIES = ("description", "summary", "content", "encoded")


def read_feed(data: bytes) -> ExtractedText:
    """RSS and Atom: title and text of each entry."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(data)
    except ParseError as error:
        raise Unreadable("damaged: not a whole XML file") from error
    builder = TextBuilder()
    for element in root.iter():
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if name in ("channel", "feed", *_ITEMS):
            texts = {child.tag.rpartition("}")[2]: "".join(child.itertext()) for child in element}
            builder.end_paragraph()
            builder.add(" ".join(html_text(texts.get("title", "")).text.split()))
            builder.end_paragraph("## " if name in _ITEMS else "# ")
            bodies = [html_text(texts[body]).text for body in _BODIES if body in texts]
            builder.add(max(bodies, key=len, default=""))
            builder.end_line(verbatim=True)
    return builder.extracted()
