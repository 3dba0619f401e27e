"""Showing: a ranked document as a hit, with its best passages and their snippets; copies of a file as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from ..catalog import fulltext
from ..catalog.fulltext import Terms
from ..catalog.rows import FileDocumentId
from ..catalog.snapshot import Snapshot
from ..catalog.where import Condition
from .fusion import RankedDocument
from .hits import Hit, Passage, span_fields
from .prepared_query import PreparedQuery
from .snippet import Snippet, is_like, snippet, spans_of

_PASSAGES = 10


class Folded(NamedTuple):
    """A ranked document that stands for all files with its content."""

    ranked: RankedDocument
    copies: tuple[FileDocumentId, ...]
    """The others."""


def fold_copies(snapshot: Snapshot, ranked: Sequence[RankedDocument], condition: Condition, k: int) -> list[Folded]:
    """The best ``k`` documents, of files with the same content the best one.

    A photo that lies in ten places would fill an answer. Documents that come from no file stay apart: each is a record
    of the application, with an identity of its own.

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
        Folded(item, tuple(copy for copy in _files_with(snapshot, content, condition) if copy.id != item.candidate.id))
        for content, item in islice(firsts.items(), k)
    ]


def _files_with(snapshot: Snapshot, content: int, condition: Condition) -> list[FileDocumentId]:
    return snapshot.files_with(content, condition) if content > 0 else []


def build_hit(
    snapshot: Snapshot,
    ranked: RankedDocument,
    query: PreparedQuery,
    terms: Terms,
    copies: tuple[FileDocumentId, ...] = (),
) -> Hit:
    """Make a hit of a document.

    Args:
        ranked: the document and its numbers.
        query: what was searched for.
        terms: the words of the query as weighed among passages.
        copies: documents of files with the same content.
    """
    candidate = ranked.candidate
    return Hit.of(
        candidate.id,
        candidate.kind,
        tuple(_passages(snapshot, ranked, query, terms)),
        snapshot.metadata(candidate.document),
        score=ranked.score,
        matched=tuple(sorted(candidate.matched, reverse=True)),
        copies=copies,
    )


def _passages(snapshot: Snapshot, ranked: RankedDocument, query: PreparedQuery, terms: Terms) -> list[Passage]:
    """The best passages of a document, each different from those before it."""
    passages: list[Passage] = []
    for key in ranked.keys[: 2 * _PASSAGES]:
        chunk = snapshot.chunk(key)
        similarity, bm25 = ranked.candidate.passages[key]
        shown: Snippet | None = None
        if chunk.text is not None:
            if is_like(chunk.text, (passage.text or "" for passage in passages)):
                continue
            marks = [] if bm25 is None else fulltext.marks(chunk.text, terms.expression)
            shown = snippet(chunk.text, spans_of(chunk.text, query.phrases, marks))
        passages.append(
            Passage(
                similarity=similarity,
                **span_fields(chunk),
                snippet=shown.text if shown else None,
                marks=shown.marks if shown else (),
                text=chunk.text,
            )
        )
        if len(passages) == _PASSAGES:
            break
    return passages
