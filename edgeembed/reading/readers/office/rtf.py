"""Rich text. https://interoperability.blob.core.windows.net/files/Archive_References/[MSFT-RTF].pdf"""

from __future__ import annotations

import re

from ...extracted import ExtractedText
from ..about import with_about
from ..text_builder import TextBuilder

_BINARY = re.compile(rb"\\bin([0-9]{0,9})(?![a-z]) ?")
_STRAY_MARK = re.compile(rb"\\\\|\{\s*\\\*|(\\\*\s*\\[a-z]+-?[0-9]* ?)")
"""``\\*`` hides a group that it is the start of; elsewhere it marks the one word behind it, here the first group."""
_ASIDE = re.compile(rb"\{\s*(?:\\\*\s*)?\\(footnote|annotation|header[lrf]?|footer[lrf]?)(?![a-z0-9-]) ?")
"""The start of a text that is not in the line of the others; ``striprtf`` leaves these out."""
_INFO = re.compile(rb"\{\s*(?:\\\*\s*)?\\(title|subject|author|keywords|doccomm)(?![a-z]) ?((?:[^{}\\]|\\[^{}])*)\}")
_INFO_BYTES = 65536
"""Where it is, near the start."""


def read_rtf(data: bytes) -> ExtractedText:
    """Rich text, its footnotes where they stand, headers and footers too."""
    whole = _STRAY_MARK.sub(lambda match: b"" if match[1] else match[0], _without_binary(data))
    builder = TextBuilder()
    for line in _plain(_ASIDE.sub(_opened, whole)).splitlines():
        builder.add(line.rstrip("|").replace("|", " | "))  # how striprtf ends and divides the rows of tables
        builder.end_paragraph()
    start = whole.partition(b"\\info")[2][:_INFO_BYTES] if b"\\info" in whole[:_INFO_BYTES] else b""
    fields = {name.decode(): _plain(b"{\\rtf1 " + value + b"}") for name, value in _INFO.findall(start)}
    return with_about(builder.extracted(), fields)


def _plain(data: bytes) -> str:
    from striprtf.striprtf import rtf_to_text

    # All of its text beyond ASCII is escaped; the code page of the escapes is named in the file.
    text: str = rtf_to_text(data.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    # Beyond the first 65 536 characters, such as emoji, they are escaped in two halves.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _opened(match: re.Match[bytes]) -> bytes:
    return b"{ " if match[1] in (b"footnote", b"annotation") else b"{\\par "


def _without_binary(data: bytes) -> bytes:
    """The text without the images that stand in it as they are, whose bytes may look like anything."""
    parts, at = [], 0
    while match := _BINARY.search(data, at):
        parts.append(data[at : match.start()])
        at = match.end() + int(match[1] or 0)
    return b"".join([*parts, data[at:]])
