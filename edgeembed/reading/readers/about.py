"""What a document says of itself beside its text: title, author, keywords."""

from __future__ import annotations

from collections.abc import Mapping

from ..extracted import ExtractedText

_FIELDS = {
    "title": "Title",
    "subject": "Subject",
    "creator": "Author",
    "initial-creator": "Author",
    "author": "Author",
    "keywords": "Keywords",
    "keyword": "Keywords",
    "description": "Description",
    "comments": "Description",
}
"""Names of fields in the formats, in small letters, and what stands before their values; the first of a kind is taken."""
_SAYS_NOTHING = ("untitled", "unspecified", "unknown", "anonymous")
"""What programs write where nobody said anything."""
_MOST_CHARACTERS = 1000
"""Of a value: some programs keep whole files in a field."""


def with_about(extracted: ExtractedText, fields: Mapping[str, str]) -> ExtractedText:
    """A text with these fields before it, as ``Author: Ann Bø``; without a text there is nothing to say it of.

    Args:
        extracted: the text; its pages begin where they did.
        fields: by the name that the format gives them; others than those known here are left out, and those whose
            value the text begins with.
    """
    if not extracted.text.strip():
        return extracted
    start = " ".join(extracted.text[:500].split()).lower()
    found = dict[str, str]()
    for name, label in _FIELDS.items():
        value = " ".join(next((fields[key] for key in fields if key.lower() == name), "").split())[:_MOST_CHARACTERS]
        if value and value.lower() not in _SAYS_NOTHING and value.lower() not in start:
            found.setdefault(label, value)
    if not found:
        return extracted
    before = "".join(f"{label}: {value}\n" for label, value in found.items()) + "\n"
    pages = tuple(page + len(before) for page in extracted.pages)
    return ExtractedText(before + extracted.text, pages, lines=extracted.lines)
