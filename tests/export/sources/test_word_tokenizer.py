"""Words of a file, found in running text, and unknown ones counted."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.sources import word_tokenizer
from edgeembed_export.sources.word_tokenizer import build_vocabulary, count_unknown, unknown_to_bundle
from tokenizers import Tokenizer


def found(words: list[str], text: str) -> list[str]:
    """The words found in a text, ``?`` for an unknown one, by the tokenizer as it is stored."""
    tokenizer = Tokenizer.from_str(build_vocabulary(words).tokenizer.to_str())
    tokens = tokenizer.encode(text)
    assert tokens.ids[-1] == 1
    return ["?" if i == 0 else token for i, token in zip(tokens.ids[:-1], tokens.tokens, strict=False)]


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        (["the", "cat"], "The CAT, the dog.", ["the", "cat", "?", "the", "?", "?"]),
        (["the", "cat", ","], "the cat,the,", ["the", "cat", ",", "the", ","]),
        (["well", "known", "-", "well-known"], "Well-known, well-knowns; un-well", ["well-known", "?", "well", "-"]),
        (["don't", "do", "it"], "Don't! don’t do it", ["don't", "?", "don't", "do", "it"]),
        (["do", "n't", "it", "'s", "dog"], "Don't; it's 'sad'", ["do", "n't", "?", "it", "'s", "?", "?", "?"]),
        (["new_york", "new", "york"], "New York new\n york new_york new yorks", ["new york"] * 3 + ["new", "?"]),
        (["state-of-the-art", "state", "art"], "state-of-the-artist", ["state", *"??????"]),
        (["u.s.", "u", "."], "the U.S. wins u.s", ["?", "u.s.", "?", "u", ".", "?"]),
        (["1,000", "3.5", "2"], "1,000 3.5% 1,000,000 2", ["1,000", "3.5", "?", "?", "2"]),
        (["...", "wait", ":)"], "wait... ok :)", ["wait", "...", "?", ":)"]),
        (["東京", "寿司", "大", "京"], "大東京で寿司", ["大", "東京", "?", "寿司"]),
        (["café", "naïve"], "cafe\u0301 na\u00adïve", ["café", "naïve"]),
        (["می\u200cخواهم"], "می\u200cخواهم", ["می\u200cخواهم"]),
        (["👍", "👨\u200d👩\u200d👧"], "ok👍👨\u200d👩\u200d👧", ["?", "👍", "👨\u200d👩\u200d👧"]),
        (["οδός", "ὀδούς"], "ΟΔΌΣ", ["οδός"]),
        (["The", "the", "Ann"], "The ann", ["The", "?"]),
        (["[UNK]", "[END]", "$A"], "[UNK] a $A", ["[UNK]", "?", "$A"]),
        (["a"], "", []),
    ],
)
def test_words_in_text(words: list[str], text: str, expected: list[str]) -> None:
    assert found(words, text)[: len(expected)] == expected


def test_every_word_of_the_vocabulary_is_found() -> None:
    words = [
        "the",
        "New_York",
        "rock'n'roll",
        "C++",
        "--",
        "'tis",
        "a.b.c",
        "x_",
        "_y",
        "Ångström",
        "ß",
        "ﬁ",
        "№5",
        "<s>",
    ]
    vocabulary = build_vocabulary(words)
    assert vocabulary.rows.tolist() == list(range(len(words)))
    for i, word in enumerate(words, start=2):
        assert vocabulary.tokenizer.encode(f"~ {word} ~").ids == [0, i, 0, 1]


def test_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tokenizer, "MAX_ADDED_TOKENS", 2)
    lower = [f"word{i}" for i in range(300)]
    vocabulary = build_vocabulary(["i", *lower, "I", "a-b", "c-d", "e-f"])
    assert vocabulary.lowercase
    assert list(vocabulary.words) == ["i", *lower, "a-b", "c-d"]
    assert vocabulary.left_out == {"the same as another when normalised": 1, "of several parts and rare": 1}
    assert vocabulary.rows[-2:].tolist() == [302, 303]


def test_unknown_words_are_counted() -> None:
    tokenizer = build_vocabulary(["the", "cat", "new_york"]).tokenizer
    result = count_unknown(tokenizer, ["The cat, the dog and the DOG.", "New York!", ""])
    assert (result.words, result.unknown) == (8, 3)
    assert result.share == 3 / 8
    assert result.commonest == [("DOG", 1), ("and", 1), ("dog", 1)]
    assert count_unknown(tokenizer, ["?!"]).share == 0


def test_unknown_words_of_any_bundle(tiny_bundle: object) -> None:
    result = unknown_to_bundle(str(tiny_bundle), ["bread 東京"])
    assert result.unknown >= 1
    assert result.unknown < result.words


def test_a_bundle_without_a_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.support.tiny_image import tiny_image_bundle

    folder = tiny_image_bundle(tmp_path_factory.mktemp("image") / "bundle")
    with pytest.raises(ExportError, match="embeds images only"):
        unknown_to_bundle(str(folder), ["a"])
