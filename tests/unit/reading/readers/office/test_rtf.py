"""Rich text (RTF) to text."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read


def test_rich_text() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0\b Caf\'e9\b0  is \u26085?open\par Second line\par}"
    assert read("rtf", rtf).text == "Café is 日open\n\nSecond line\n\n"


def test_footnotes_and_margins_are_read() -> None:
    note = rb"{\footnote\pard\plain {\up6\chftn} See Bateson.}"
    rtf = rb"{\rtf1\ansi A study" + note + rb" of it.\par{\header Draft}{\*\annotation late}}"
    assert read("rtf", rtf).text == "A study See Bateson. of it.\n\nDraft late\n\n"
    assert read("rtf", rb"{\rtf1\headery720\footery720 words\par}").text == "words\n\n"


@pytest.mark.parametrize("picture", [rb"\bin5 {\}}{", rb"\bin ffd8ffe0", rb"\bin0 ", b"ffd8\nffe0"])
def test_pictures_cost_nothing_but_themselves(picture: bytes) -> None:
    rtf = rb"{\rtf1 before\par{\pict\jpegblip\picw250 " + picture + rb"}after\par}"
    assert read("rtf", rtf).text == "before\n\nafter\n\n"


def test_a_mark_in_the_midst_of_a_group_hides_one_word_only() -> None:
    assert read("rtf", rb"{\rtf1{\f2\b0\*\cs7\f2 The quick fox}{\*\unknown hidden}\par a\\*b\par}").text == (
        "The quick fox\n\na\\*b\n\n"
    )


def test_signs_in_two_halves_and_what_the_file_says_of_itself() -> None:
    rtf = rb"{\rtf1\ansi{\info{\title Fog}{\author Ann B\'f8}{\version3}}Ship \u-10180?\u-8384?\par}"
    assert read("rtf", rtf).text == "Title: Fog\nAuthor: Ann Bø\n\nShip \U0001f340\n\n"
