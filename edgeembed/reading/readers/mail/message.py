"""E-mail as files: subject, sender, receivers, date and text; attachments by name."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from ...decode import decode
from ...extracted import ExtractedText
from ..text_builder import TextBuilder
from ..web.html import decode_html, html_text

_FIELDS = ("From", "To", "Cc", "Date")
_STUB = 0.3
"""A plain text that is so much shorter than the formatted one only says that there is a formatted one."""


def read_mail(data: bytes) -> ExtractedText:
    """A message as RFC 5322 has it (``.eml``), or a web page packed as one (``.mhtml``)."""
    # Not the newer policy, whose header parser raises on much of what is sent.
    message = email.message_from_bytes(data)
    builder = TextBuilder()
    fields = {name: _header(message, name) for name in _FIELDS}
    add_message(builder, _header(message, "Subject"), fields, "")
    for text in _texts(message):
        builder.add(text)
        builder.end_paragraph(verbatim=True)
    add_attachments(builder, [name for part in message.walk() if (name := _file_name(part))])
    return builder.extracted()


def add_message(builder: TextBuilder, subject: str, fields: dict[str, str], body: str) -> None:
    """What every message has, however it is stored."""
    builder.add(subject)
    builder.end_paragraph("# ")
    for name, value in fields.items():
        if value.strip():
            builder.add(f"{name}: {value}")
            builder.end_line()
    builder.end_paragraph()
    builder.add(body)
    builder.end_paragraph(verbatim=True)


def add_attachments(builder: TextBuilder, names: list[str]) -> None:
    """Names of attached files."""
    if names:
        builder.add("Attached: " + ", ".join(names))
        builder.end_paragraph()


def _texts(message: Message) -> Iterator[str]:
    """The texts of a message and of those in it, each in its best form."""
    kind = message.get_content_type()
    if kind == "multipart/alternative":
        texts = [(part, "\n".join(_texts(part))) for part in _parts(message)]
        plain = next((text for part, text in texts if part.get_content_type() == "text/plain"), "")
        longest = max((text for _, text in texts), key=len, default="")
        yield plain if len(plain) > _STUB * len(longest) else longest
    elif message.is_multipart():
        for part in _parts(message):
            yield from _texts(part)
    elif kind in ("text/plain", "text/html") and not _file_name(message):
        raw = message.get_payload(decode=True)
        if isinstance(raw, bytes):
            yield html_text(_decoded(raw, message, html=True)).text if kind == "text/html" else _decoded(raw, message)


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _decoded(raw: bytes, part: Message, *, html: bool = False) -> str:
    charset = part.get_content_charset()
    try:
        if charset:
            return raw.decode(charset).replace("\r\n", "\n")
    except (LookupError, UnicodeError):
        pass  # it says wrong
    return decode_html(raw) if html else decode(raw) or ""


def _header(message: Message, name: str) -> str:
    value = message.get(name, "")
    try:
        text = str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError, HeaderParseError):
        text = str(value)
    return " ".join(text.split())


def _file_name(part: Message) -> str:
    """The name of an attachment; empty: it is none."""
    if part.get_content_disposition() == "inline" and part.get_content_maintype() == "text":
        return ""
    name = part.get_filename()
    if not name:
        return ""
    try:
        return str(make_header(decode_header(name)))
    except (LookupError, UnicodeError, ValueError, HeaderParseError):
        return name
