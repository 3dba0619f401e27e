"""What a passage says about a query, in a few words: the part with most of the query's words, cut at words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..text.normalize import fold_marks_aligned
from ..text.terms import phrase_pattern

SNIPPET_CHARACTERS = 240
_LEAD = 60
"""Characters of context before the first matching word."""
_LONG_WORD = 40
"""Words longer than this may be cut: text without spaces, or no word at all."""
_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?。！？]\s+|\n\s*|[。！？]")
_ALIKE = 0.9
Span = tuple[int, int]


class Snippet(NamedTuple):
    """A part of a passage on one line."""

    text: str
    marks: tuple[Span, ...]
    """Matching words in ``text``: spans of characters, half open, ascending."""


def snippet(text: str, spans: Sequence[Span], *, limit: int = SNIPPET_CHARACTERS) -> Snippet:
    """The part of ``text`` with most of the words in ``spans``, on one line of at most some ``limit`` characters.

    Args:
        spans: matching words in ``text``: characters, half open, ascending, apart.
    """
    start = _start(text, spans, limit)
    out, marks, cut = "… " if start else "", list[Span](), False
    for word in _WORD.finditer(text, start):
        begin, end = word.span()
        gap = " " if out and not out.endswith(" ") else ""
        room = limit - len(out) - len(gap)
        if end - begin > room:
            cut = True
            if room < 1 or end - begin <= _LONG_WORD:
                break
            end = begin + room
        at = len(out) + len(gap) - begin
        out += gap + text[begin:end]
        marks += [(max(a, begin) + at, min(b, end) + at) for a, b in spans if a < end and b > begin]
        if cut:
            break
    return Snippet(out + " …" if cut else out, tuple(marks))


def spans_of(text: str, phrases: Iterable[str], marked: Iterable[Span]) -> list[Span]:
    """Where the words of a query stand in a text.

    Args:
        marked: what the full text found; phrases are added here.
    """
    spans = list(marked)
    folded, places = fold_marks_aligned(text)
    for pattern in filter(None, map(phrase_pattern, phrases)):
        for match in re.finditer(pattern, folded, re.IGNORECASE):
            spans.append((places[match.start()][0], places[match.end() - 1][1]))
    return _joined(spans)


def is_like(text: str, others: Iterable[str]) -> bool:
    """Whether nearly the same words were shown before."""
    words = set(text.split())
    return any(len(words & seen) >= _ALIKE * len(words | seen) for seen in map(set, map(str.split, others)))


def _joined(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def _start(text: str, spans: Sequence[Span], limit: int) -> int:
    """Where to begin, so that as many different words as possible fit in."""
    best, most = 0, 0
    for first, _ in spans[:200]:
        seen = {text[a:b].lower() for a, b in spans if first <= a and b <= first + limit - _LEAD}
        if len(seen) > most:
            best, most = first, len(seen)
    if best <= _LEAD:
        return 0
    sentences = [ending.end() for ending in _SENTENCE_END.finditer(text, best - _LEAD, best)]
    if sentences:
        return sentences[-1]
    word = re.search(r"\s", text[best - _LEAD : best])
    return best - _LEAD + word.end() if word else best
