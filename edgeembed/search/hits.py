"""What a search returns: a hit is a document, shown by its best passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..catalog.rows import FileDocumentId
from ..document import PART, file_of, part_number


@dataclass(frozen=True)
class Span:
    """Where a passage stands in its document."""

    start: int | None
    end: int | None
    """Characters of the document's text, half open; ``None`` for an image. The text of a file that is no plain text is
    what was taken out of it."""
    start_line: int | None
    end_line: int | None
    """Lines, counted from 1, both included; ``None`` for an image and for text out of a file that has no lines."""
    page: int | None
    """Page, counted from 1; ``None`` if the document has no pages."""


def span_fields(span: object) -> dict[str, Any]:
    """The fields of :class:`Span` that another object has too, by name: to make a like object of them.

    Raises:
        AttributeError: it has not all of them.
    """
    return {field.name: getattr(span, field.name) for field in fields(Span)}


# Fields that come before those of Span in the order of ``__init__``: dataclasses take the last base first.
@dataclass(frozen=True)
class _PassageHead:
    similarity: float | None
    """Cosine of this passage and the query, -1 to 1; ``None``: the model cannot read one of them, words found it."""


@dataclass(frozen=True)
class _HitHead:
    id: str
    kind: str
    """``text`` or ``image``."""
    similarity: float | None
    """As of its best passage."""
    score: float | None
    """0 to 1, comparable between queries and kinds, of meaning and words together; ``None`` where the model has no
    background to compare with."""


@dataclass(frozen=True)
class Passage(Span, _PassageHead):
    """A part of a document that was found."""

    snippet: str | None
    """The part of the passage with most words of the query, or its beginning, on one line; ``None`` for an image."""
    marks: tuple[tuple[int, int], ...]
    """Words of the query in ``snippet``: characters, half open."""
    text: str | None
    """The whole passage; ``None`` for an image."""


@dataclass(frozen=True)
class Hit(Span, _HitHead):
    """A document that was found, with the similarity, span and snippet of its best passage."""

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
    part: int | None = None
    """Of a document in a file that holds many, such as a message in a mailbox, its number, counted from 1; ``None``: it
    is all of its file, or comes from none."""
    copy_parts: tuple[int | None, ...] = ()
    """Of each of ``copies`` what :attr:`part` says."""

    @property
    def file(self) -> str:
        """In a folder, the path of the file that the document is in: :attr:`id`, but for the number of a part."""
        return file_of(self.id, self.part)

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
        copies: Sequence[FileDocumentId] = (),
    ) -> Hit:
        """A hit of ``passages``, which are best first and at least one; ``metadata`` as it is stored."""
        best = passages[0]
        return cls(
            id=id,
            kind=kind,
            similarity=best.similarity,
            score=score,
            **span_fields(best),
            snippet=best.snippet,
            passages=passages,
            matched=matched,
            metadata={name: value for name, value in metadata.items() if name != PART},
            copies=tuple(copy.id for copy in copies),
            part=part_number(metadata),
            copy_parts=tuple(copy.part for copy in copies),
        )


def merge_rank(hit: Hit, *, by_similarity: bool = False) -> float:
    """What hits of several indexes are put in order by, highest first: scores mean the same in each.

    Args:
        by_similarity: whether the similarity leads, and the score only stands in for it.
    """
    first, second = (hit.similarity, hit.score) if by_similarity else (hit.score, hit.similarity)
    value = second if first is None else first
    return -2.0 if value is None else value
