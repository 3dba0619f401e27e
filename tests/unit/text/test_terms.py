"""Words of texts and queries, and phrases."""

from __future__ import annotations

import pytest

from edgeembed.text.terms import (
    Word,
    aligned_words,
    border_expression,
    contains_phrase,
    defining_terms,
    has_words,
    index_words,
    normalize_words,
    phrase_expression,
    query_terms,
)


@pytest.mark.parametrize(
    ("text", "words", "extra"),
    [
        ("plain words and UPPER", "plain words and UPPER", ""),
        ("parseConfigFile", "parseConfigFile", "parse config file parseconfig configfile"),
        ("HTTPServer2 and PDFs", "HTTPServer2 and PDFs", "http server 2 httpserver server2"),
        ("snake_case e-mail", "snake_case e-mail", "snakecase email"),
        ("on 2024-05-01", "on 2024-05-01", "20240501"),
        ("word--word -rf _private", "word--word -rf _private", ""),
        ("京都の春", "京都 都の の春 春", ""),
        ("กินข้าว", "กิน นข้ ข้า าว ว", ""),  # pairs of letters, each with its vowel signs and tones
        ("ភាសាខ្មែរ", "ភាសា សាខ្មែ ខ្មែរ រ", ""),
        ("학교에서", "학교 교에 에서 서", ""),
        ("naïve façade", "naive facade", ""),
        ("die Straße", "die Strasse", ""),
        ("Ｗｉｄｅ ﬁn", "Wide fin", ""),
        ("हिन्दी में", "हिन्दी में", ""),
        ("C++, C#, F# and .NET", "C++, C#, F# and .NET", "cplusplus csharp fsharp dotnet"),
        ("a++b c#d foo().bar e.g.this", "a++b c#d foo().bar e.g.this", ""),
        ("done ✅ ✅ 🦄", "done", "u2705 u1f984"),
        ("10 € → 20 °C │", "10 20 C", "u20ac u2192 ub0"),
    ],
)
def test_index_words_are_what_full_text_parts_at_spaces(text: str, words: str, extra: str) -> None:
    indexed, beside = index_words(text)
    assert (" ".join(indexed.split()).lower(), beside) == (words.lower(), extra)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        *[("getUserName", "getUserName"), ("user name", "getUserName"), ("username", "getUserName")],
        *[("github", "fetchGitHubRepos"), ("mysql", "MySQLConnector"), ("e-mail", "email"), ("email", "e-mail")],
        *[("snake_case_names", "snake_case_names"), ("names", "snake_case_names"), ("kebabcase", "kebab-case")],
        *[("C++", "c++ code"), ("c", "C++"), ("csharp", "C#"), (".net", "the .NET way"), ("✅", "done ✅")],
        *[("don't", "don’t"), ("1.2.3", "version 1.2.3"), ("п'ять", "п’ять"), ("отчет", "Отчёт")],
        *[("ข้าว", "กินข้าวที่"), ("歯", "歯医者"), ("東", "東"), ("ガイド", "ｶﾞｲﾄﾞ"), ("strasse", "STRAẞE")],
    ],
)
def test_a_query_asks_for_words_that_the_text_is_indexed_by(query: str, text: str) -> None:
    indexed = {word.text for words in aligned_words(text) for word in words}
    asked = [term.strip('"* ') for term in query_terms(query)]
    assert any(all(any(word.startswith(part) for word in indexed) for part in term.split()) for term in asked)


