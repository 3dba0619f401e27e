"""Cut a text into chunks that fit into a model, along the borders that its author drew.

A text is first taken apart into blocks: headings, paragraphs, fenced code. A block with more tokens than fit is
taken apart further, into lines, sentences, runs of words, and at last characters, but no further than needed.
Then neighbouring pieces are put together again until a chunk is about three quarters full, which leaves room for a
small rest of its section. Everything is a generator over the thing before it, so a text of any length takes time
in proportion and little memory besides.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

_BATCH = 256
"""Pieces whose tokens are counted together: enough to keep a tokenizer's threads busy."""


@dataclass(frozen=True)
class Chunk:
    """A passage of a text, never empty and without white space at its end."""

    text: str
    start: int
    end: int
    """``text == source[start:end]``, in characters."""
    start_line: int
    end_line: int
    """Of its first and its last character; the first line is 1."""
    page: int | None
    """The page that it begins on, the first is 1; ``None``: the text has no pages, or it stands before the first."""


def split(
    text: str,
    *,
    limit: int,
    count_tokens: Callable[[Sequence[str]], list[int]],
    pages: Sequence[int] = (),
) -> Iterator[Chunk]:
    """Cut a text into chunks that a model reads whole.

    Every character but white space is in exactly one chunk, and chunks are in order. The same text, limit and pages
    give the same chunks, so that work which was interrupted can go on by their number.

    Chunks begin at pages and at Markdown headings (unless what came before is a few words only); otherwise they end
    between paragraphs, else between lines, else between sentences, else between words. A heading stays with what
    follows it; fenced code is not searched for headings. A chunk is also at most ``16 * limit`` characters long,
    because some tokenizers take the longest unbroken run of characters for one unknown word.

    Args:
        text: lines end with ``\\n``.
        limit: most tokens of a chunk. Only a single character that has more tokens by itself goes beyond it.
        count_tokens: the number of tokens of each text. It is given some hundreds of short texts at a time.
        pages: offsets in ``text``, ascending, at which pages begin; empty: no pages.

    Raises:
        ValueError: ``limit`` is less than 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    return _Splitter(text, limit, count_tokens, pages).chunks()


class _Piece(NamedTuple):
    """A part of the text that goes into a chunk as a whole. It ends with something other than white space."""

    start: int
    end: int
    level: int
    """What it is, and so what it can be taken apart into."""
    opens: int = 0
    """``_HEADING`` and ``_PAGE``, added, if it is (the first part of) a heading or the first piece of a page."""
    tokens: int = -1
    """-1: not counted yet."""


_HEADING, _PAGE = 1, 2
_FENCED, _PARAGRAPH, _LINE, _SENTENCE = range(4)  # above: runs of words, shorter with every level


class _Splitter:
    def __init__(
        self, text: str, limit: int, count_tokens: Callable[[Sequence[str]], list[int]], pages: Sequence[int]
    ) -> None:
        self._text = text
        self._limit = limit
        self._count = count_tokens
        self._pages = tuple(pages)
        self._target = max(1, limit * 3 // 4)
        self._small = limit // 4
        self._max_chars = 16 * limit

    def chunks(self) -> Iterator[Chunk]:
        line, seen = 1, 0
        for start, end in self._verified(self._packed(self._fitting(self._blocks()))):
            line += self._text.count("\n", seen, start)
            last_line = line + self._text.count("\n", start, end)
            page = bisect.bisect_right(self._pages, start) or None
            yield Chunk(self._text[start:end], start, end, line, last_line, page)
            line, seen = last_line, end

    def _blocks(self) -> Iterator[_Piece]:
        borders = [0, *(offset for offset in self._pages if 0 < offset < len(self._text)), len(self._text)]
        for start, end in pairwise(borders):
            opens = _PAGE
            for block in _blocks(self._text, start, end):
                yield block._replace(opens=block.opens | opens)
                opens = 0

    def _fitting(self, pieces: Iterable[_Piece]) -> Iterator[_Piece]:
        """The same text in counted pieces, none beyond the limit."""
        iterator = iter(pieces)
        while batch := list(islice(iterator, _BATCH)):
            # What is far too long is not even counted.
            short = [piece for piece in batch if piece.end - piece.start <= self._max_chars]
            counts = iter(self._count([self._text[piece.start : piece.end] for piece in short]))
            for piece in batch:
                length = piece.end - piece.start
                tokens = next(counts) if length <= self._max_chars else self._limit + 1
                if tokens <= self._limit or length == 1:
                    yield piece._replace(tokens=tokens)
                else:
                    yield from self._fitting(self._parts(piece))

    def _parts(self, piece: _Piece) -> Iterator[_Piece]:
        """The next smaller parts of a piece; the piece itself where it has no borders of that sort."""
        text, (start, end, level, opens, _) = self._text, piece
        if level == _FENCED:
            spans: Iterable[tuple[int, int]] = _paragraphs(text, start, end)
        elif level == _PARAGRAPH:
            spans = _lines(text, start, end)
        elif level == _LINE:
            spans = _sentences(text, start, end, least=self._limit // 4)
        else:
            spans = _runs(text, start, end, most=max(1, self._limit >> (level - _SENTENCE)))
        for a, b in spans:
            yield _Piece(a, b, level + 1, opens)
            opens = 0

    def _packed(self, pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
        """Lists of pieces that become chunks, if their tokens add up."""
        before: list[_Piece] = []  # the chunk before, of the same section: it may take in a rest
        chunk: list[_Piece] = []
        tokens = 0
        sources = [pieces]
        while sources:
            piece = next(sources[-1], None)
            if piece is None:
                sources.pop()
            elif chunk and (piece.opens & _PAGE or (piece.opens & _HEADING and tokens >= self._small)):
                yield from self._closed(before, chunk)
                before, chunk, tokens = [], [piece], piece.tokens
            elif not chunk or self._has_room(chunk, tokens, piece):
                chunk.append(piece)
                tokens += piece.tokens
            else:
                headings = len(list(takewhile(lambda part: part.opens & _HEADING, reversed(chunk))))
                if headings == len(chunk) and tokens < self._small and piece.end - piece.start > 1:
                    # A heading is not left alone: it gets the first part of what follows.
                    sources.append(self._fitting(self._parts(piece)))
                    continue
                if headings < len(chunk):
                    sources.append(iter([*chunk[len(chunk) - headings :], piece]))
                    chunk = chunk[: len(chunk) - headings]
                else:
                    sources.append(iter([piece]))
                if before:
                    yield before
                before, chunk, tokens = chunk, [], 0
        yield from self._closed(before, chunk)

    def _has_room(self, chunk: list[_Piece], tokens: int, piece: _Piece) -> bool:
        most = self._limit if tokens < self._small else self._target
        return tokens + piece.tokens <= most and piece.end - chunk[0].start <= self._max_chars

    def _closed(self, before: list[_Piece], rest: list[_Piece]) -> Iterator[list[_Piece]]:
        """The last two chunks of a section, or one of both if they fit."""
        both = [*before, *rest]
        fits = both and both[-1].end - both[0].start <= self._max_chars
        if fits and sum(piece.tokens for piece in both) <= self._limit:
            yield both
        else:
            yield from filter(None, (before, rest))

    def _verified(self, chunks: Iterable[list[_Piece]]) -> Iterator[tuple[int, int]]:
        """Spans of chunks. Pieces that were counted alone may have more tokens together: such chunks are halved."""
        iterator = iter(chunks)
        while batch := list(islice(iterator, _BATCH)):
            joined = [pieces for pieces in batch if len(pieces) > 1]
            counts = iter(self._count([self._text[pieces[0].start : pieces[-1].end] for pieces in joined]))
            for pieces in batch:
                if len(pieces) > 1 and next(counts) > self._limit:
                    half = len(pieces) // 2
                    yield from self._verified([pieces[:half], pieces[half:]])
                else:
                    yield pieces[0].start, pieces[-1].end


# Where a text may be cut. Each function takes a part of a text and gives parts of it that leave out white space
# only. Regular expressions are written so that none looks at a character again and again.

_WORD = re.compile(r"\S")
_HEADING_MARK = re.compile(r"#{1,6}(?:[ \t]|$)")  # https://spec.commonmark.org/0.31.2/#atx-headings
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})[ \t]*$")  # https://spec.commonmark.org/0.31.2/#setext-headings
_FENCE = re.compile(r"`{3,}|~{3,}")
_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]]{0,3}(?=\s)|[。！？｡．][”’」』）]{0,3}""")
_CLAUSE_END = re.compile(r"[,;:)\]}>、，；：）」』]")


