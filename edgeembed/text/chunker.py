"""Cut a text into chunks that fit into a model, along the borders that its author drew.

A text is first taken apart into blocks: headings, paragraphs, fenced code. A block with more tokens than fit is
taken apart further, into lines, sentences, runs of words, and at last characters, but no further than needed.
Then neighbouring pieces are put together again until a chunk is about three quarters full, which leaves room for a
small rest of its section. Everything is a generator over the thing before it, so a text of any length takes time
in proportion and little memory besides.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

from .boundaries import blocks, lines, paragraphs, sentences, word_runs

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
    aside: int | None = None,
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
        aside: an offset in ``text`` that no chunk spans, though no page begins there; ``None``: there is none.

    Raises:
        ValueError: ``limit`` is less than 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    return _Splitter(text, limit, count_tokens, pages, aside).chunks()


class _Piece(NamedTuple):
    """A part of the text that goes into a chunk as a whole. It ends with something other than white space."""

    start: int
    end: int
    level: int
    """What it is, and so what it can be taken apart into."""
    opens: int = 0
    """Bit flags: ``_HEADING`` if it is (the first part of) a heading, ``_PAGE`` if it is the first piece of a page."""
    tokens: int = -1
    """-1: not counted yet."""


_HEADING, _PAGE = 1, 2
_FENCED, _PARAGRAPH, _LINE, _SENTENCE = range(4)  # above: runs of words, shorter with every level


class _Splitter:
    def __init__(
        self,
        text: str,
        limit: int,
        count_tokens: Callable[[Sequence[str]], list[int]],
        pages: Sequence[int],
        aside: int | None,
    ) -> None:
        self._text = text
        self._limit = limit
        self._count = count_tokens
        self._pages = tuple(pages)
        self._borders = self._pages if aside is None else tuple(sorted({*pages, aside}))
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
        borders = [0, *(offset for offset in self._borders if 0 < offset < len(self._text)), len(self._text)]
        for start, end in pairwise(borders):
            opens = _PAGE
            for block in blocks(self._text, start, end):
                level = _FENCED if block.kind == "code" else _PARAGRAPH
                heading = _HEADING if block.kind == "heading" else 0
                yield _Piece(block.start, block.end, level, opens | heading)
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
            spans: Iterable[tuple[int, int]] = paragraphs(text, start, end)
        elif level == _PARAGRAPH:
            spans = lines(text, start, end)
        elif level == _LINE:
            spans = sentences(text, start, end, least=self._limit // 4)
        else:
            spans = word_runs(text, start, end, most=max(1, self._limit >> (level - _SENTENCE)))
        for a, b in spans:
            yield _Piece(a, b, level + 1, opens)
            opens = 0

    def _packed(self, pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
        """Lists of pieces that become chunks, if their tokens add up."""
        before: list[_Piece] = []  # the chunk before, of the same section: it may take in a rest
        chunk: list[_Piece] = []
        tokens = 0
        queue = _Queue(pieces)
        for piece in queue:
            if chunk and self._begins_section(piece, tokens):
                yield from self._closed(before, chunk)
                before, chunk, tokens = [], [piece], piece.tokens
            elif not chunk or self._has_room(chunk, tokens, piece):
                chunk.append(piece)
                tokens += piece.tokens
            elif _is_heading(chunk) and tokens < self._small and piece.end - piece.start > 1:
                # A heading is not left alone: it gets the first part of what follows.
                queue.put_back(self._fitting(self._parts(piece)))
            else:
                chunk, headings = _split_headings_off(chunk)
                if before:
                    yield before
                before, chunk, tokens = chunk, [], 0
                queue.put_back(iter([*headings, piece]))
        yield from self._closed(before, chunk)

    def _begins_section(self, piece: _Piece, tokens: int) -> bool:
        """Whether a piece begins a new section, after a chunk with so many tokens."""
        return bool(piece.opens & _PAGE or (piece.opens & _HEADING and tokens >= self._small))

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


class _Queue:
    """An iterator over pieces that others can be put back into, to come next."""

    def __init__(self, pieces: Iterator[_Piece]) -> None:
        self._sources = [pieces]

    def __iter__(self) -> Iterator[_Piece]:
        while self._sources:
            piece = next(self._sources[-1], None)
            if piece is None:
                self._sources.pop()
            else:
                yield piece

    def put_back(self, pieces: Iterator[_Piece]) -> None:
        self._sources.append(pieces)


def _is_heading(chunk: list[_Piece]) -> bool:
    """Whether there are only headings in a chunk."""
    return all(piece.opens & _HEADING for piece in chunk)


def _split_headings_off(chunk: list[_Piece]) -> tuple[list[_Piece], list[_Piece]]:
    """A chunk without the headings at its end, and those: they belong to what follows. If there are only headings, they
    are the chunk."""
    count = sum(1 for _ in takewhile(lambda piece: piece.opens & _HEADING, reversed(chunk)))
    if count == len(chunk):
        return chunk, []
    return chunk[: len(chunk) - count], chunk[len(chunk) - count :]
