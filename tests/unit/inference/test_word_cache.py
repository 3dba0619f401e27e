"""Looking words up gives the tokenizer's own ids, whatever the text."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from edgeembed.bundle.bundle import read_bundle
from edgeembed.inference import tokenizer as tokenizer_module
from edgeembed.inference import word_cache
from edgeembed.inference.tokenizer import BundleTokenizer
from edgeembed.inference.word_cache import WordPieces

PARTS = [
    *" \t\n\r\x0b\x0c\x1c\x85\xa0\u2028\u3000\u180e\u200b\ufeff\ufffd\x00\x7f\u0301\u0130ßΣςﬁ中日ガ한é",
    *"“”’—…[]()#'\"-_/.,!?",
    *("[CLS]", "[SEP]", "[sep]", "[ CLS ]", "unaffable", "internationalization", "x" * 100, "x" * 101, "ß" * 41),
    *("hello", "World", " the ", "naïve", "don't", "foo_bar", "3.14", "WÖRTER", "e\u0301tude", "İstanbul", "🙂"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(read_bundle("minilm-l6-int8").file("tokenizer.json")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture
def words(tokenizer: Tokenizer) -> WordPieces:
    found = tokenizer_module._word_pieces(tokenizer)
    assert found is not None
    return found


def strange_texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)

    def part() -> str:
        if rng.random() < 0.6:
            return rng.choice(PARTS)
        code = rng.choice((rng.randrange(0x20, 0x7F), rng.randrange(0x80, 0x3000), rng.randrange(0xE000, 0x30000)))
        return chr(code)

    return ["".join(part() for _ in range(rng.randrange(14))) for _ in range(count)]


@pytest.mark.slow
def test_ids_are_the_tokenizers_own(tokenizer: Tokenizer, words: WordPieces) -> None:
    for text in strange_texts(20_000, seed=5):
        found = np.frombuffer(words.ids(text), np.int64).tolist()
        assert found == tokenizer.encode(text, add_special_tokens=False).ids, ascii(text)


def test_long_texts_take_time_in_proportion(words: WordPieces) -> None:
    """An unbroken run of a million letters beside another alphabet: in squares it would take hours."""
    found = words.ids("é " + "a" * 1_000_000 + " 日本 " + "b1" * 500_000)
    assert len(found) // word_cache.ID_BYTES == 5


def test_a_table_that_is_full_begins_anew(
    tokenizer: Tokenizer, words: WordPieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_cache, "_MOST_WORDS", 50)
    for text in strange_texts(500, seed=6):
        found = np.frombuffer(words.ids(text), np.int64).tolist()
        assert found == tokenizer.encode(text, add_special_tokens=False).ids, ascii(text)
        assert len(words._table) <= 50


@pytest.mark.parametrize("most", [2, 3, 9, 256])
def test_texts_are_cut_as_the_tokenizer_cuts_them(tokenizer: Tokenizer, words: WordPieces, most: int) -> None:
    cutting = Tokenizer.from_str(tokenizer.to_str())
    cutting.enable_truncation(most)
    for text in ("", "one", "a dozen words, of which some — naïve ones — are long: internationalization " * 30):
        found = words.framed(text, most)
        assert found.dtype == np.int64
        assert found.tolist() == cutting.encode(text).ids


def test_many_texts_give_what_each_gives_alone() -> None:
    encoder = BundleTokenizer(read_bundle("minilm-static"))
    texts = strange_texts(300, seed=7)
    with ThreadPoolExecutor(4) as pool:
        found = encoder.encoding(texts, role="document")
        together = list(pool.map(found, range(len(texts))))
    for text, (ids, mask) in zip(texts, together, strict=True):
        ((alone, own),) = encoder.encode([text], role="document")
        assert ids.tolist() == alone.tolist()
        assert mask.tolist() == own.tolist()
    assert encoder.count(texts) == [encoder.count([text])[0] for text in texts]


def test_other_tokenizers_are_used_without_the_word_cache(tokenizer: Tokenizer) -> None:
    def changed(**parts: object) -> Tokenizer:
        other = Tokenizer.from_str(tokenizer.to_str())
        for name, part in parts.items():
            setattr(other, name, part)
        return other

    assert tokenizer_module._word_pieces(changed()) is not None
    assert tokenizer_module._word_pieces(changed(normalizer=normalizers.BertNormalizer(lowercase=False))) is None
    assert tokenizer_module._word_pieces(changed(normalizer=normalizers.NFKC())) is None
    assert tokenizer_module._word_pieces(changed(pre_tokenizer=pre_tokenizers.Whitespace())) is None
    for token in (AddedToken("two words"), AddedToken("[X]", lstrip=True, normalized=False), AddedToken("word")):
        other = changed()
        other.add_tokens([token])
        assert tokenizer_module._word_pieces(other) is None


def test_a_text_that_was_counted_is_not_tokenized_again_when_it_is_embedded(
    words: WordPieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_cache, "_MAX_COUNTED", 8)
    texts = list(dict.fromkeys(strange_texts(30, seed=3)))
    expected = [words.framed(text, 64) for text in texts]
    tokenized: list[str] = []
    real = words.ids
    monkeypatch.setattr(words, "ids", lambda text: tokenized.append(text) or real(text))
    for text in texts:  # more than are kept: some are tokenized twice, and none is wrong
        words.count(text)
    assert all((words.framed(text, 64) == ids).all() for text, ids in zip(texts, expected, strict=True))
    assert len(texts) < len(tokenized) < 2 * len(texts)
    tokenized.clear()
    for text in texts[:8]:
        words.count(text)
    for text in texts[:8]:
        words.framed(text, 64)
    assert tokenized == texts[:8]
    assert not words._counted
