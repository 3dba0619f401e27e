"""Text between tags, by no parser."""

from __future__ import annotations

import time

import pytest

from edgeembed.reading.readers.web.markup import read_markup


def test_what_is_shown_comes_out() -> None:
    page = b"<title>Boats</title><style>p {}</style><p>A &amp; <b>B</b></p><!-- no --><SCRIPT>x < y</SCRIPT><br>end"
    assert read_markup(page).text == "Boats\nA & B\nend\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["<![CDATA[", "<a ", "<", ">", "&", "<!--", "<script>", "<style></style>", "<p>", "a<"]
)
def test_no_page_takes_long(unit: str) -> None:
    begun = time.process_time()
    read_markup(unit.encode() * (2_000_000 // len(unit)))
    assert time.process_time() - begun < 5
