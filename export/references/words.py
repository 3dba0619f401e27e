"""The float reference of a word-vector bundle: the vectors of the file, in NumPy, through the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from ..sources.vector_file import WordTable
from ..sources.word_tokenizer import Vocabulary
from ..types import Vectors

_SMOOTHING = 1e-4
"""``a`` in ``a / (a + p(word))``. Of the range that Arora et al. 2017 recommend, 1e-4 to 1e-3, this end measured better
on both sets of vectors tried (PPMI with SVD, skip-gram): STS-B 66.2 and 69.3 instead of 63.5 and 68.2 (unweighted 57.2
and 55.4), nDCG@10 on Cranfield 17.7 and 13.0 instead of 16.5 and 11.8 (unweighted 12.8 and 8.3)."""
_BLOCK = 8192


class WordReference:
    """The vectors of the file in NumPy, in double precision, from text to unit vector."""

    def __init__(self, table: WordTable, vocabulary: Vocabulary, *, weighting: str, max_tokens: int) -> None:
        """Weigh the words; ``weighting`` is ``sif`` or ``none``."""
        self.table = table
        self.rows = vocabulary.rows
        frequency = zipf(table.ranks)[vocabulary.rows]  # (words,)
        self.weights = sif_weights(frequency) if weighting == "sif" else np.ones(len(self.rows))
        self.fallback = self._fallback(frequency)
        self._number = {word: i for i, word in enumerate(vocabulary.words)}
        self._tokenizer = Tokenizer.from_str(vocabulary.tokenizer.to_str())
        self._tokenizer.enable_truncation(max_tokens)

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        """Token ids of each text, cut at the limit."""
        return [list(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]

    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1."""
        return np.stack([self._embed(text) for text in texts]).astype(np.float32)

    def vectors(self, words: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.float64]:
        """Vectors of words by their numbers in the vocabulary, ``(n, dim)``."""
        return self.table.vectors[self.rows[words]].astype(np.float64)

    def _embed(self, text: str) -> npt.NDArray[np.float64]:
        tokens = self._tokenizer.encode(text).tokens
        known = np.array([self._number[token] for token in tokens if token in self._number], np.int64)
        total = self.weights[known] @ self.vectors(known)  # (dim,)
        length = np.linalg.norm(total)
        return np.asarray(total / length, np.float64) if length > 0 else self.fallback

    def _fallback(self, frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The vector of a text without a known word: the opposite of the mean over all text.

        It is less similar than others to whatever is searched for, so that such a text is found last.
        """
        mean = np.zeros(self.table.vectors.shape[1])
        for block in blocks(len(self.rows)):
            mean += (frequency[block] * self.weights[block]) @ self.vectors(block)
        length = np.linalg.norm(mean)
        return np.asarray(-mean / length if length > 0 else np.eye(len(mean))[0], np.float64)


def zipf(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Probability of words by their rank, the most frequent being 1, by Zipf's law: in proportion to 1 / rank."""
    every = np.arange(1, ranks[-1] + 1, dtype=np.float64)
    return np.asarray(1 / (ranks * (1 / every).sum()))


def sif_weights(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Smooth inverse frequency: ``a / (a + p)``.

    Arora, Liang and Ma: A simple but tough-to-beat baseline for sentence embeddings (ICLR 2017), the weights; the
    direction that all texts share is not removed.
    """
    return np.asarray(_SMOOTHING / (_SMOOTHING + probability))


def blocks(count: int) -> Iterator[slice]:
    """Consecutive slices of ``count`` words, so that only some of the vectors are in memory at a time."""
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))