@pytest.mark.parametrize(
    ("query", "text"), [("C#", "C++"), ("й", "и"), ("їжа", "іжа"), ("ほ", "ぼ"), ("c++", "c"), ("🦄", "✅")]
)
def test_other_letters_and_signs_are_other_words(query: str, text: str) -> None:
    indexed = {word.text for words in aligned_words(text) for word in words}
    assert query_terms(query)[-1].strip('"* ') not in indexed


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
        ("Новый чайник стоит", "новый чайник", True),
        ("новыи чаиник", "новый чайник", False),
        ("Αθήνα και λόγος", "ΛΌΓΟΣ", True),
        ("вчера отчёт", "отчет", True),
        ("วันนี้ไปกินข้าวที่ร้าน", "กินข้าว", True),
        ("ခွေး ဖတ်သည်", "ဖတ်သည်", True),
        ("C# and C", "C++", False),
        ("I write C++ code", "C++ code", True),
        ("I write C++ code", "C", True),
        ("all done ✅ today", "done today", True),
        ("all done ✅ today", "done ✅", True),
        ("all done today", "✅", False),
        ("مُحَمَّد هنا", "محمد", True),
        ("שָׁלוֹם", "שלום", True),
        ("Cafe\u0301 Zu\u0308rich", "café zürich", True),
    ],
)
def test_a_phrase_is_contained_as_whole_words(text: str, phrase: str, expected: bool) -> None:
    assert contains_phrase(text, phrase) is expected


def test_words_stand_where_their_text_stands() -> None:
    text = "die Stra\u00dfe, Cafe\u0301 fetchGitHub ｶﾞｲﾄﾞ C++"
    words, extra = aligned_words(text)
    places = {word.text: text[word.start : word.end] for word in (*words, *extra)}
    assert places["strasse"] == "Straße"
    assert places["cafe"] == "Cafe\u0301"
    assert places["github"] == "GitHub"
    assert places["ガイ"] == "ｶﾞｲ"
    assert places["cplusplus"] == "C++"
    assert words[0] == Word("die", 0, 3)


def test_what_full_text_must_not_take_for_its_own_syntax_is_quoted() -> None:
    for term in [*query_terms("a\"b NOT near( col:x * ^ don't -- "), phrase_expression('say "hi" AND')]:
        assert term.startswith('"')
        assert term.rstrip("* ").endswith('"')
    assert query_terms("? ! …") == []
    assert len(query_terms(" ".join(map(str, range(500))))) == 64
    assert normalize_words("?!") == ""
    assert not has_words("?!")
    assert has_words("✅")


def test_what_a_later_passage_of_a_phrase_begins_with() -> None:
    assert border_expression("one") == ""
    assert border_expression("red bicycle bell") == '^ "bicycle bell" OR ^ "bell"'
    assert border_expression("京都の") == '^ "都の" OR ^ "の" *'


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["x", "0123456789abcdef", "ACGT", "7", "A", "Ab", "xÉ", "\u0301", "京", "_", "-a", "+", "a+", ".a", "✅"]
)
def test_a_text_of_one_endless_word_is_gone_through_once(piece: str) -> None:
    """Were each of its characters a new beginning, this would not end today."""
    word = piece * (1_000_000 // len(piece)) + "é"
    assert len(query_terms(word)) <= 64
    assert index_words(word)[0] != ""
    assert normalize_words(word) != ""


def test_names_that_a_program_defines_are_indexed_once_more_in_their_parts() -> None:
    text = "import os\n\nclass HTMLParser(Base):\n    def feed(self): ...\n\ndef parse_config(file): ...\n"
    marked = [word.removeprefix("\ue000") for word in index_words(text)[1].split() if word.startswith("\ue000")]
    assert marked == ["htmlparser", "html", "parser", "parseconfig", "parse", "config"]
    places = {word.text: text[word.start : word.end] for word in aligned_words(text)[1]}
    assert (places["\ue000parser"], places["\ue000htmlparser"]) == ("Parser", "HTMLParser")
    assert defining_terms("Parsing HTML, 東京") == ['"\ue000parsing"', '"\ue000html"']


def test_no_text_and_no_query_can_hold_the_mark_of_a_defined_name() -> None:
    for made in (index_words("x \ue000parser y"), (" ".join(query_terms("\ue000parser")), "")):
        assert "\ue000" not in "".join(made)
