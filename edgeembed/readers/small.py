"""Formats that take a few lines each: rich text, notebooks, subtitles."""

from __future__ import annotations

import json
import re
from typing import Any

from ..documents import decode
from .extracted import Extracted, TextBuilder, Unreadable

_CUE = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}\s*-->")
_CUE_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")
_MOST_OUTPUT = 4000
"""Characters of a notebook cell's output that are kept: the rest of a long log says nothing new."""


def read_rtf(data: bytes) -> Extracted:
    """Rich text."""
    from striprtf.striprtf import rtf_to_text

    builder = TextBuilder()
    # All of its text beyond ASCII is escaped; the code page of the escapes is named in the file.
    text = rtf_to_text(data.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    for line in text.splitlines():
        builder.add(line.rstrip("|").replace("|", " | "))  # how striprtf ends and divides the rows of tables
        builder.end_paragraph()
    return builder.extracted()


def read_notebook(data: bytes) -> Extracted:
    """A Jupyter notebook: text, code and printed output of its cells.

    https://nbformat.readthedocs.io/en/latest/format_description.html, versions 3 and 4.
    """
    try:
        book = json.loads(data)
        cells = book["cells"] if "cells" in book else [c for sheet in book["worksheets"] for c in sheet["cells"]]
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable("damaged: not a whole notebook") from error
    builder = TextBuilder()
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "code":
            source = f"```\n{source}\n```" if source.strip() else ""
        for text in (source, *map(_output, cell.get("outputs", ()))):
            builder.add(text)
            builder.end_paragraph(verbatim=True)
    return builder.extracted()


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", output)
    return _joined(data.get("text/plain", output.get("text", "")))[:_MOST_OUTPUT]


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def read_subtitles(data: bytes) -> Extracted:
    """SubRip and WebVTT. Times become empty lines, so that the line of a hit is the line to look at."""
    text = decode(data)
    if text is None:
        raise Unreadable("not text")
    lines = text.split("\n")
    kept = [""] * len(lines)
    last, spoken = "", False
    for number, line in enumerate(lines):
        if _CUE.match(line):
            spoken = True
        elif not line.strip():
            spoken = False
        elif spoken and (words := _CUE_MARKUP.sub("", line).strip()) != last:  # captions made live repeat lines
            kept[number] = last = words
    return Extracted("\n".join(kept), lines=True)
