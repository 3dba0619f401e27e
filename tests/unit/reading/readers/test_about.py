"""What documents say of themselves, before their text."""

from __future__ import annotations

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.readers.about import fields_of, with_about
from edgeembed.reading.readers.zip_archive import Element


def test_fields_come_first_and_pages_move() -> None:
    extracted = with_about(ExtractedText("one\ntwo\n", (0, 4)), {"Keywords": "tide,  fog", "creator": "Ann Bø"})
    assert extracted.text == "Author: Ann Bø\nKeywords: tide, fog\n\none\ntwo\n"
    assert [extracted.text[page:][:3] for page in extracted.pages] == ["one", "two"]


def test_what_says_nothing_is_left_out() -> None:
    text = ExtractedText("Night Ferry\n\nfog\n")
    assert with_about(text, {"title": "night  ferry", "author": "openpyxl", "producer": "x", "subject": " "}) == text
    assert with_about(ExtractedText(" \n"), {"title": "Night Ferry"}).text == " \n"


def test_the_author_is_who_wrote_it_first() -> None:
    fields = {"creator": "Ann", "initial-creator": "Bob"}
    assert with_about(ExtractedText("x"), fields).text == "Author: Ann\n\nx"
    elements = [Element("keyword", {}, " tide "), Element("keyword", {}, "fog"), Element("title", {}, "")]
    assert fields_of(elements) == {"keyword": "tide, fog"}
