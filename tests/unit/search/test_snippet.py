"""What is shown of a passage."""

from __future__ import annotations

from edgeembed.search.snippet import is_like, snippet, spans_of

LONG = "Nothing to see here, only filler words. " * 12


def marked(shown: tuple[str, tuple[tuple[int, int], ...]]) -> list[str]:
    text, marks = shown
    return [text[begin:end] for begin, end in marks]


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    assert snippet("one\n\ttwo   three", []) == ("one two three", ())
    assert marked(snippet("one\n\ttwo   three", [(5, 8)])) == ["two"]


def test_a_long_text_is_cut_at_words() -> None:
    text, marks = snippet(LONG, [])
    assert text.endswith(" …")
    assert LONG.startswith(text.removesuffix(" …"))
    assert LONG[len(text) - 2] in " ,."
    assert 200 < len(text) <= 242
    assert marks == ()


def test_the_part_with_most_words_is_shown_from_its_sentence_on() -> None:
    text = f"{LONG}The tap drips. The kitchen tap was closed. {LONG}"
    begin = text.index("kitchen")
    first = text.index("tap")
    shown = snippet(text, [(first, first + 3), (begin, begin + 7), (begin + 8, begin + 11)])
    assert shown.text.startswith("… The tap drips. The kitchen tap")
    assert marked(shown) == ["tap", "kitchen", "tap"]


def test_text_without_spaces_is_cut_anywhere() -> None:
    shown = snippet("春" * 1000, [(500, 502)])
    assert len(shown.text) < 250
    assert "春" in shown.text


def test_a_phrase_is_marked_whole() -> None:
    text = "The tap, at\nnight. A tap at nightfall. 桜 は, die Stra\u00dfe, Zu\u0308rich C++"
    phrases = ["Tap at NIGHT", "桜は", "strasse zürich", "c++"]
    assert [text[a:b] for a, b in spans_of(text, phrases, [(4, 7)])] == [
        "tap, at\nnight",
        "桜 は",
        "Straße, Zu\u0308rich",
        "C++",
    ]


def test_passages_that_are_nearly_the_same() -> None:
    assert is_like("a b c d e f g h i j", ["other", "a b c d e f g h i j"])
    assert not is_like("a b c d e", ["a b c x y"])
