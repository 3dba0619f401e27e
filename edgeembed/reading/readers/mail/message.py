"""E-mail as files: subject, people, date and text; of attachments those that are text, the others by name."""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from typing import NamedTuple

from ...extracted import ExtractedText, with_asides
from ...extras import Unreadable
from ..office.rtf import read_rtf
from ..text_builder import TextBuilder
from ..web.html import decode_html, html_text, is_page, page_text
from .cards import cards_text, rejoined
from .headers import MailPolicy, header_text, text_of
from .tnef import SIGNATURE, unpack_tnef

_POLICY = MailPolicy()
_FIELDS = ("From", "To", "Cc", "Date")
_STUB = 0.3
"""A plain text that is so much shorter than the formatted one only says that there is a formatted one."""
_CARDS = ("text/calendar", "text/vcard", "text/x-vcard", "text/directory")
_PACKED = ("application/ms-tnef", "application/vnd.ms-tnef")
_RICH_TEXT = ("text/rtf", "application/rtf")
_MOST_CHARACTERS = 200_000
"""Of an attached text: beyond that it is data rather than something that was written."""
_DEEPEST = 20
"""Messages and parts within each other; what is deeper is made to do harm."""


class _Part(NamedTuple):
    """What is shown of a part of a message."""

    kind: str
    """Its media type."""
    text: str
    aside: str = ""
    """What stands around the article of a web page."""


def read_mail(data: bytes) -> ExtractedText:
    """A message as RFC 5322 has it (``.eml``), or a web page packed as one (``.mhtml``)."""
    builder = TextBuilder()
    asides = _add(builder, email.message_from_bytes(data, policy=_POLICY), 1)
    return with_asides(builder.extracted(), asides)


def add_mail(builder: TextBuilder, data: bytes) -> None:
    """Add a message, and those that are attached to it, each under its subject; menus of web pages last."""
    for aside in _add(builder, email.message_from_bytes(data, policy=_POLICY), 1):
        builder.add(aside)
        builder.end_paragraph(verbatim=True)


def _add(builder: TextBuilder, message: Message, level: int) -> list[str]:
    """Add a message; returns what stands around the articles of web pages in it."""
    fields = {name: _field(message, name) for name in _FIELDS}
    add_message(builder, _field(message, "Subject"), fields, "", level=level)
    attached = list[Message]()
    said, asides = [_field(message, "Subject")], list[str]()
    for part in _parts(message, attached, level):
        builder.add(_unsaid(part.text, said) if part.kind in _PACKED else part.text)
        said.append(part.text)
        asides += [part.aside] if part.aside else []
        builder.end_paragraph(verbatim=True)
    add_attachments(builder, [name for part in _leaves(message, level) if (name := _file_name(part))])
    for inner in attached:
        if level < _DEEPEST:
            asides += _add(builder, inner, level + 1)
    return asides


def add_message(builder: TextBuilder, subject: str, fields: dict[str, str], body: str, *, level: int = 1) -> None:
    """What every message has, however it is stored; ``level``: 1, and one more for each message that it is within."""
    builder.add(subject)
    builder.end_paragraph("#" * min(level, 6) + " ")
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


def _parts(message: Message, attached: list[Message], depth: int) -> Iterator[_Part]:
    """The texts of a message, each in its best form; messages in it are put into ``attached``."""
    kind = message.get_content_type()
    inner = _children(message) if depth < _DEEPEST else []
    if kind == "message/rfc822" or kind == "message/global":
        attached += inner
    elif kind == "multipart/alternative":
        choice = [list(_parts(part, attached, depth + 1)) for part in inner]
        yield from _best(choice)
    elif message.is_multipart():
        for part in inner:
            yield from _parts(part, attached, depth + 1)
    else:
        with suppress(Unreadable):  # a part that is none of what it says costs itself alone
            if kind == "text/html":
                yield from (part for part in [_formatted(message)] if part.text)
            elif text := _text(message, kind):
                yield _Part(_PACKED[0] if kind == "application/octet-stream" else kind, text)


def _unsaid(text: str, said: list[str]) -> str:
    """Those paragraphs that no other part has: what Outlook packs mostly says the same once more."""
    known = " ".join(" ".join(said).split())
    return "\n\n".join(part for part in text.split("\n\n") if " ".join(part.split()) not in known)


def _best(choice: list[list[_Part]]) -> list[_Part]:
    """Of forms of the same thing the plain one, if it is no stub, else the longest; invitations come beside either."""
    cards = [form for form in choice if form and form[0].kind in _CARDS]
    forms = [form for form in choice if form not in cards] or cards[:1]
    sizes = [sum(len(part.text) for part in form) for form in forms]
    longest = max(sizes, default=0)
    for form, size in zip(forms, sizes, strict=True):
        if form and form[0].kind == "text/plain" and size > _STUB * longest:
            return form
    return next((form for form, size in zip(forms, sizes, strict=True) if size == longest), [])


def _formatted(part: Message) -> _Part:
    """A message in HTML, or a web page that was saved (it tells from where) or attached: of that the article first."""
    raw = part.get_payload(decode=True)
    content, charset, name = raw if isinstance(raw, bytes) else b"", part.get_content_charset(), _file_name(part)
    markup = text_of(content, charset) if charset else decode_html(content)
    is_web = bool(name or part.get("Content-Location")) or is_page(markup)
    shown = page_text(markup) if is_web else html_text(markup)
    most = _MOST_CHARACTERS if name else len(shown.text)
    aside = "" if shown.aside is None else shown.text[shown.aside :]
    return _Part("text/html", shown.text[: shown.aside][:most], aside[:most])


def _text(part: Message, kind: str) -> str:
    """The text of a part that has no others in it; empty: it is no text.

    Raises:
        Unreadable: it is not what it says.
    """
    raw = part.get_payload(decode=True)
    if isinstance(raw, bytes) and raw.startswith(SIGNATURE):
        return unpack_tnef(raw).text()
    if not isinstance(raw, bytes) or not (kind.startswith("text/") or kind in _RICH_TEXT):
        return ""
    charset = part.get_content_charset()
    if kind in _RICH_TEXT:
        text = read_rtf(raw).text
    elif kind in _CARDS:
        text = cards_text(text_of(rejoined(raw), charset))
    else:
        text = text_of(raw, charset)
    return text[:_MOST_CHARACTERS] if _file_name(part) else text


def _children(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _leaves(message: Message, depth: int) -> Iterator[Message]:
    """All parts of a message; of one that is attached, the part that holds it alone."""
    yield message
    if message.get_content_type() not in ("message/rfc822", "message/global") and depth < _DEEPEST:
        for part in _children(message):
            yield from _leaves(part, depth + 1)


def _field(message: Message, name: str) -> str:
    return header_text(str(message.get(name, "")))


def _file_name(part: Message) -> str:
    """The name of an attachment; empty: it is none."""
    if part.get_content_disposition() == "inline" and part.get_content_maintype() == "text":
        return ""
    try:
        name = part.get_filename()
    except (LookupError, UnicodeError, ValueError):  # a charset that Python does not know
        return ""
    return header_text(name) if name else ""