def _blocks(text: str, start: int, end: int) -> Iterator[_Piece]:
    """Headings, paragraphs and fenced code. A paragraph keeps the indentation of its first line."""
    fences = _Fences(text, end)
    block, lines = start, 0  # the present paragraph: where it begins, how many lines it has
    last = start  # its end
    pos = start
    while pos < end:
        stop = text.find("\n", pos, end)
        stop = end if stop < 0 else stop
        found = _WORD.search(text, pos, stop)
        first = found.start() if found else stop
        special: _Piece | None = None
        if found and text[first] in "#`~=-":
            if text[first] == "#" and first - pos <= 3 and _HEADING_MARK.match(text, first, stop):
                special = _Piece(pos, _trimmed(text, first, stop), _PARAGRAPH, _HEADING)
            elif lines == 1 and _UNDERLINE.match(text, first, stop):
                special = _Piece(block, _trimmed(text, first, stop), _PARAGRAPH, _HEADING)
                lines = 0
            elif text[first] in "`~" and (fence_end := fences.end_of(first, stop)):
                special = _Piece(pos, fence_end, _FENCED)
                stop = text.find("\n", fence_end, end) if fence_end < end else end
                stop = end if stop < 0 else stop
        if lines and (special or not found):
            yield _Piece(block, last, _PARAGRAPH)
            lines = 0
        if special:
            yield special
        elif found:
            block = block if lines else pos
            lines += 1
            last = _trimmed(text, first, stop)
        pos = stop + 1
    if lines:
        yield _Piece(block, last, _PARAGRAPH)


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


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines between blank lines, together."""
    block, last = start, -1
    for a, b in _lines(text, start, end):
        if last >= 0 and text.count("\n", last, a) > 1:
            yield block, last
            block = a
        last = b
    if last >= 0:
        yield block, last


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines that are not blank."""
    pos = start
    while pos < end:
        stop = text.find("\n", pos, end)
        stop = end if stop < 0 else stop
        found = _WORD.search(text, pos, stop)
        if found:
            yield pos, _trimmed(text, found.start(), stop)
        pos = stop + 1


