"""Messages that Outlook saved (.msg): compound files of MAPI properties."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

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
_SENT, _RECEIVED = 0x0039, 0x0E06
_TIME = 0x0040
_MESSAGE_HEADER_BYTES = 32


def read_message(file: OleFile) -> ExtractedText:
    """Subject, sender, receivers, date, text and names of attachments of a saved message."""
    address = _string(file, _SENDER_ADDRESS)
    sender = _string(file, _SENDER) + (f" <{address}>" if address else "")
    fields = {"From": sender, "To": _string(file, _TO), "Cc": _string(file, _CC), "Date": _date(file)}
    builder = TextBuilder()
    add_message(builder, _string(file, _SUBJECT), fields, _body(file))
    folders = sorted({entry[0] for entry in file.listdir() if entry[0].startswith("__attach")})
    names = [next(filter(None, (_string(file, name, folder) for name in _FILE_NAMES)), "") for folder in folders]
    add_attachments(builder, list(filter(None, names)))
    return builder.extracted()


def _body(file: OleFile) -> str:
    if plain := _string(file, _BODY):
        return plain
    if html := _stream(file, _HTML + "0102"):
        return html_text(decode_html(html)).text
    if packed := _stream(file, _RTF + "0102"):
        return read_rtf(unpack_lzfu(packed)).text
    return ""


def _string(file: OleFile, property: str, folder: str = "") -> str:
    """A property as text: UTF-16, or, in older files, some code page."""
    if wide := _stream(file, property + "001F", folder):
        return wide.decode("utf-16-le", "replace").rstrip("\0")
    narrow = _stream(file, property + "001E", folder)
    with suppress(UnicodeDecodeError):
        return narrow.decode("utf-8").rstrip("\0")
    return narrow.decode("cp1252", "replace").rstrip("\0")


def _stream(file: OleFile, name: str, folder: str = "") -> bytes:
    path = [part for part in (folder, f"__substg1.0_{name}") if part]
    return bytes(file.openstream(path).read()) if file.exists(path) else b""


def _date(file: OleFile) -> str:
    """When it was sent, else received, from the table of properties of fixed length."""
    table = file.openstream("__properties_version1.0").read()[_MESSAGE_HEADER_BYTES:]
    times = {}
    for start in range(0, len(table) - 15, 16):
        kind, property = (int.from_bytes(table[start + at : start + at + 2], "little") for at in (0, 2))
        if kind == _TIME:
            times[property] = int.from_bytes(table[start + 8 : start + 16], "little")
    ticks = times.get(_SENT, times.get(_RECEIVED, 0))  # of 100 ns, since 1601
    if not ticks:
        return ""
    with suppress(OverflowError):
        return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M}"
    return ""
