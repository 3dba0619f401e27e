"""Feeds: RSS and Atom."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from .html import decode_html, html_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ITEMS = ("item", "entry")
_BODIES = ("description", "summary", "content", "encoded")
_PROLOG = re.compile(r"\A\s*(?:<\?xml[^>]*>)?")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[[^\]]*\])?\s*>", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});|[A-Za-z][A-Za-z0-9]{0,31};)?")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PREDEFINED = ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;")


def read_feed(data: bytes) -> ExtractedText:
    """RSS and Atom: title and text of each entry; of a feed that is no XML, what stands between its tags.

    Raises:
        Unreadable: it is damaged, or no text.
    """
    from .markup import markup_text

    text = decode_html(data)
    if (root := _parsed(text)) is not None:
        return _entries(root)
    extracted = markup_text(text.replace("<![CDATA[", "").replace("]]>", ""))
    if not extracted.text.strip():
        raise Unreadable("damaged: not a whole XML file")
    return extracted


def _parsed(text: str) -> Element | None:
    """Its root; ``None``: it is no XML, even where what feeds get wrong is mended."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    text = _PROLOG.sub("", text, count=1)  # it is decoded, whatever it says
    for mend in (str, _mended):
        try:
            root: Element = fromstring(mend(text))
        except (ParseError, DefusedXmlException):
            continue
        return root
    return None


def _mended(text: str) -> str:
    """A feed with its bare ``&``, the entities of HTML and what XML does not allow replaced, and none declared."""
    return _REFERENCE.sub(_as_xml, _NOT_IN_XML.sub("", _DOCTYPE.sub("", text, count=1)))


def _as_xml(reference: re.Match[str]) -> str:
    name = reference[0]
    if name in _PREDEFINED:
        return name
    return html.escape(_NOT_IN_XML.sub("", html.unescape(name)), quote=False)


def _entries(root: Element) -> ExtractedText:
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