def _sentences(text: str, start: int, end: int, *, least: int) -> Iterator[tuple[int, int]]:
    """Sentences; short ones together, up to at least ``least`` characters."""
    pos = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() - pos >= least:
            yield pos, match.end()
            found = _WORD.search(text, match.end(), end)
            pos = found.start() if found else end
    if pos < end:
        yield pos, end


def _runs(text: str, start: int, end: int, *, most: int) -> Iterator[tuple[int, int]]:
    """Runs of words of at most ``most`` characters; longer words are cut, in the first place after punctuation."""
    pos = start
    while found := _WORD.search(text, pos, end):
        first = found.start()
        pos = end if end - first <= most else _cut(text, first, first + most)
        yield first, _trimmed(text, first, pos)


def _cut(text: str, start: int, latest: int) -> int:
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
    for place in range(latest, max(start, latest - 32), -1):
        if not _is_inside_a_sign(text, start, place):
            return place
    return latest


def _is_inside_a_sign(text: str, start: int, place: int) -> bool:
    """Whether a cut before this character would part what is seen as one: accents, emoji sequences, flags.

    The commonest rules of https://www.unicode.org/reports/tr29/ in a simple form.
    """
    before, after = text[place - 1], text[place]
    if _is_letter_of_flag(after):  # two of them are a flag
        letters = takewhile(lambda i: _is_letter_of_flag(text[i]), range(place - 1, start - 1, -1))
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
