"""Jupyter notebooks."""

from __future__ import annotations

import json
from typing import Any

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder

_MOST_OUTPUT = 4000
"""Characters of a notebook cell's output that are kept: the rest of a long log says nothing new."""


def read_notebook(data: bytes) -> ExtractedText:
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
