"""Files with the same content as one hit: a photo that lies in ten places would fill an answer.

Documents that come from no file stay apart: each is a record of the application, with an identity of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from ..catalog.snapshot import Snapshot
from ..catalog.where import Condition
from .fusion import RankedDocument


class Folded(NamedTuple):
    """A ranked document that stands for all files with its content."""

    ranked: RankedDocument
    copies: tuple[str, ...]
    """Ids of the others."""


def fold_copies(snapshot: Snapshot, ranked: Sequence[RankedDocument], condition: Condition, k: int) -> list[Folded]:
    """The best ``k`` documents, of files with the same content the best one.

    Args:
        ranked: the best one first.
        condition: what the copies that are named must fulfil, as the hits do.
    """
    contents = snapshot.file_contents([item.candidate.document for item in ranked])
    firsts: dict[int, RankedDocument] = {}
    for item in ranked:
        document = item.candidate.document
        firsts.setdefault(contents.get(document, -document), item)
    return [
        Folded(item, tuple(id for id in _files_with(snapshot, content, condition) if id != item.candidate.id))
        for content, item in islice(firsts.items(), k)
    ]


def _files_with(snapshot: Snapshot, content: int, condition: Condition) -> list[str]:
    return snapshot.files_with(content, condition) if content > 0 else []
