"""Bytes of a file to text: byte order marks, UTF-8, older encodings, and what is no text at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from .charset import declared_codec, decode_as
from .charset_detection import ASIAN, WIDE_RUN, likely_encoding, oddities, wide_encoding
from .detect import BOMS, HEAD_BYTES, looks_binary

_ESCAPES = (
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"\x1b\$"), "iso2022_jp_ext"),
    (re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}"), "hz"),
)
"""What switches to two bytes a character in texts of seven bits."""
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[#%(-/][0-~]| [F-N]|[0-Z\\^_`-~])"
)
"""Control sequences of terminals (ECMA-48), those with a text such as a title of the window too."""
_OVERTYPED = re.compile(r"[^\n\b]\x08")
"""As manuals have bold letters and underlined ones: the letter twice, or ``_`` below it."""
_UNSEEN = re.compile("[\xad\u200b\u200e\u200f\u2060-\u2064\ufeff]")
_HIGH = re.compile(rb"[\x80-\xff]")
_VALID = re.compile(r"[^\x00-\x7f\ufffd]")
_SURE = 4
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
    return _seen(text.replace("\0", " "))


def _seen(text: str) -> str:
    """A text without what a terminal or a page does not show: colours, what is overtyped, hyphens that may be.

    The joiners U+200C and U+200D stay: Persian, Hindi and emoji are written with them.
    """
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    if "\b" in text:
        text = _OVERTYPED.sub("", text)
    return text if text.isascii() else _UNSEEN.sub("", text)


def _looks_random(text: str) -> bool:
    """Whether decoding gave what no text has much of: unassigned, private, replaced, control characters."""
    odd = sum(
        c == "\ufffd" or (unicodedata.category(c) in ("Cn", "Co", "Cs", "Cc") and not c.isspace() and c not in "\b\x1b")
        for c in text
    )
    return (odd - 1) * 20 > len(text)  # one may be the end of a text that was cut off


def _decode_unmarked(data: bytes) -> str | None:
    if data.isascii():
        seven_bits = next((codec for escape, codec in _ESCAPES if escape.search(data)), "ascii")
        text = decode_as(data, seven_bits)
        return text if "\ufffd" not in text or seven_bits == "iso2022_jp_ext" else data.decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if (codec := declared_codec(data)) is not None and (declared := _as_declared(data, codec)) is not None:
        return declared
    has_valid = _VALID.search(data.decode("utf-8", "ignore")) is not None
    return _decode_in_parts(data) if has_valid else _decode_old(data)


def _as_declared(data: bytes, codec: str) -> str | None:
    """A text in the encoding that it declares; ``None``: it is in another one."""
    text = decode_as(data, codec)
    return text if text.count("\ufffd") * 50 <= len(_HIGH.findall(data)) else None


def _decode_old(data: bytes) -> str | None:
    """A text in one of the older encodings; ``None``: no text."""
    encoding = likely_encoding(data)
    if encoding is not None:
        text = decode_as(data, encoding)
        return None if _looks_random(text[:HEAD_BYTES]) else text
    high_bytes = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return decode_as(data, "cp1252") if high_bytes * 3 < len(data) else None


class _Line(NamedTuple):
    """A line with bytes beyond ASCII, ``data[start:end]``."""

    start: int
    end: int
    valid: int
    """Characters of several bytes that it has as UTF-8."""
    broken: int
    """Places where it is no UTF-8."""

    @property
    def is_utf8(self) -> bool:
        """Whether it is UTF-8, perhaps with some damage: other encodings hardly ever make valid characters."""
        return self.broken * 3 <= self.valid


def _decode_in_parts(data: bytes) -> str | None:
    """A text with lines in UTF-8 and others in an older encoding, as logs are that several programs write to."""
    lines = list(_lines(data))
    old = b"".join(data[line.start : line.end] for line in lines if not line.is_utf8)
    if not old:
        return data.decode("utf-8", "replace")
    encoding = likely_encoding(old) if any(line.is_utf8 for line in lines) else None
    is_asian = encoding in ASIAN
    if encoding is None or (is_asian and not any(line.valid >= _SURE and not line.broken for line in lines)):
        return _decode_old(data)
    parts: list[str] = []
    at = 0
    for line in lines:
        raw = data[line.start : line.end]
        text = decode_as(raw, "utf-8" if line.is_utf8 and not (is_asian and line.broken) else encoding)
        if line.is_utf8 and line.valid < _SURE and oddities(text) > oddities(decode_as(raw, encoding)):
            text = decode_as(raw, encoding)  # such as "l’é" of an old Mac, which is an Armenian letter
        parts += (data[at : line.start].decode("ascii"), text)
        at = line.end
    return "".join([*parts, data[at:].decode("ascii")])


def _lines(data: bytes) -> Iterator[_Line]:
    at = 0
    while (high := _HIGH.search(data, at)) is not None:
        start = data.rfind(b"\n", 0, high.start()) + 1
        at = data.find(b"\n", high.start()) + 1 or len(data)
        text = data[start:at].decode("utf-8", "replace")
        yield _Line(start, at, len(_VALID.findall(text)), text.count("\ufffd"))
