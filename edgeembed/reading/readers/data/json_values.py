"""JSON, and JSON in lines: names with their values."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from ...extracted import ExtractedText
from ..text_builder import TextBuilder
from .rows import one_line, text_of

_MOST_NUMBERS = 16
_LONGEST_WORD = 400
"""Longer strings without a blank are data for machines, such as pictures in base64."""


def read_json(data: bytes) -> ExtractedText:
    """JSON: a line for each record of a list, and for each value elsewhere."""
    text = text_of(data)
    try:
        value = json.loads(text)
    except ValueError:
        return read_json_lines(data)  # several values in one file, or comments between them
    builder = TextBuilder()
    for line in _lines(value, ""):
        builder.add(line)
        builder.end_line()
    return builder.extracted()


def read_json_lines(data: bytes) -> ExtractedText:
    """A JSON value in each line."""
    text = text_of(data)
    out = io.StringIO()
    for line in io.StringIO(text):
        try:
            out.write(_record(json.loads(line)) if line.strip() else "")
        except ValueError:
            return ExtractedText(text, lines=True)
        out.write("\n")
    return ExtractedText(out.getvalue(), lines=True)


def _lines(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for item in value:
            if record := _record(item):
                yield f"{path}: {record}" if path else record
    elif words := _words(value):
        yield f"{path}: {words}" if path else words


def _record(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return ", ".join(_lines(value, ""))
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "; ".join(filter(None, map(_record, value[: _MOST_NUMBERS if _is_numbers(value) else None])))
    return _words(value)


def _is_numbers(value: Any) -> bool:
    """Whether a list holds lists of numbers, as outlines of countries do."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, (int, float))


def _words(value: Any) -> str:
    if isinstance(value, list):
        numbers = sum(isinstance(item, (int, float)) for item in value)
        if numbers > _MOST_NUMBERS:
            return f"{numbers} numbers"
        return ", ".join(filter(None, map(_words, value)))
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = one_line(str(value))
    return "" if len(text) > _LONGEST_WORD and " " not in text and text.isascii() else text
