"""Texts to token ids. The only module that uses ``tokenizers``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .errors import BundleError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .bundle import Bundle

IdRow = npt.NDArray[np.int64]  # (T,)


class TextEncoder:
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

    @cached_property
    def _counter(self) -> Tokenizer:
        """The same tokenizer without the limit; a search needs none, so it is loaded by the first count."""
        return self._load()

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
        encodings = self._counter.encode_batch_fast([_clean(text) for text in texts], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def encode(self, texts: Sequence[str], *, role: str) -> list[tuple[IdRow, IdRow]]:
        """Token ids and attention mask of each text, both ``(T,)`` int64, T at most ``max_tokens``.

        Args:
            texts: any strings; an empty one gives the special tokens alone.
            role: ``query`` or ``document``: which prefix of the bundle goes in front.
        """
        prefix = self.prefixes[role]
        encodings = self._tokenizer.encode_batch_fast([prefix + _clean(text) for text in texts])
        return [self._row(encoding.ids) for encoding in encodings]

    def _row(self, ids: list[int]) -> tuple[IdRow, IdRow]:
        row = np.array(ids, dtype=np.int64)
        mask = np.ones_like(row)
        if self._pad_to is not None and len(row) < self._pad_to:
            gap = self._pad_to - len(row)
            row = np.pad(row, (0, gap), constant_values=self._pad_id)
            mask = np.pad(mask, (0, gap))
        return row, mask


def _clean(text: str) -> str:
    """The text itself, or, where it holds lone surrogates (from undecodable file names), with U+FFFD for each."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # By way of UTF-16, where two surrogates that belong together become their character.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
