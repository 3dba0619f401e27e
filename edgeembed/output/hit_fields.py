"""Hits as the fields of ``docs/output.schema.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..document import file_of
from .json_lines import path_facts

if TYPE_CHECKING:
    from ..search.hits import Hit


def hit_fields(hit: Hit, shown: Callable[[str], str], *, text: str | None = None) -> dict[str, Any]:
    """The fields of ``Hit``, with ``path`` instead of ``id``.

    Args:
        shown: the path of a file, given as an index names it, as it is to be shown.
        text: what goes into ``text`` of the best passage; ``None``, as of all others: nothing.
    """
    record = asdict(hit)
    del record["id"]
    if not record["same_content"]:
        del record["same_content"]
    record["copies"] = [shown(file_of(*copy)) for copy in zip(hit.copies, hit.copy_parts, strict=True)]
    if not hit.copies:
        del record["copies"]
    if not any(hit.copy_parts):
        del record["copy_parts"]
    for passage in record["passages"]:
        passage["text"] = None
    record["passages"][0]["text"] = text
    return {**path_facts(shown(hit.file)), **without_part(record)}


def without_part(record: dict[str, Any]) -> dict[str, Any]:
    """A record that names no part where there is none, as in nearly all files."""
    return {name: value for name, value in record.items() if name != "part" or value is not None}
