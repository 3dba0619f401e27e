"""JSON, and JSON in lines: names with their values."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any

from ...extracted import ExtractedText
from ..text_builder import TextBuilder
from .rows import lines_of, one_line, text_of

_MOST_NUMBERS = 1000
"""Longer lists of numbers are series for machines."""
_MOST_MEASURED = 16
_LONGEST_NUMBER = 8
"""Decimals with more signs are measured or computed, and nobody looks them up: many of them are counted only."""
_LARGE = 1 << 20
"""Characters from which on a file is read in pieces."""
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")
_LONGEST_WORD = 400
"""Longer strings without a blank are data for machines, such as images in base64."""


def read_json(data: bytes) -> ExtractedText:
    """JSON: a line for each record of a list, and for each value elsewhere."""
    text = text_of(data)
    builder = TextBuilder()
    try:
        for line in _lines_in_pieces(text) if len(text) > _LARGE else _lines(json.loads(text), ""):
            builder.add(line)
            builder.end_line()
    except ValueError:
        return read_json_lines(data)  # several values in one file, or comments between them
    return builder.extracted()


def _lines_in_pieces(text: str) -> Iterator[str]:
    """As :func:`_lines`, of one record of a list after the other: all at once would take ten times the file's memory.

    Raises:
        ValueError: it is no JSON.
    """
    at = _after_blanks(text, 0)
    if text[at : at + 1] == "[":
        end = yield from _list_in_pieces(text, at, "")
    elif text[at : at + 1] == "{":
        end = yield from _object_in_pieces(text, at)
    else:
        value, end = _DECODER.raw_decode(text, at)
        yield from _lines(value, "")
    if _after_blanks(text, end) < len(text):
        raise ValueError("more than one value")


def _object_in_pieces(text: str, at: int) -> Generator[str, None, int]:
    """The lines of the object that begins at ``at``, lists in it in pieces; returns where it ends."""
    at = _after_blanks(text, at + 1)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        name, at = _DECODER.raw_decode(text, at)
        at = _after_blanks(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            raise ValueError("no name and value")
        at = _after_blanks(text, at + 1)
        if text[at : at + 1] == "[":
            at = yield from _list_in_pieces(text, at, name)
        else:
            value, at = _DECODER.raw_decode(text, at)
            yield from _lines(value, name)
        at, is_end = _after_item(text, at, "}")
        if is_end:
            return at


def _list_in_pieces(text: str, at: int, path: str) -> Generator[str, None, int]:
    """The lines of the list that begins at ``at``; returns where it ends."""
    plain: list[Any] = []
    has_records = False
    at = _after_blanks(text, at + 1)
    is_end = text[at : at + 1] == "]"
    at += is_end
    while not is_end:
        value, at = _DECODER.raw_decode(text, at)
        plain.append(value)
        has_records = has_records or isinstance(value, (dict, list))
        if has_records:
            yield from _lines(plain, path) if isinstance(value, (dict, list)) else _lines([value], path)
            plain.clear()
        at, is_end = _after_item(text, at, "]")
    yield from _lines(plain, path)
    return at


def _after_item(text: str, at: int, end: str) -> tuple[int, bool]:
    """Where the next item begins, or the list or object ends."""
    at = _after_blanks(text, at)
    sign = text[at : at + 1]
    if sign not in (",", end):
        raise ValueError("no end of an item")
    return (at + 1, True) if sign == end else (_after_blanks(text, at + 1), False)


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return at if match is None else match.end()


def read_json_lines(data: bytes) -> ExtractedText:
    """A JSON value in each line."""
    text = text_of(data)
    out = []
    for line in lines_of(text):
        try:
            out.append(_record(json.loads(line)) if line.strip() else "")
        except ValueError:
            return ExtractedText(text, lines=True)
    return ExtractedText("\n".join([*out, ""]), lines=True)


def _lines(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for item in value[: _most_of_lists(value)]:
            if record := _record(item):
                yield f"{path}: {record}" if path else record
    elif words := _words(value):
        yield f"{path}: {words}" if path else words


def _record(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return ", ".join(_lines(value, ""))
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "; ".join(filter(None, map(_record, value[: _most_of_lists(value)])))
    return _words(value)


def _most_of_lists(value: list[Any]) -> int:
    """How many of the lists in a list are shown: few where they are numbers, as outlines of countries are."""
    first = list(islice(_leaves(value), 2 * _MOST_MEASURED))
    if not all(isinstance(leaf, (int, float)) for leaf in first):
        return len(value)
    return _MOST_MEASURED if any(map(_is_measured, first)) else _MOST_NUMBERS


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_measured(value: Any) -> bool:
    return isinstance(value, float) and len(repr(value)) > _LONGEST_NUMBER


def _words(value: Any) -> str:
    if isinstance(value, list):
        numbers = [item for item in value if isinstance(item, (int, float)) and not isinstance(item, bool)]
        most = _MOST_MEASURED if any(map(_is_measured, numbers)) else _MOST_NUMBERS
        if len(numbers) <= most:
            return ", ".join(filter(None, map(_words, value)))
        others = (item for item in value if isinstance(item, bool) or not isinstance(item, (int, float)))
        return ", ".join(filter(None, [f"{len(numbers)} numbers", *map(_words, others)]))
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = one_line(str(value))
    return "" if len(text) > _LONGEST_WORD and " " not in text and text.isascii() else text
