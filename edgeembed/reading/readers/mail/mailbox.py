"""Files that hold messages with something around them: mbox, with many of them, and what Apple Mail keeps (.emlx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...extracted import ExtractedText
from ..text_builder import TextBuilder
from .message import add_mail, read_mail

_START = re.compile(rb"From (?:(?<=\n\nFrom )|(?<=\n\r\nFrom )|(?<=\AFrom ))[^\n]*\n(?=>?From |[\x21-\x39\x3b-\x7e]+:)")
"""The line before each message, https://www.rfc-editor.org/rfc/rfc4155: a blank line is above it, a field below."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
"""A line of the text that would look like the start of a message."""
_STATUS = re.compile(rb"^X-Mozilla-Status: *([0-9a-f]{4})", re.MULTILINE | re.IGNORECASE)
_EXPUNGED = 8
"""A bit of that field: the message was deleted, and its file not yet compacted."""
_MOST_HEADER_BYTES = 4096


def read_mbox(data: bytes) -> ExtractedText:
    """All messages of a mailbox, in order: the number of its page is the number of a message."""
    builder = TextBuilder()
    for message in messages_of(data):
        builder.new_page()
        if not _is_deleted(message):
            add_mail(builder, _QUOTED.sub(rb"\1", message))
    return builder.extracted()


def messages_of(data: bytes) -> Iterator[bytes]:
    """The messages of a mailbox, without the lines that divide them."""
    starts = list(_START.finditer(data))
    ends = [*(start.start() for start in starts[1:]), len(data)]
    if not starts:
        yield data
    for start, end in zip(starts, ends, strict=False):
        yield data[start.end() : end]


def read_emlx(data: bytes) -> ExtractedText:
    """A message of Apple Mail: its length in bytes, on a line, then the message, then what the program notes of it."""
    length, _, rest = data.partition(b"\n")
    return read_mail(rest[: int(length)] if length.strip().isdigit() else data)


def _is_deleted(message: bytes) -> bool:
    status = _STATUS.search(message, 0, _MOST_HEADER_BYTES)
    return status is not None and bool(int(status[1], 16) & _EXPUNGED)
