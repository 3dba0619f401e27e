"""Bytes of a file to text: byte order marks, UTF-8, older encodings, and what is no text at all."""

from __future__ import annotations

import unicodedata

from .charset_detection import likely_encoding
from .detect import BOMS, HEAD_BYTES, looks_binary


def decode(data: bytes) -> str | None:
    """The text that the bytes of a file stand for, with ``\\n`` at the end of every line; ``None``: no text."""
    mark, encoding = next((pair for pair in BOMS if data.startswith(pair[0])), (b"", None))
    if encoding in (None, "utf-8") and looks_binary(data):
        return None
    text = _decode_unmarked(data) if encoding is None else data[len(mark) :].decode(encoding, "replace")
    if text is None or (mark and encoding != "utf-8" and _looks_random(text[:HEAD_BYTES])):
        return None  # two bytes that look like a mark are no proof
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # A stray NUL (from a crash while a log was written) must not end the text for programs in C.
    return text.replace("\0", " ")


def _looks_random(text: str) -> bool:
    """Whether decoding gave what no text has much of: unassigned, private, replaced, control characters."""
    odd = sum(
        c == "\ufffd" or (unicodedata.category(c) in ("Cn", "Co", "Cs", "Cc") and not c.isspace() and c not in "\b\x1b")
        for c in text
    )
    return (odd - 1) * 20 > len(text)  # one may be the end of a text that was cut off


def _decode_unmarked(data: bytes) -> str | None:
    if b"\x1b$B" in data or b"\x1b$@" in data:
        try:
            return data.decode("iso2022_jp")
        except UnicodeDecodeError:
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    high_bytes = len(data) - len(data.translate(None, bytes(range(128, 256))))
    if text.count("\ufffd") * 4 <= high_bytes:
        return text  # UTF-8 with some damage: other encodings hardly ever make valid sequences
    encoding = likely_encoding(data)
    if encoding is not None:
        text = data.decode(encoding, "replace")
        return None if _looks_random(text[:HEAD_BYTES]) else text
    return data.decode("cp1252", "replace") if high_bytes * 3 < len(data) else None
