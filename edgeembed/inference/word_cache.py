"""Word cache: token ids of BERT's tokenizer (WordPiece), by word.

Tokenization is 95 % of a static model's time, because a tokenizer walks through every character and notes where each
token came from; and most words repeat. So token ids are cached by word, and only words of another alphabet go through
the tokenizer. The ids equal those of the tokenizer, whatever the text; where that cannot be known, it is called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ID_BYTES = 8
_MAX_COUNTED = 2048
"""Texts whose ids are kept between counting and embedding, some 10 MB at most; then all of them are dropped."""
_MOST_WORDS = 65_536
"""Size of the cache in words, some 12 MB; when it is full, it is emptied."""
_LONGEST = 40
"""Characters of the longest word that is cached; longer ones, mostly data, do not repeat."""
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Controls, which BERT drops without parting what stands beside them."""
_WORDS = re.compile(r"[a-z0-9]+|[^a-z0-9\s]")
"""In lower case and ASCII: runs of letters and digits, and single signs, as BERT parts them."""


class WordPieces:
    """Looks up the token ids of texts. Safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer, specials: tuple[str, ...]) -> None:
        """For BERT's tokenizer, without limits, as ``tokenizer.py`` makes sure.

        Args:
            tokenizer: adds its special tokens before and behind a text.
            specials: tokens that a text may spell.
        """
        self._tokenizer = tokenizer
        self._specials = specials
        self._table = _Table(tokenizer)
        whole, own = tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids
        begin = whole.index(own[0])
        self._before, self._behind = _bytes(whole[:begin]), _bytes(whole[begin + len(own) :])
        self._counted: dict[str, bytes] = {}

    def count(self, text: str) -> int:
        """Number of token ids of a text, which are kept for :meth:`framed`: a chunk is counted, then embedded."""
        ids = self.ids(text)
        if len(self._counted) >= _MAX_COUNTED:
            self._counted.clear()
        self._counted[text] = ids
        return len(ids) // ID_BYTES

    def framed(self, text: str, most: int) -> npt.NDArray[np.int64]:
        """Token ids of a text with the special tokens around them, cut to ``most`` of both, (T,), read-only."""
        room = most * ID_BYTES - len(self._before) - len(self._behind)
        counted = self._counted.pop(text, None)
        ids = self.ids(text) if counted is None else counted
        return np.frombuffer(self._before + ids[: max(0, room)] + self._behind, np.int64)

    def ids(self, text: str) -> bytes:
        """Token ids of a text without lone surrogates, int64, with no special tokens around them and no limit."""
        if _ODD.search(text) or ("[" in text and any(special in text for special in self._specials)):
            return _asked(self._tokenizer, text)
        if text.isascii():
            return self._looked_up(text)
        parts: list[bytes] = []
        plain: list[str] = []
        for part in text.split():
            if part.isascii():
                plain.append(part)
            else:
                parts += self._looked_up(" ".join(plain)), self._table[part]
                plain = []
        return b"".join([*parts, self._looked_up(" ".join(plain))])

    def _looked_up(self, text: str) -> bytes:
        """Of ASCII without controls."""
        return b"".join(map(self._table.__getitem__, _WORDS.findall(text.lower())))


class _Table(dict[str, bytes]):
    """Memo: word, or what stands between spaces and is not all ASCII, to its ids; ``__missing__`` computes those."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        model = tokenizer.model
        self._tokenizer = tokenizer
        self._prefix: str = model.continuing_subword_prefix
        unknown = tokenizer.token_to_id(model.unk_token)
        assert unknown is not None  # tokenizer.py has looked
        self._unknown = unknown
        self._most_chars: int = model.max_input_chars_per_word

    def __missing__(self, word: str) -> bytes:
        ids = _bytes(self._pieces(word)) if word.isascii() else _asked(self._tokenizer, word)
        if len(word) <= _LONGEST:
            if len(self) >= _MOST_WORDS:
                self.clear()
            self[word] = ids
        return ids

    def _pieces(self, word: str) -> list[int]:
        """WordPiece by greedy longest match first (Schuster and Nakajima 2012)."""
        if len(word) > self._most_chars:
            return [self._unknown]
        ids: list[int] = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._tokenizer.token_to_id(prefix + word[start:end])
                if piece is not None:
                    break
            else:
                return [self._unknown]
            ids.append(piece)
            start, prefix = end, self._prefix
        return ids


def _asked(tokenizer: Tokenizer, text: str) -> bytes:
    return _bytes(tokenizer.encode(text, add_special_tokens=False).ids)


def _bytes(ids: list[int]) -> bytes:
    return np.array(ids, np.int64).tobytes()
