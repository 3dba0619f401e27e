"""Header fields of messages as text, and the charsets of their parts: what they mean, which is not what they say."""

from __future__ import annotations

from collections.abc import Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from email.policy import Compat32

from ...charset import codec_of, decode_as
from ...decode import decode

_WESTERN = ("cp1252", "cp1254")
"""Codecs in which any bytes are letters: what is UTF-8 as well was declared wrongly."""
_DAMAGE = 4
"""Of so many bytes beyond ASCII at most one is replaced in UTF-8 with some damage; else it is another encoding."""


class MailPolicy(Compat32):
    """How messages are parsed: letters in a field may stand there as they are (RFC 6532), in whatever encoding.

    It is the older policy, for the header parser of the newer one raises on much of what is sent.
    """

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        """Called by the parser: name and value of a field, whose bytes beyond ASCII are lone surrogates."""
        name, value = super().header_source_parse(list(sourcelines))
        if not value.isascii() or "\x1b" in value:
            value = text_of(value.encode("utf-8", "surrogateescape"), None)
        return name, value


def header_text(value: str) -> str:
    """The value of a field on one line, its encoded words (RFC 2047) decoded."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return " ".join(value.split())
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
