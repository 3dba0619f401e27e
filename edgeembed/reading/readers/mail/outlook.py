"""Messages that Outlook saved (.msg): compound files of MAPI properties."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from ...charset import codec_of, decode_as
from ...extracted import ExtractedText
from ..office.rtf import read_rtf
from ..text_builder import TextBuilder
from ..web.html import decode_html, html_text
from .lzfu import unpack_lzfu
from .message import add_attachments, add_message

if TYPE_CHECKING:
    import olefile

    OleFile: TypeAlias = olefile.OleFileIO[Any]

# Names of streams: __substg1.0_ and the property, https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxmsg
_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER, _SENDER_ADDRESS, _TO, _CC = "0C1A", "5D01", "0E04", "0E03"
_FILE_NAMES = ("3707", "3704")
_ATTACHED_MESSAGE = "__substg1.0_3701000D"
_SENT, _RECEIVED = 0x0039, 0x0E06
_CODE_PAGES = (0x3FFD, 0x3FDE)
"""Properties with the code page of narrow strings, the one of the message and the one that it was sent in."""
_TIME, _INTEGER = 0x0040, 0x0003
_HEADER_BYTES, _INNER_HEADER_BYTES = 32, 24
_DEEPEST = 10
"""Messages within each other; what is deeper is made to do harm."""


def read_message(file: OleFile) -> ExtractedText:
    """Subject, people, date and text of a saved message and of those attached to it, and names of other attachments."""
    builder = TextBuilder()
    _add(builder, _Message(file, ()), 1)
    return builder.extracted()


class _Message:
    """A message in a compound file."""

    def __init__(self, file: OleFile, folder: tuple[str, ...]) -> None:
        """``folder``: the storage that holds it; empty: it is the whole file."""
        self.file = file
        self.folder = folder
        numbers = self._numbers()
        self.codec = next((codec_of(f"cp{numbers[key]}") for key in _CODE_PAGES if key in numbers), None)
        self.ticks = numbers.get(_SENT, numbers.get(_RECEIVED, 0))
        """When it was sent, else received: 100 ns since 1601; 0: it does not say."""

    def string(self, property: str, *below: str) -> str:
        """A property as text: UTF-16, or, in older files, some code page."""
        if wide := self.stream(property + "001F", *below):
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self.stream(property + "001E", *below)
        with suppress(UnicodeDecodeError):
            return narrow.decode("utf-8").rstrip("\0")
        return decode_as(narrow, self.codec or "cp1252").rstrip("\0")

    def stream(self, name: str, *below: str) -> bytes:
        """The bytes of a property; empty: it has none."""
        path = [*self.folder, *below, f"__substg1.0_{name}"]
        return bytes(self.file.openstream(path).read()) if self.file.exists(path) else b""

    def attachments(self) -> list[str]:
        """Names of the storages of its attachments."""
        depth = len(self.folder)
        entries = [tuple(entry) for entry in self.file.listdir() if tuple(entry[:depth]) == self.folder]
        return sorted({entry[depth] for entry in entries if entry[depth].startswith("__attach")})

    def _numbers(self) -> dict[int, int]:
        """Times and whole numbers in the table of properties of fixed length."""
        path = [*self.folder, "__properties_version1.0"]
        table = self.file.openstream(path).read() if self.file.exists(path) else b""
        numbers = {}
        for start in range(_INNER_HEADER_BYTES if self.folder else _HEADER_BYTES, len(table) - 15, 16):
            kind, property = (int.from_bytes(table[start + at : start + at + 2], "little") for at in (0, 2))
            if kind in (_TIME, _INTEGER):
                numbers[property] = int.from_bytes(table[start + 8 : start + (16 if kind == _TIME else 12)], "little")
        return numbers


def _add(builder: TextBuilder, message: _Message, level: int) -> None:
    address = message.string(_SENDER_ADDRESS)
    sender = message.string(_SENDER) + (f" <{address}>" if address else "")
    fields = {"From": sender, "To": message.string(_TO), "Cc": message.string(_CC), "Date": _date(message.ticks)}
    add_message(builder, message.string(_SUBJECT), fields, _body(message), level=level)
    folders = message.attachments()
    names = [next(filter(None, (message.string(name, folder) for name in _FILE_NAMES)), "") for folder in folders]
    add_attachments(builder, list(filter(None, names)))
    for folder in folders if level < _DEEPEST else ():
        if message.file.exists([*message.folder, folder, _ATTACHED_MESSAGE]):
            _add(builder, _Message(message.file, (*message.folder, folder, _ATTACHED_MESSAGE)), level + 1)


def _body(message: _Message) -> str:
    if plain := message.string(_BODY):
        return plain
    if html := message.stream(_HTML + "0102"):
        return html_text(decode_html(html)).text
    if packed := message.stream(_RTF + "0102"):
        return read_rtf(unpack_lzfu(packed)).text
    return ""


def _date(ticks: int) -> str:
    if not ticks:
        return ""
    with suppress(OverflowError):
        return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M}"
    return ""
