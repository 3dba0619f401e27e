"""Subtitles (SRT, WebVTT) to text that keeps its lines."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Where is</i> the boat?

2
00:00:03,000 --> 00:00:04,000
It left.
At dawn.
"""
VTT = """WEBVTT - notes

NOTE not said

first
00:01.000 --> 00:02.500 align:start
<v Ann>Where is the boat?

00:02.500 --> 00:04.000
Where is the boat?
<00:03.000><c>It left.</c>
"""


@pytest.mark.parametrize("source", [SRT, VTT])
def test_subtitles_keep_their_lines(source: str) -> None:
    extracted = read("subtitles", source.encode())
    assert extracted.lines
    for number, line in enumerate(extracted.text.split("\n")):
        assert not line or line in source.split("\n")[number].replace("<i>", "").replace("</i>", "") + line
    said = extracted.text.split()
    assert " ".join(said).startswith("Where is the boat? It left.")
    assert extracted.text.split("\n").index("Where is the boat?") == (2 if source is SRT else 6)
