"""Subtitles: SubRip and WebVTT."""

from __future__ import annotations

import re

from ...decode import decode
from ...extracted import ExtractedText
from ...extras import Unreadable

_CUE = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}\s*-->")
_CUE_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")


def read_subtitles(data: bytes) -> ExtractedText:
    """SubRip and WebVTT. Times become empty lines, so that the line of a hit is the line to look at."""
    text = decode(data)
    if text is None:
        raise Unreadable("not text")
    lines = text.split("\n")
    spoken_lines = [""] * len(lines)
    last, spoken = "", False
    for number, line in enumerate(lines):
        if _CUE.match(line):
            spoken = True
        elif not line.strip():
            spoken = False
        elif spoken and (words := _CUE_MARKUP.sub("", line).strip()) != last:  # captions made live repeat lines
            spoken_lines[number] = last = words
    return ExtractedText("\n".join(spoken_lines), lines=True)
