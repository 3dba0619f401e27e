"""What Outlook packs a message and its attachments into, ``winmail.dat``: TNEF, [MS-OXTNEF]."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from ...charset import codec_of, decode_as
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..office.rtf import read_rtf
from ..text_builder import TextBuilder
from ..web.html import decode_html, html_text
from .lzfu import unpack_lzfu

SIGNATURE = b"\x78\x9f\x3e\x22"
_ATTRIBUTES_AT = 6
# Attributes, 2.1.3.
_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x00018004, 0x0002800C, 0x00069003, 0x00069007
_ATTACHMENT, _TITLE, _ATTACHMENT_PROPERTIES = 0x00069002, 0x00018010, 0x00069005
# Properties of MAPI, [MS-OXPROPS], and the types of their values, [MS-OXCDATA] 2.11.1.
_MAPI_SUBJECT, _MAPI_BODY, _MAPI_RTF, _MAPI_HTML = 0x0037, 0x1000, 0x1009, 0x1013
_LONG_NAME, _OBJECT = 0x3707, 0x3701
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_NARROW, _WIDE, _EMBEDDED, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_MANY = 0x1000
_FIRST_NAMED = 0x8000
_GUID_BYTES = 16
_DEEPEST = 10
"""Messages within each other; what is deeper is made to do harm."""


@dataclass
class PackedMessage:
    """What a TNEF file holds."""

    subject: str = ""
    body: str = ""
    names: list[str] = field(default_factory=list)
    """Of its attachments."""
    inner: list[PackedMessage] = field(default_factory=list)
    """Messages that are attached."""

    def text(self) -> str:
        """Subjects, bodies and names of attachments."""
        attached = "Attached: " + ", ".join(self.names) if self.names else ""
        return "\n\n".join(filter(None, (self.subject, self.body, attached, *(item.text() for item in self.inner))))


def read_tnef(data: bytes) -> ExtractedText:
    """A ``winmail.dat`` that was saved. Raises as :func:`unpack_tnef`."""
    builder = TextBuilder()
    builder.add(unpack_tnef(data).text())
    builder.end_paragraph(verbatim=True)
    return builder.extracted()


def unpack_tnef(data: bytes, *, depth: int = 1) -> PackedMessage:
    """What a TNEF file holds, up to where it is damaged.

    Raises:
        Unreadable: it is none.
    """
    if not data.startswith(SIGNATURE):
        raise Unreadable("damaged: no message of Outlook's form (TNEF)")
    message, codec = PackedMessage(), "cp1252"
    for attribute, value in _attributes(data):
        if attribute == _CODE_PAGE and len(value) >= 4:
            codec = codec_of(f"cp{int.from_bytes(value[:4], 'little')}") or codec
        elif attribute == _SUBJECT:
            message.subject = _narrow(value, codec)
        elif attribute == _BODY:
            message.body = _narrow(value, codec)
        elif attribute == _ATTACHMENT:
            message.names.append("")
        elif attribute == _TITLE and message.names:
            message.names[-1] = message.names[-1] or _narrow(value, codec)
        elif attribute == _PROPERTIES:
            _take_properties(message, value, codec)
        elif attribute == _ATTACHMENT_PROPERTIES and message.names:
            for key, kind, content in _properties(value):
                if key == _LONG_NAME and (name := _string(kind, content, codec)):
                    message.names[-1] = name
                elif key == _OBJECT and content[_GUID_BYTES:].startswith(SIGNATURE) and depth < _DEEPEST:
                    message.inner.append(unpack_tnef(content[_GUID_BYTES:], depth=depth + 1))
    message.names = [name for name in message.names if name]
    return message


def _take_properties(message: PackedMessage, value: bytes, codec: str) -> None:
    bodies = {}
    for key, kind, content in _properties(value):
        if key == _MAPI_SUBJECT:
            message.subject = _string(kind, content, codec) or message.subject
        elif key in (_MAPI_BODY, _MAPI_HTML, _MAPI_RTF):
            with suppress(Unreadable, ValueError):  # what is damaged costs this form of the body alone
                bodies[key] = _body(key, kind, content, codec)
    forms = (bodies.get(key, "") for key in (_MAPI_BODY, _MAPI_HTML, _MAPI_RTF))
    message.body = next(filter(None, forms), message.body)


def _body(key: int, kind: int, content: bytes, codec: str) -> str:
    if key == _MAPI_RTF:
        return read_rtf(unpack_lzfu(content)).text.strip()
    if key == _MAPI_HTML:
        return html_text(_string(kind, content, codec) if kind != _BINARY else decode_html(content)).text.strip()
    return _string(kind, content, codec)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = _ATTRIBUTES_AT
    while at + 9 <= len(data):
        _, attribute, size = struct.unpack_from("<BII", data, at)
        yield attribute, data[at + 9 : at + 9 + size]
        at += 9 + size + 2  # a checksum


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, type and value of each property; of those with several values the first."""
    at = 4
    with suppress(struct.error):  # it ends too early
        for _ in range(int.from_bytes(data[:4], "little")):
            kind, key = struct.unpack_from("<HH", data, at)
            at += 4
            if key >= _FIRST_NAMED:
                (is_text, size) = struct.unpack_from("<2I", data, at + _GUID_BYTES)
                at += _GUID_BYTES + 8 + (_padded(size) if is_text else 0)
            fixed, count = _SIZES.get(kind & ~_MANY, 0), 1
            if kind & _MANY or not fixed:
                (count,) = struct.unpack_from("<I", data, at)
                at += 4
            values = []
            for _ in range(min(count, len(data))):
                size = fixed
                if not fixed:
                    (size,) = struct.unpack_from("<I", data, at)
                    at += 4
                values.append(data[at : at + size])
                at += _padded(size)
                if at > len(data):
                    break
            if values:
                yield key, kind & ~_MANY, values[0]


def _padded(size: int) -> int:
    return -(-size // 4) * 4


def _string(kind: int, content: bytes, codec: str) -> str:
    return content.decode("utf-16-le", "replace").rstrip("\0") if kind == _WIDE else _narrow(content, codec)


def _narrow(content: bytes, codec: str) -> str:
    return decode_as(content, codec).rstrip("\0")
