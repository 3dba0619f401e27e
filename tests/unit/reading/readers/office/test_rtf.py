"""Rich text (RTF) to text."""

from __future__ import annotations

from edgeembed.reading.readers import read


def test_rich_text() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0\b Caf\'e9\b0  is \u26085?open\par Second line\par}"
    assert read("rtf", rtf).text == "Café is 日open\n\nSecond line\n\n"
