"""From scored chunks to hits: a hit is a document, shown by its best passages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .catalog import PassageRow

_SNIPPET_CHARACTERS = 240


@dataclass(frozen=True)
class Passage:
    """A part of a document that was found."""

    similarity: float
    """Cosine of this passage and the query, -1 to 1."""
    start: int | None
    end: int | None
    """Characters of the document's text, half open; ``None`` for an image. The text of a file that is no plain text is
    what was taken out of it."""
    start_line: int | None
    end_line: int | None
    """Lines, counted from 1, both included; ``None`` for an image and for text out of a file that has no lines."""
    page: int | None
    """Page, counted from 1; ``None`` if the document has no pages."""
    snippet: str | None
    """The beginning of the passage on one line; ``None`` for an image."""


@dataclass(frozen=True)
class Hit:
    """A document that was found, with the facts of its best passage."""

    id: str
    kind: str
    """``text`` or ``image``."""
    similarity: float
    score: float | None
    """0 to 1, comparable between queries; ``None`` where the model has no background to compare with."""
    start: int | None
    end: int | None
    start_line: int | None
    end_line: int | None
    page: int | None
    snippet: str | None
    passages: tuple[Passage, ...]
    """The passages that were found, at most ten, best first; the first is the one above."""
    matched: tuple[str, ...]
    """What found it: ``vector``, ``keyword``."""
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, id: str, kind: str, passages: tuple[Passage, ...], metadata: Mapping[str, Any]) -> Hit:
        """A hit by vector; ``passages`` are best first and at least one."""
        best = passages[0]
        return cls(
            id=id,
            kind=kind,
            similarity=best.similarity,
            score=None,
            start=best.start,
            end=best.end,
            start_line=best.start_line,
            end_line=best.end_line,
            page=best.page,
            snippet=best.snippet,
            passages=passages,
            matched=("vector",),
            metadata=metadata,
        )


@dataclass(frozen=True)
class Found:
    """A document and the keys of its chunks among the candidates, best first."""

    document: int
    id: str
    keys: tuple[int, ...]
    similarity: float


def group(rows: Iterable[PassageRow], similarity: Mapping[int, float]) -> list[Found]:
    """Group chunks by document: best document first, equals in the order of their ids."""
    chunks: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        chunks.setdefault((row.document, row.id), []).append(row.key)
    found = []
    for (document, id), keys in chunks.items():
        keys.sort(key=lambda key: (-similarity[key], key))
        found.append(Found(document, id, tuple(keys), similarity[keys[0]]))
    return sorted(found, key=lambda item: (-item.similarity, item.id))


def settled(found: list[Found], k: int, unseen: float) -> bool:
    """Whether no chunk beyond the candidates could still enter the best ``k``.

    Args:
        unseen: the highest similarity that a chunk outside the candidates may have; minus infinity: there is none.
    """
    return unseen == -math.inf or (len(found) >= k and found[k - 1].similarity >= unseen)


def snippet(text: str) -> str:
    """The beginning of a text on one line, cut after a word."""
    line = " ".join(text[: 4 * _SNIPPET_CHARACTERS].split())
    if len(line) <= _SNIPPET_CHARACTERS:
        return line
    cut = line.rfind(" ", _SNIPPET_CHARACTERS // 2, _SNIPPET_CHARACTERS)
    return line[: cut if cut > 0 else _SNIPPET_CHARACTERS].rstrip() + " …"
