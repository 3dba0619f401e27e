"""Rich text."""

from __future__ import annotations

from ...extracted import ExtractedText
from ..text_builder import TextBuilder


def read_rtf(data: bytes) -> ExtractedText:
    """Rich text."""
    from striprtf.striprtf import rtf_to_text

    builder = TextBuilder()
    # All of its text beyond ASCII is escaped; the code page of the escapes is named in the file.
    text = rtf_to_text(data.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    for line in text.splitlines():
        builder.add(line.rstrip("|").replace("|", " | "))  # how striprtf ends and divides the rows of tables
        builder.end_paragraph()
    return builder.extracted()
