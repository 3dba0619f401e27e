"""Bytes of a file to text: byte order marks, UTF-8, older encodings, and what is no text at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .charset import declared_codec, decode_as
from .charset_detection import ASIAN, WIDE_RUN, likely_encoding, wide_encoding
from .detect import BOMS, HEAD_BYTES, looks_binary

_ESCAPES = (
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"\x1b\$"), "iso2022_jp_ext"),
    (re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}"), "hz"),
)
"""What switches to two bytes a character in texts of seven bits."""
_HIGH = re.compile(rb"[\x80-\xff]")
_VALID = re.compile(r"[^\x00-\x7f\ufffd]")
_SURE_RUN = 4
"""So many characters of several bytes in a line are UTF-8, also where another encoding makes a valid one by chance."""


def decode(data: bytes) -> str | None:
    """The text that the bytes of a file stand for, with ``\\n`` at the end of every line; ``None``: no text."""
    mark, encoding = next((pair for pair in BOMS if data.startswith(pair[0])), (b"", None))
    if encoding is None and b"\0" in data:
        encoding = wide_encoding(data)
        if encoding is None:
            data = WIDE_RUN.sub(lambda run: run[0].decode("utf-16-le").encode(), data)
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
    if data.isascii():
        codec = next((codec for escape, codec in _ESCAPES if escape.search(data)), "ascii")
        text = decode_as(data, codec)
        return text if "\ufffd" not in text or codec == "iso2022_jp_ext" else data.decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if (codec := declared_codec(data)) is not None and (text := _as_declared(data, codec)) is not None:
        return text
    has_valid = _VALID.search(data.decode("utf-8", "ignore")) is not None
    return _decode_in_parts(data) if has_valid else _decode_old(data)


def _as_declared(data: bytes, codec: str) -> str | None:
    """A text in the encoding that it declares; ``None``: it is in another one."""
    text = decode_as(data, codec)
    return text if text.count("\ufffd") * 50 <= len(_HIGH.findall(data)) else None


def _is_damaged_utf8(data: bytes, text: str) -> bool:
    """Whether a text is UTF-8, perhaps with some damage: other encodings hardly ever make valid sequences."""
    return text.count("\ufffd") * 4 <= len(data) - len(data.translate(None, bytes(range(128, 256))))


def _decode_old(data: bytes) -> str | None:
    """A text in one of the older encodings; ``None``: no text."""
    encoding = likely_encoding(data)
    if encoding is not None:
        text = decode_as(data, encoding)
        return None if _looks_random(text[:HEAD_BYTES]) else text
    high_bytes = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return decode_as(data, "cp1252") if high_bytes * 3 < len(data) else None


def _decode_in_parts(data: bytes) -> str | None:
    """A text with lines in UTF-8 and others in an older encoding, as logs are that several programs write to."""
    spans = list(_spans(data))
    old = b"".join(data[start:end] for start, end, is_utf8 in spans if not is_utf8)
    if not old:
        return data.decode("utf-8", "replace")
    encoding = likely_encoding(old) if any(is_utf8 for _, _, is_utf8 in spans) else None
    if encoding is None or (encoding in ASIAN and not any(_is_sure(data[a:b]) for a, b, is_utf8 in spans if is_utf8)):
        return _decode_old(data)
    parts, at = [], 0
    for start, end, is_utf8 in spans:
        parts.append(data[at:start].decode("ascii"))
        parts.append(data[start:end].decode("utf-8", "replace") if is_utf8 else decode_as(data[start:end], encoding))
        at = end
    return "".join([*parts, data[at:].decode("ascii")])


def _spans(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Lines with bytes beyond ASCII: where each begins and ends, and whether it is UTF-8, perhaps with some damage."""
    at = 0
    while (high := _HIGH.search(data, at)) is not None:
        start = data.rfind(b"\n", 0, high.start()) + 1
        at = data.find(b"\n", high.start()) + 1 or len(data)
        line = data[start:at]
        yield start, at, _is_damaged_utf8(line, line.decode("utf-8", "replace"))


def _is_sure(line: bytes) -> bool:
    return len(_VALID.findall(line.decode("utf-8", "replace"))) >= _SURE_RUN
