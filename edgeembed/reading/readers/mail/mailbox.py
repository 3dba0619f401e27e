"""Files that hold messages with something around them: mbox, with many of them, and what Apple Mail keeps (.emlx)."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from ...extracted import ExtractedText
from .message import read_mail

_START = re.compile(
    rb"From (?:(?<=\n\nFrom )|(?<=\n\r\nFrom )|(?<=\AFrom )|(?<=\A\xef\xbb\xbfFrom )"
    rb"|(?<=\nFrom )(?:- ?(?=\r?\n)|\S+ +(?=(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +[A-Z][a-z][a-z] )))"
    rb"[^\n]*\n(?=>?From |[\x21-\x39\x3b-\x7e]+:)"
)
"""The line before each message, https://www.rfc-editor.org/rfc/rfc4155: a field is below it. A blank line is above it,
which Netscape left out; then it holds a date, or nothing but a dash."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
"""A line of the text that would look like the start of a message."""
_STATUS = re.compile(rb"^X-Mozilla-Status: *([0-9a-f]{4})", re.MULTILINE | re.IGNORECASE)
_EXPUNGED = 8
"""A bit of that field: the message was deleted, and its file not yet compacted."""
_MOST_HEADER_BYTES = 4096


class Mailbox:
    """The messages of an mbox file, read one by one: of the file no more than one of them is held in memory."""

    def __init__(self, path: Path) -> None:
        """Find where the messages begin.

        Raises:
            OSError: the file cannot be read.
        """
        self._path = path
        # As numbers of 8 bytes: there may be a million messages.
        self._spans = array("Q")
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                with mmap(file.fileno(), size, access=ACCESS_READ) as data:
                    for start, end in message_spans(data):
                        self._spans.extend((start, end))

    def __len__(self) -> int:
        """How many messages there are, those that were deleted among them."""
        return len(self._spans) // 2

    def size_bytes(self, number: int) -> int:
        """Of a message, counted from 1."""
        start, end = self._span(number)
        return end - start

    def read(self, number: int) -> ExtractedText | None:
        """A message, counted from 1; ``None``: it was deleted, and its file is not yet compacted.

        Raises:
            IndexError: there is no such message.
            OSError, Exception: as :func:`edgeembed.reading.readers.read`.
        """
        start, end = self._span(number)
        with self._path.open("rb") as file:
            file.seek(start)
            message = file.read(end - start)
        return None if _is_deleted(message) else read_mail(_QUOTED.sub(rb"\1", message))

    def _span(self, number: int) -> tuple[int, int]:
        if not 1 <= number <= len(self):
            raise IndexError(f"no message {number}")
        return self._spans[2 * number - 2], self._spans[2 * number - 1]


def message_spans(data: bytes | mmap) -> Iterator[tuple[int, int]]:
    """Where the messages of a mailbox stand: bytes, half open, without the lines that divide them."""
    begin = None
    for match in _START.finditer(data):
        if begin is not None:
            yield begin, match.start()
        begin = match.end()
    yield begin or 0, len(data)


def read_emlx(data: bytes) -> ExtractedText:
    """A message of Apple Mail: its length in bytes, on a line, then the message, then what the program notes of it."""
    length, _, rest = data.partition(b"\n")
    return read_mail(rest[: int(length)] if length.strip().isdigit() else data)


def _is_deleted(message: bytes) -> bool:
    status = _STATUS.search(message, 0, _MOST_HEADER_BYTES)
    return status is not None and bool(int(status[1], 16) & _EXPUNGED)
