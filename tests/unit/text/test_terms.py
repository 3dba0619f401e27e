"""Words that SQLite would not find by itself, and phrases."""

from __future__ import annotations

import pytest

from edgeembed.text.terms import (
    contains_phrase,
    index_terms,
    literal_pieces,
    normalize_words,
    phrase_expression,
    query_terms,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain words, snake_case and UPPER", None),
        ("parseConfigFile", "parse Config File"),
        ("HTTPServer2 and PDFs", "HTTP Server 2"),
        ("京都の春", "京都 都の の春 春"),
        ("naïve façade", None),
        ("die Straße", "strasse"),
        ("ﬁnally", "finally"),
        ("Ｗｉｄｅ", "wide"),
    ],
)
def test_index_terms_are_words_that_full_text_would_not_find(text: str, words: str | None) -> None:
    assert index_terms(text) == words


@pytest.mark.parametrize(
    ("text", "phrase", "expected"),
    [
        ("The red\nbicycle's bell", "RED bicycle", True),
        ("The red bicycles", "red bicycle", False),
        ("infrared bicycle", "red bicycle", False),
        ("Müll auf der Straße", "mull auf der STRASSE", True),
        ("call get_user_name()", "get_user_name", True),
        ("see www.example.org", "www.example.org", True),
        ("桜は京都の春に咲く", "京都の春", True),
        ("京 都", "京都", True),
        ("किताबें", "किताब", False),
    ],
)
def test_a_phrase_is_contained_as_whole_words(text: str, phrase: str, expected: bool) -> None:
    assert contains_phrase(text, phrase) is expected


def test_what_full_text_must_not_take_for_its_own_syntax_is_quoted() -> None:
    for term in [*query_terms("a\"b NOT near( col:x * ^ don't -- "), phrase_expression('say "hi" AND')]:
        assert term.startswith('"')
        assert term.rstrip("* ").endswith('"')
    assert query_terms("? ! …") == []
    assert len(query_terms(" ".join(map(str, range(500))))) == 64
    assert normalize_words("?!") == ""


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["x", "0123456789abcdef", "ACGT", "7", "A", "Ab", "xÉ", "\u0301", "京", "_"])
def test_a_text_of_one_endless_word_is_gone_through_once(piece: str) -> None:
    """Were each of its characters a new beginning, this would not end today."""
    word = piece * (1_000_000 // len(piece)) + "é"
    assert len(query_terms(word)) <= 64
    assert literal_pieces(word) is not None
    assert index_terms(word) != ""
    assert normalize_words(word) != ""
