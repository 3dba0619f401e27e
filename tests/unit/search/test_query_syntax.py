"""The syntax of a query: words, phrases in quotes, excluded words."""

from __future__ import annotations

import pytest

from edgeembed.search.query_syntax import Query, literal_query, parse_query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("red bicycle", Query("red bicycle")),
        ('fix "leaking tap" now', Query("fix leaking tap now", ("leaking tap",))),
        ("“curly quotes” count", Query("curly quotes count", ("curly quotes",))),
        ('jaguar -car -"sports car"', Query("jaguar", (), ("car", "sports car"))),
        ("well-known e-mail", Query("well-known e-mail")),
        ("a - b -- c", Query("a - b -- c")),
        ('an open "quote', Query("an open quote")),
        ('empty "" quotes', Query("empty quotes")),
        ("it's", Query("it's")),
        ('"..."  dots', Query("... dots")),
        ("-5 degrees outside", Query("-5 degrees outside")),
        ('git push --force -"18 cats"', Query("git push --force", (), ("18 cats",))),
        ("C++ -C# -✅", Query("C++", (), ("C#", "✅"))),
        ('a "✅"', Query("a ✅", ("✅",))),
    ],
)
def test_a_query_is_parsed_into_text_phrases_and_excluded_words(query: str, expected: Query) -> None:
    assert parse_query(query) == expected


@pytest.mark.parametrize(
    ("query", "message"), [(" ", "empty"), ('""', "empty"), ("-car", "only says what to leave out")]
)
def test_nothing_to_search_for(query: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_query(query)


def test_a_minus_that_is_a_part_of_the_word_excludes_nothing() -> None:
    asked = []

    def is_literal(word: str, rest: str) -> bool:
        asked.append((word, rest))
        return word == "rf"

    assert parse_query('rm -rf -cat -"sports car"', is_literal) == Query("rm -rf", (), ("cat", "sports car"))
    assert asked == [("rf", "rm"), ("cat", "rm")]
    with pytest.raises(ValueError, match="only says what to leave out"):
        parse_query("-rf", is_literal)


@pytest.mark.parametrize(
    "query", ["-5 degrees", "it's 5\" wide", 'what does "foo" mean', '-"a b" -c', "“quoted”", '"', "--", "a  b\n c"]
)
def test_a_literal_query_is_text_to_the_last_character(query: str) -> None:
    assert literal_query(query) == Query(" ".join(query.split()))


def test_a_literal_query_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="the query is empty"):
        literal_query(" \n")
