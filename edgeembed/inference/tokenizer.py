"""Texts to token ids. The only module that uses ``tokenizers``."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import BundleError
from ..text.surrogates import replace_surrogates
from .word_cache import WordPieces

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from ..bundle.bundle import Bundle

IdRow = npt.NDArray[np.int64]  # (T,)
VOCABULARY_PARTS = 64
"""Into so many parts the vocabulary is cut for :meth:`BundleTokenizer.vocabulary_digests`."""
_UNIGRAM_UNKNOWN = re.compile(r'"unk_id"\s*:\s*(\d+)')
_MANY = 32
"""The word cache is switched on after this many texts; for fewer, filling it costs more than it saves."""


class BundleTokenizer:
    """The tokenizer of a bundle, with the bundle's limit on tokens set once and for all.

    Safe to use from several threads: nothing of the tokenizer is changed after loading (changing it while
    another thread encodes raises ``Already borrowed`` in ``tokenizers``).
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the tokenizer of ``bundle``, which must have a text section.

        Raises:
            BundleError: ``tokenizers`` cannot read the file.
        """
        section = bundle.manifest.text
        assert section is not None
        self._path = bundle.file(section.tokenizer)
        self._tokenizer = self._load()
        self.prefixes = {"query": section.query_prefix, "document": section.document_prefix}
        self.max_tokens = section.max_tokens
        self._specials: int = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._pad_to, self._pad_id = section.pad_to, section.pad_id
        self._tokenizer.enable_truncation(section.max_tokens)
        self._unknown = _unknown_id(self._tokenizer, self._path)
        self._is_word: dict[int, bool] = {}
        self._seen = 0
        self._ones = np.ones(section.max_tokens, np.int64)
        self._ones.flags.writeable = False  # masks are parts of it

    @cached_property
    def _counter(self) -> Tokenizer:
        """The same tokenizer without the limit; a search needs none: it is loaded by the first count."""
        return self._load()

    @cached_property
    def _words(self) -> WordPieces | None:
        """Looks up words where that gives what the tokenizer gives."""
        return _word_pieces(self._counter)

    def _load(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            # Read here, because Tokenizer.from_file opens paths in its own way on Windows.
            tokenizer = Tokenizer.from_str(self._path.read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises plain Exception
            raise BundleError(self._path, f"is not a tokenizer that can be loaded: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @property
    def content_tokens(self) -> int:
        """How many tokens of an input are its own: ``max_tokens`` less special tokens and the document prefix."""
        prefix = self.prefixes["document"]
        return self.max_tokens - self._specials - (self.count([prefix])[0] if prefix else 0)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text, without special tokens, prefix and limit."""
        words = self._words_for(texts)
        if words is not None:
            return [words.count(replace_surrogates(text)) for text in texts]
        encodings = self._counter.encode_batch_fast(
            [replace_surrogates(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding.ids) for encoding in encodings]

    def are_whole(self, words: Sequence[str]) -> list[bool]:
        """Whether each word is one token, so that the vocabulary has it as it is.

        Unlike :meth:`count` this needs no second tokenizer, which a search would have to load.
        """
        given = self._tokenizer.encode_batch_fast(
            [replace_surrogates(word) for word in words], add_special_tokens=False
        )
        return [len(encoding.ids) <= 1 for encoding in given]

    def encode(self, texts: Sequence[str], *, role: str) -> list[tuple[IdRow, IdRow]]:
        """Token ids and attention mask of each text, both ``(T,)`` int64, perhaps read-only, T at most ``max_tokens``.

        Args:
            texts: any strings; an empty one gives the special tokens alone.
            role: ``query`` or ``document``: which prefix of the bundle goes in front.
        """
        encoding = self.encoding(texts, role=role)
        return [encoding(number) for number in range(len(texts))]

    def encoding(self, texts: Sequence[str], *, role: str) -> Callable[[int], tuple[IdRow, IdRow]]:
        """What :meth:`encode` gives, for each text when it is asked for by its number, from any thread.

        Where words are looked up, that is done then, by the asking thread.
        """
        prefix, words = self.prefixes[role], self._words_for(texts)
        if words is not None:
            limit = self.max_tokens
            return lambda number: self._row(words.framed(prefix + replace_surrogates(texts[number]), limit))
        encodings = self._tokenizer.encode_batch_fast([prefix + replace_surrogates(text) for text in texts])
        return lambda number: self._row(np.array(encodings[number].ids, np.int64))

    def vocabulary_digests(self) -> npt.NDArray[np.uint64]:
        """Digests of :data:`VOCABULARY_PARTS` parts of the vocabulary, uint64.

        Each is over the names of its tokens, in the order of their ids, and the ids that each name gives as a text, the
        marks of WordPiece, BPE and SentencePiece taken off: so vocabulary, merges and scores all count.
        """
        size = self._counter.get_vocab_size()
        bounds = np.linspace(0, size, VOCABULARY_PARTS + 1).astype(int)
        return np.array([self._digest(range(*pair)) for pair in itertools.pairwise(bounds.tolist())], np.uint64)

    def _digest(self, ids: range) -> int:
        names = [self._counter.id_to_token(i) or "" for i in ids]
        texts = [
            name.removeprefix("##").removesuffix("</w>").replace("\u2581", " ").replace("\u0120", " ") for name in names
        ]
        given = [row.ids for row in self._counter.encode_batch_fast(texts, add_special_tokens=False)]
        facts = json.dumps([names, given], ensure_ascii=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(facts.encode()).digest()[:8], "little")

    def reads(self, row: IdRow, *, role: str) -> bool:
        """Whether most words of an input are in the vocabulary; where most are not, its vector says nothing about it.

        Args:
            row: token ids of :meth:`encode`.
            role: which prefix is in them.
        """
        if self._unknown is None:
            return True
        unknown = int(np.count_nonzero(row == self._unknown))
        if unknown == 0:
            return True
        known_count = sum(map(self._begins_word, row.tolist()))
        if prefix := self.prefixes[role]:
            known_count -= sum(map(self._begins_word, self._counter.encode(prefix, add_special_tokens=False).ids))
        return unknown <= known_count

    def _begins_word(self, id: int) -> bool:
        """Whether a token is a word of the vocabulary or its beginning: no mark, special token or later piece."""
        if id not in self._is_word:
            token = self._tokenizer.id_to_token(id) or ""
            added = self._tokenizer.get_added_tokens_decoder()
            specials = {self._unknown, *added, *self._tokenizer.encode("").ids}
            later: str = getattr(self._tokenizer.model, "continuing_subword_prefix", None) or "\0"
            is_later = token.startswith(later)
            self._is_word[id] = id not in specials and not is_later and any(map(str.isalnum, token))
        return self._is_word[id]

    def _words_for(self, texts: Sequence[str]) -> WordPieces | None:
        """What looks up the words of texts; ``None``: the tokenizer is to be asked."""
        self._seen += len(texts)  # from several threads it may miss some
        return self._words if self._seen >= _MANY else None

    def _row(self, row: IdRow) -> tuple[IdRow, IdRow]:
        mask = self._ones[: len(row)]
        if self._pad_to is not None and len(row) < self._pad_to:
            gap = self._pad_to - len(row)
            row = np.pad(row, (0, gap), constant_values=self._pad_id)
            mask = np.pad(mask, (0, gap))
        return row, mask


def _unknown_id(tokenizer: Tokenizer, path: Path) -> int | None:
    """The id of what is not in the vocabulary; ``None``: a tokenizer that has one for everything."""
    token = getattr(tokenizer.model, "unk_token", None)
    if token is not None:
        id: int | None = tokenizer.token_to_id(token)
        return id
    # Of a Unigram model, the library does not tell.
    number = _UNIGRAM_UNKNOWN.search(path.read_text(encoding="utf-8"))
    return int(number[1]) if number else None


def _word_pieces(tokenizer: Tokenizer) -> WordPieces | None:
    """What looks up words for a tokenizer; ``None``: it is not BERT's for texts in lower case."""
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    normalizer = tokenizer.normalizer
    if not (
        isinstance(normalizer, BertNormalizer)
        and normalizer.clean_text
        and normalizer.lowercase
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and isinstance(tokenizer.model, WordPiece)
        and tokenizer.token_to_id(tokenizer.model.unk_token) is not None
    ):
        return None
    added = tokenizer.get_added_tokens_decoder().values()
    # Others could also be found where a text spells them in another way, or take spaces with them.
    plain = all(token.content[:1] == "[" and token.content.isascii() and not token.normalized for token in added)
    if not plain or any(token.lstrip or token.rstrip or token.single_word for token in added):
        return None
    return WordPieces(tokenizer, tuple(token.content for token in added))
