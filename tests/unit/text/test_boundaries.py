"""The borders of a text; what becomes of them is in ``test_chunks.py``."""

from __future__ import annotations

import pytest

from edgeembed.text.boundaries import blocks, lines, paragraphs, sentences, word_runs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\nmore  \n\n two\n", [("one\nmore", "paragraph"), (" two", "paragraph")]),
        ("# One\ntext\n    # text", [("# One", "heading"), ("text\n    # text", "paragraph")]),
        ("Two\n===\ntext", [("Two\n===", "heading"), ("text", "paragraph")]),
        ("a\nb\n---", [("a\nb\n---", "paragraph")]),
        (
            "text\n```sh\n# no heading\n\nmake\n```\ntext",
            [("text", "paragraph"), ("```sh\n# no heading\n\nmake\n```", "code"), ("text", "paragraph")],
        ),
        ("~~~\n# Nothing ends it", [("~~~", "paragraph"), ("# Nothing ends it", "heading")]),
        ("````\n```\n````", [("````\n```\n````", "code")]),
    ],
)
def test_blocks(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(text[start:end], kind) for start, end, kind in blocks(text, 0, len(text))] == expected


def test_blocks_of_a_part_of_a_text() -> None:
    text = "# One\n\ntext\n\n# Two"
    assert [block[:2] for block in blocks(text, 7, 12)] == [(7, 11)]


def cut(text: str, spans: object) -> list[str]:
    return [text[start:end] for start, end in spans]  # type: ignore[attr-defined]


def test_paragraphs_and_lines() -> None:
    text = "a\n b \n \n\nc\n"
    assert cut(text, paragraphs(text, 0, len(text))) == ["a\n b", "c"]
    assert cut(text, lines(text, 0, len(text))) == ["a", " b", "c"]


def test_sentences() -> None:
    text = 'One is here. "Two is here!" No.5 is no end. 三。四。'
    assert cut(text, sentences(text, 0, len(text), least=1)) == [
        "One is here.",
        '"Two is here!"',
        "No.5 is no end.",
        "三。",
        "四。",
    ]
    assert cut(text, sentences(text, 0, 27, least=20)) == ['One is here. "Two is here!"']


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("some words  here", 10, ["some words", "here"]),
        ("some words", 7, ["some", "words"]),
        ("a,b,cdefgh", 6, ["a,b,", "cdefgh"]),
        ("x" * 10, 4, ["xxxx", "xxxx", "xx"]),
        ("🇩🇪🇫🇷", 3, ["🇩🇪", "🇫🇷"]),
        ("xe\u0301", 2, ["x", "e\u0301"]),
    ],
)
def test_runs(text: str, most: int, expected: list[str]) -> None:
    assert cut(text, word_runs(text, 0, len(text), most=most)) == expected
