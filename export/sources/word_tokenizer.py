"""Word-level tokenizer over the vocabulary of a vector file, and counts of out-of-vocabulary (OOV) words.

The pre-tokenizer cuts text into runs of letters and digits, and single signs; a run is looked up in the vocabulary
(``WordLevel``). A multiword entry, of several runs (``well-known``, ``don't``, ``New_York``, ``:)``), becomes an added
token: ``tokenizers`` looks for those before it cuts, for the longest first. In scripts without spaces between words
every character is a run of its own, so words are found in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from edgeembed.bundle.bundle import read_bundle

from ..errors import ExportError
from .tokenizer import lower_case

MAX_ADDED_TOKENS = 20_000
"""Limit on added tokens, each of which takes a hundred bytes and time to load: rarer multiword entries are left out."""
LOWERCASE_SHARE = 0.99
"""Share of lower-case words from which on the vocabulary counts as uncased, and texts are lower-cased."""
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# The last two, zero-width non-joiner and joiner, stand within words of Persian and of Indic scripts.
_LETTER = rf"[\p{{L}}\p{{M}}\p{{N}}\x{{200C}}\x{{200D}}&&[^{_UNSPACED}]]"
_NUMBER = rf"\p{{N}}+(?:[.,:]\p{{N}}+)+(?!{_LETTER})"
# Clitics as the Penn Treebank cuts them, and GloVe with it: "do n't", "it 's".
_CLITICS = {
    "n't": rf"{_LETTER}+(?=n't(?!{_LETTER}))|n't(?!{_LETTER})",
    "'s": rf"'(?:s|re|ve|ll|d|m)(?!{_LETTER})",
}


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Vocabulary of a vector file: the words that can be matched in texts, and their tokenizer."""

    words: Sequence[str]
    """As they stand in a normalised text: in lower case if most are, phrases with spaces in place of underscores."""
    rows: npt.NDArray[np.int64]
    """Row of each word in the file, ``(words,)``."""
    left_out: Mapping[str, int]
    """Number of words of the file that cannot be matched in texts, by reason."""
    lowercase: bool
    """Whether texts are lower-cased (an uncased vocabulary)."""
    tokenizer: Tokenizer
    """Id 0 is the unknown token; 1 the end token, behind every text, so that none is empty; then the words follow."""


def build_vocabulary(words: Sequence[str]) -> Vocabulary:
    """Build the vocabulary of the words that texts can hold, and its tokenizer.

    Args:
        words: distinct, the most frequent first.
    """
    lowercase = sum(word == word.lower() for word in words) >= LOWERCASE_SHARE * len(words)
    normalizer = _normalizer(words, lowercase)
    pre_tokenizer = _pre_tokenizer(words)
    rows: dict[str, int] = {}
    multiwords: list[str] = []
    left_out: Counter[str] = Counter()
    for row, word in enumerate(words):
        key = normalizer.normalize_str(word).strip()
        is_multiword = [run for run, _ in pre_tokenizer.pre_tokenize_str(key)] != [key]
        if key in rows:
            left_out["the same as another when normalised"] += 1
        elif not key or (is_multiword and len(multiwords) == MAX_ADDED_TOKENS):
            left_out["of several parts and rare"] += 1
        else:
            rows[key] = row
            multiwords += [key] if is_multiword else []
    unknown, end = _unused("[UNK]", rows), _unused("[END]", rows)
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate([unknown, end, *rows])}, unk_token=unknown))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.add_tokens([AddedToken(word, single_word=_stands_alone(word, pre_tokenizer)) for word in multiwords])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, 1)])
    numbers = np.fromiter(rows.values(), np.int64, len(rows))
    return Vocabulary(list(rows), numbers, dict(left_out), lowercase, tokenizer)


@dataclass(frozen=True)
class UnknownWords:
    """Out-of-vocabulary (OOV) counts of some texts; punctuation is not counted."""

    words: int
    unknown: int
    commonest: Sequence[tuple[str, int]]
    """The most frequent OOV words, with their counts."""

    @property
    def share(self) -> float:
        """OOV rate: unknown words as a share of all; 0 if there were none at all."""
        return self.unknown / max(self.words, 1)


def count_unknown(tokenizer: Tokenizer, texts: Iterable[str], *, unknown_id: int = 0) -> UnknownWords:
    """Count the OOV words of texts by a tokenizer."""
    words, oov = 0, Counter[str]()
    for text in texts:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        for i, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            part = text[start:end]
            if any(character.isalnum() for character in part):
                words += 1
                oov.update([part] if i == unknown_id else [])
    ordered = sorted(oov.items(), key=lambda item: (-item[1], item[0]))
    return UnknownWords(words, oov.total(), ordered[:20])


def unknown_to_bundle(model: str, texts: Iterable[str]) -> UnknownWords:
    """Count the OOV words of texts by a bundle's tokenizer.

    Args:
        model: name of a shipped bundle, or path of a bundle folder.
        texts: any number.

    Raises:
        BundleError: the bundle is missing or damaged.
        ExportError: it has no tokenizer, or one to which no word is unknown.
    """
    bundle = read_bundle(model)
    if bundle.manifest.text is None:
        raise ExportError(f"{bundle.path}: embeds images only; it has no tokenizer")
    tokenizer = Tokenizer.from_str(bundle.file(bundle.manifest.text.tokenizer).read_text(encoding="utf-8"))
    tokenizer.no_truncation()
    unknown = getattr(tokenizer.model, "unk_token", None)
    if unknown is None:
        raise ExportError(f"{bundle.path}: its tokenizer has no token for unknown words: it knows every text")
    return count_unknown(tokenizer, texts, unknown_id=tokenizer.token_to_id(unknown))


def _normalizer(words: Sequence[str], lowercase: bool) -> normalizers.Normalizer:
    steps = [normalizers.Replace("\u00ad", ""), normalizers.NFC()]  # a soft hyphen is where a line may break, no letter
    if any("'" in word for word in words) and not any("’" in word for word in words):
        steps.append(normalizers.Replace("’", "'"))
    if any("_" in word.strip("_") or " " in word for word in words):
        steps.append(normalizers.Replace(Regex(r"(?<=[^\W_])_+(?=[^\W_])|\s+"), " "))
    if lowercase:
        steps += lower_case()
    return normalizers.Sequence(steps)


def _pre_tokenizer(words: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    known = set(words)
    clitics = [pattern for sign, pattern in _CLITICS.items() if sign in known]
    pattern = "|".join([_NUMBER, *clitics, rf"{_LETTER}+", r"[^\s]"])
    return pre_tokenizers.Split(Regex(pattern), "removed", invert=True)


def _stands_alone(word: str, pre_tokenizer: pre_tokenizers.PreTokenizer) -> bool:
    """Whether a letter before or after the word would make it another word: not so at a sign, nor in Chinese."""
    return any(len(pre_tokenizer.pre_tokenize_str(edge * 2)) == 1 for edge in (word[0], word[-1]))


def _unused(token: str, words: Mapping[str, int]) -> str:
    while token in words:
        token += "_"
    return token
