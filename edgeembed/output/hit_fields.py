"""Hits as the fields of ``docs/output.schema.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .json_lines import path_facts

if TYPE_CHECKING:
    from ..search.hits import Hit


def hit_fields(hit: Hit, shown: Callable[[str], str], *, text: str | None = None) -> dict[str, Any]:
    """The fields of ``Hit``, with ``path`` instead of ``id``.

    Args:
        shown: the path of a document, by its id, as it is to be shown.
        text: what goes into ``text`` of the best passage; ``None``, as of all others: nothing.
    """
    record = asdict(hit)
    if not record["same_content"]:
        del record["same_content"]
    record["copies"] = [shown(id) for id in hit.copies]
    if not hit.copies:
        del record["copies"]
    for passage in record["passages"]:
        passage["text"] = None
    record["passages"][0]["text"] = text
    return {**path_facts(shown(record.pop("id"))), **record}
