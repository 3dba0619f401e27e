"""Which words of a passage made it match: each is left out in turn, and what the similarity loses by it is measured.

A model that embeds whole passages cannot say what it went by, but it can be asked again without a word. This is
occlusion (Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks,
doi:10.1007/978-3-319-10590-1_53), for words called erasure (Li, Monroe and Jurafsky 2016, Understanding Neural
Networks through Representation Erasure, arXiv:1612.08220). It explains the similarity, of texts; that words were also
found as words is in ``matched``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..document import file_of
from ..text.normalize import without_gaps
from ..text.terms import characters, is_unspaced
from .hits import Span, span_fields

if TYPE_CHECKING:
    from ..embedder import Embedder
    from ..segments.int8 import Floats
    from .hits import Hit

_WORD = re.compile(r"[\w\x80-\U0010ffff]+(?:'[\w\x80-\U0010ffff]+)*")
_PIECE = 2
"""Characters that are left out at a time in scripts without spaces, as in full text."""


@dataclass(frozen=True)
class WordWeight:
    """What a word did for the match."""

    start: int
    end: int
    """Characters of the explained text, half open."""
    weight: float
    """The similarity with it less that without it; below zero: the passage would match better without it."""


@dataclass(frozen=True)
class _ExplanationHead:
    """Fields that come before those of ``Span`` in the order of ``__init__``."""

    id: str
    similarity: float
    """Cosine of passage and query, computed anew: that of a search comes from a stored, rounded vector."""
    score: float | None
    """As in ``Hit``."""


@dataclass(frozen=True)
class Explanation(Span, _ExplanationHead):
    """The passage of a document that matched a query best, and what each of its words did for that."""

    text: str
    """The passage."""
    words: tuple[WordWeight, ...]
    """Each word, in the order of the text."""
    matched: tuple[str, ...]
    """What found the document: ``vector``, ``keyword``."""
    part: int | None = None
    """As in ``Hit``."""

    @property
    def file(self) -> str:
        """As of ``Hit``."""
        return file_of(self.id, self.part)


def explain(hit: Hit, query: Floats, embedder: Embedder) -> Explanation:
    """Explain the best passage of a hit.

    Args:
        hit: a text.
        query: ``(dim,)`` of length 1.
        embedder: the model of the documents.
    """
    best = hit.passages[0]
    text = best.text or ""
    spans = word_spans(text)
    similarities = embedder.embed_texts([text, *(text[:start] + text[end:] for start, end in spans)]) @ query
    whole, without = float(similarities[0]), similarities[1:].tolist()
    words = tuple(WordWeight(*span, whole - rest) for span, rest in zip(spans, without, strict=True))
    return Explanation(
        id=hit.id,
        similarity=whole,
        score=hit.score,
        **span_fields(best),
        text=text,
        words=words,
        matched=hit.matched,
        part=hit.part,
    )


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand: characters, half open; scripts without spaces in pieces of two."""
    spans = []
    # A word holds apostrophes and the vowel signs of many scripts, which are no letters.
    for word in _WORD.finditer(without_gaps(text.replace("’", "'"))):
        if is_unspaced(word[0]):
            places = characters(text, *word.span())
            spans += [
                (pair[0][0], pair[-1][1]) for pair in (places[i : i + _PIECE] for i in range(0, len(places), _PIECE))
            ]
        else:
            spans.append(word.span())
    return spans
