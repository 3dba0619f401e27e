"""Text between tags, for pages with which a parser takes too long. Each step goes through the text once."""

from __future__ import annotations

import html
import re

from ...extracted import ExtractedText
from ..text_builder import TextBuilder
from .html import decode_html

_UNSEEN = re.compile(r"<(script|style|!--)", re.IGNORECASE)
_ENDS = {"script": "</script", "style": "</style", "!--": "-->"}
_TAG = re.compile(r"<[^<>]*>?")
_BORDER = re.compile(r"</?(?:p|div|br|li|tr|h[1-6]|table|section|article|title|item|entry)\b", re.IGNORECASE)


def read_markup(data: bytes) -> ExtractedText:
    """What stands between tags, scripts and styles left out; a paragraph ends where a tag says so."""
    return markup_text(decode_html(data))


def markup_text(markup: str) -> ExtractedText:
    """As :func:`read_markup`, of what is decoded already."""
    builder = TextBuilder()
    at = 0
    text = _seen(markup)
    for tag in _TAG.finditer(text):
        builder.add(html.unescape(text[at : tag.start()]).replace("\n", " "))
        at = tag.end()
        builder.end_line() if _BORDER.match(tag[0]) else builder.add(" ")
    builder.add(html.unescape(text[at:]))
    return builder.extracted()


def _seen(text: str) -> str:
    """The text without what is not shown; what is not closed reaches to the end."""
    lower, parts, at = text.lower(), [], 0
    while match := _UNSEEN.search(text, at):
        parts.append(text[at : match.start()])
        end = lower.find(_ENDS[match[1].lower()], match.end())
        if end < 0 or len(lower) != len(text):
            return "".join(parts)
        at = end + (3 if match[1] == "!--" else 0)
    return "".join([*parts, text[at:]])
