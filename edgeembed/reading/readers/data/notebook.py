"""Jupyter notebooks."""

from __future__ import annotations

import json
import re
from typing import Any

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from ..web.html import html_text

_MOST_OUTPUT = 4000
"""Characters of a notebook cell's output that are kept: the rest of a long log says nothing new."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OBJECT = re.compile(r"<[^<>\n]*>|[\w.]+\([^\n]*\)")
"""A plain form that names an object only, as ``<IPython.core.display.HTML object>``."""


def read_notebook(data: bytes) -> ExtractedText:
    """A Jupyter notebook: text, code and output of its cells, errors too.

    https://nbformat.readthedocs.io/en/latest/format_description.html, versions 3 and 4.
    """
    try:
        book = json.loads(data)
        sheets = [book] if "cells" in book else book.get("worksheets", []) if "nbformat" in book else book["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet.get("cells", [])]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
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
    """What an output shows, in its best form; version 3 has the forms beside the kind, under shorter names."""
    if output.get("output_type") in ("error", "pyerr"):
        lines = [f"{output.get('ename', '')}: {output.get('evalue', '')}", *output.get("traceback", ())]
        return _COLOUR.sub("", "\n".join(lines))[:_MOST_OUTPUT]
    data = output.get("data", output)
    plain = _joined(data.get("text/plain", output.get("text", "")))
    if markdown := _joined(data.get("text/markdown", "")):
        return markdown[:_MOST_OUTPUT]
    html = _joined(data.get("text/html", output.get("html", "")))
    if html and (not plain.strip() or _OBJECT.fullmatch(plain.strip())):
        plain = html_text(html).text or plain
    return plain[:_MOST_OUTPUT]


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
