"""What a search returns: a hit is a document, shown by its best passages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Passage:
    """A part of a document that was found."""

    similarity: float | None
    """Cosine of this passage and the query, -1 to 1; ``None``: the model cannot read one of them, words found it."""
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
    """The part of the passage with most words of the query, or its beginning, on one line; ``None`` for an image."""
    marks: tuple[tuple[int, int], ...]
    """Words of the query in ``snippet``: characters, half open."""
    text: str | None
    """The whole passage; ``None`` for an image."""


@dataclass(frozen=True)
class Hit:
    """A document that was found, with the facts of its best passage."""

    id: str
    kind: str
    """``text`` or ``image``."""
    similarity: float | None
    """As of its best passage."""
    score: float | None
    """0 to 1, comparable between queries and kinds, of meaning and words together; ``None`` where the model has no
    background to compare with."""
    start: int | None
    end: int | None
    start_line: int | None
    end_line: int | None
    page: int | None
    snippet: str | None
    passages: tuple[Passage, ...]
    """The passages that were found, at most ten, best first, alike ones once; the first is the one above."""
    matched: tuple[str, ...]
    """What found it: ``vector``, ``keyword``."""
    metadata: Mapping[str, Any]
    same_content: bool | None = None
    """Of ``similar``: whether it is a copy of what it was compared with, apart from name and metadata; ``None``: it was
    found by a query."""
    copies: tuple[str, ...] = ()
    """Ids of the other files with the same content, which are no hits of their own; empty for what comes from no file,
    and of ``similar``."""

    @classmethod
    def of(
        cls,
        id: str,
        kind: str,
        passages: tuple[Passage, ...],
        metadata: Mapping[str, Any],
        *,
        score: float | None,
        matched: tuple[str, ...],
        copies: tuple[str, ...] = (),
    ) -> Hit:
        """A hit of ``passages``, which are best first and at least one."""
        best = passages[0]
        return cls(
            id=id,
            kind=kind,
            similarity=best.similarity,
            score=score,
            start=best.start,
            end=best.end,
            start_line=best.start_line,
            end_line=best.end_line,
            page=best.page,
            snippet=best.snippet,
            passages=passages,
            matched=matched,
            metadata=metadata,
            copies=copies,
        )
