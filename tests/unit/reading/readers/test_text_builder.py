"""The builder of extracted text: blanks, paragraphs, pages."""

from __future__ import annotations

from edgeembed.reading.readers.text_builder import TextBuilder


def test_pages_of_a_builder() -> None:
    builder = TextBuilder()
    builder.new_page()
    builder.add("one  \u00a0 two\x01\u00ad")
    builder.end_paragraph()
    builder.end_paragraph()
    builder.add("mid\fdle")
    builder.end_line("- ")
    extracted = builder.extracted()
    assert (extracted.text, extracted.pages) == ("one two\n\n- mid\ndle\n", (0, 15))
