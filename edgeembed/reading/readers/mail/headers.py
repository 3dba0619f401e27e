"""Header fields of messages as text, and the charsets of their parts, as mail programs take them and not as they say."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from ...charset import codec_of, decode_as
from ...decode import decode

_WESTERN = ("cp1252", "cp1254")
"""Codecs in which any bytes are letters: what is UTF-8 as well was declared wrongly."""
_DAMAGE = 4
"""Of so many bytes beyond ASCII at most one is replaced in UTF-8 with some damage; else it is another encoding."""


def header(message: Message, name: str) -> str:
    """A field of a message on one line; empty: it has none. Letters may stand there as they are (RFC 6532), or in the
    encoding of whoever wrote it."""
    for key, raw in message.raw_items():
        if key.lower() == name.lower():
            return header_text(str(raw))
    return ""


def header_text(raw: str) -> str:
    """The value of a field, its encoded words (RFC 2047) decoded; bytes beyond ASCII are lone surrogates in it."""
    text = raw if raw.isascii() and "\x1b" not in raw else text_of(raw.encode("utf-8", "surrogateescape"), None)
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):
        return " ".join(text.split())
    return " ".join("".join(_decoded(part, charset) for part, charset in parts).split())


def _decoded(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    if charset is None:  # what stands between encoded words, as decode_header packs it
        return part.decode("raw-unicode-escape", "replace")
    return text_of(part, charset.partition("*")[0])  # RFC 2231: a language may follow


def text_of(data: bytes, charset: str | None) -> str:
    """Bytes of a message as text, lines ending with ``\\n``.

    Args:
        charset: as it is declared; ``None``: it is not. What it cannot mean is replaced, unless the whole is clearly
            in another encoding.
    """
    text = _by_charset(data, charset) if charset else None
    if text is None:
        text = decode(data)
    if text is None:
        text = data.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _by_charset(data: bytes, charset: str) -> str | None:
    """The text by what is declared; ``None``: that is unknown, or wrong."""
    codec = codec_of(charset)
    if codec is None:
        return None
    if codec in _WESTERN and not data.isascii():
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    text = decode_as(data, codec)
    if codec == "utf-8" and "\ufffd" in text:
        high_bytes = len(data) - len(data.translate(None, bytes(range(128, 256))))
        return text if text.count("\ufffd") * _DAMAGE <= high_bytes else None
    return text
