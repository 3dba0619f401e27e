"""The borders that an author drew in a text: between blocks, paragraphs, lines, sentences and words.

Each function takes a part of a text and gives parts of it, in order, that leave out white space only. Regular
expressions are written so that none looks at a character again and again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import takewhile
from typing import Literal, NamedTuple

_WORD = re.compile(r"\S")
_HEADING_MARK = re.compile(r"#{1,6}(?:[ \t]|$)")  # https://spec.commonmark.org/0.31.2/#atx-headings
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})[ \t]*$")  # https://spec.commonmark.org/0.31.2/#setext-headings
_FENCE = re.compile(r"`{3,}|~{3,}")
_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]]{0,3}(?=\s)|[。！？｡．][”’」』）]{0,3}""")
_CLAUSE_END = re.compile(r"[,;:)\]}>、，；：）」』]")


class Block(NamedTuple):
    """What its author set apart. It ends with something other than white space."""

    start: int
    end: int
    """Characters of the text, half open."""
    kind: Literal["heading", "paragraph", "code"]


def blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """Headings, paragraphs and fenced code. A paragraph keeps the indentation of its first line."""
    first = last = None  # lines of the present paragraph
    for line in _lines_and_code(text, start, end):
        if first and first is last and line.kind == "underline":
            yield Block(first.start, line.end, "heading")
            first = last = None
        elif line.kind in ("text", "underline"):
            first, last = first or line, line
        else:
            if first and last:
                yield Block(first.start, last.end, "paragraph")
                first = last = None
            if line.kind == "heading" or line.kind == "code":
                yield Block(line.start, line.end, line.kind)
    if first and last:
        yield Block(first.start, last.end, "paragraph")


class _Line(NamedTuple):
    """A line, or all lines of fenced code together."""

    start: int
    end: int
    """Without white space at the end."""
    kind: Literal["blank", "text", "underline", "heading", "code"]
    """``underline``: makes a heading of the line above it, if that stands alone; else it is text."""


def _lines_and_code(text: str, start: int, end: int) -> Iterator[_Line]:
    fences = _Fences(text, end)
    pos = start
    while pos < end:
        stop = _line_end(text, pos, end)
        word = _WORD.search(text, pos, stop)
        if word is None:
            yield _Line(pos, pos, "blank")
        else:
            first = word.start()
            code_end = fences.end_of(first, stop) if text[first] in "`~" else None
            if code_end is not None:
                yield _Line(pos, code_end, "code")
                stop = _line_end(text, code_end, end)
            else:
                yield _Line(pos, _trimmed(text, first, stop), _line_kind(text, pos, first, stop))
        pos = stop + 1


def _line_kind(text: str, start: int, first: int, stop: int) -> Literal["text", "underline", "heading"]:
    """What a line is whose first character other than white space is at ``first``."""
    if text[first] == "#" and first - start <= 3 and _HEADING_MARK.match(text, first, stop):
        return "heading"
    return "underline" if text[first] in "=-" and _UNDERLINE.match(text, first, stop) else "text"


def _line_end(text: str, pos: int, end: int) -> int:
    """Where the line ends that ``pos`` is in, without its newline."""
    stop = text.find("\n", pos, end)
    return end if stop < 0 else stop


class _Fences:
    """Finds the ends of fenced code, https://spec.commonmark.org/0.31.2/#fenced-code-blocks.

    Unlike there, a fence without an end is no fence: in a text that is not Markdown it would swallow all the rest.
    """

    def __init__(self, text: str, end: int) -> None:
        self._text, self._end = text, end
        self._in_vain: dict[str, int] = {}  # character of a fence: the shortest length that has no end from here on

    def end_of(self, first: int, stop: int) -> int | None:
        """Where the code ends whose fence begins at ``first``, in the line that ends at ``stop``."""
        fence = _FENCE.match(self._text, first, stop)
        if fence is None:
            return None
        mark, length = fence[0][0], min(len(fence[0]), 9)  # so that no more than a few searches can be in vain
        if length >= self._in_vain.get(mark, 10) or (mark == "`" and self._text.find("`", fence.end(), stop) >= 0):
            return None
        close = re.compile(rf"\n[ \t]*({mark}{{{length},}})[ \t]*(?=\n|\Z)").search(self._text, stop, self._end)
        if close is None:
            self._in_vain[mark] = length
            return None
        return close.end(1)


def paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines between blank lines, together."""
    block, last = start, -1
    for a, b in lines(text, start, end):
        if last >= 0 and text.count("\n", last, a) > 1:
            yield block, last
            block = a
        last = b
    if last >= 0:
        yield block, last


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines that are not blank."""
    pos = start
    while pos < end:
        stop = _line_end(text, pos, end)
        if word := _WORD.search(text, pos, stop):
            yield pos, _trimmed(text, word.start(), stop)
        pos = stop + 1


def sentences(text: str, start: int, end: int, *, least: int) -> Iterator[tuple[int, int]]:
    """Sentences; short ones together, up to at least ``least`` characters."""
    pos = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() - pos >= least:
            yield pos, match.end()
            word = _WORD.search(text, match.end(), end)
            pos = word.start() if word else end
    if pos < end:
        yield pos, end


def word_runs(text: str, start: int, end: int, *, most: int) -> Iterator[tuple[int, int]]:
    """Runs of words of at most ``most`` characters; longer words are cut, in the first place after punctuation."""
    pos = start
    while word := _WORD.search(text, pos, end):
        first = word.start()
        pos = end if end - first <= most else _best_cut(text, first, first + most)
        yield first, _trimmed(text, first, pos)


def _best_cut(text: str, start: int, latest: int) -> int:
    """The best place for a cut, after ``start`` and not after ``latest``."""
    if text[latest].isspace():
        return latest
    head = text[start:latest]
    if head[-1].isspace():
        return latest
    words = head.rsplit(None, 1)
    if len(words) > 1:
        return start + len(words[0])
    clauses = [match.end() for match in _CLAUSE_END.finditer(head, len(head) // 2)]
    if clauses:
        return start + clauses[-1]
    for cut in range(latest, max(start, latest - 32), -1):
        if not _splits_grapheme(text, start, cut):
            return cut
    return latest


def _splits_grapheme(text: str, start: int, cut: int) -> bool:
    """Whether a cut before this character would part what is seen as one: accents, emoji sequences, flags.

    The commonest rules of https://www.unicode.org/reports/tr29/ in a simple form.
    """
    before, after = text[cut - 1], text[cut]
    if _is_letter_of_flag(after):  # two of them are a flag
        letters = takewhile(lambda i: _is_letter_of_flag(text[i]), range(cut - 1, start - 1, -1))
        return sum(1 for _ in letters) % 2 == 1
    return (
        unicodedata.category(after) in ("Mn", "Mc", "Me")  # also variation selectors
        or "\u200d" in (before, after)  # zero width joiner
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin colours
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")  # halves of a surrogate pair
    )


def _is_letter_of_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _trimmed(text: str, start: int, end: int) -> int:
    """``end``, without white space before it; ``start`` is some character before that is none."""
    return start + len(text[start:end].rstrip()) if text[end - 1].isspace() else end
