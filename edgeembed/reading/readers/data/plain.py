"""Text as it is, for data whose own reader cannot cope with it."""

from __future__ import annotations

from ...extracted import ExtractedText
from .rows import text_of


def read_plain(data: bytes) -> ExtractedText:
    """All of it, with its lines."""
    return ExtractedText(text_of(data), lines=True)
