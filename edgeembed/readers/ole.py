"""Compound files: Outlook messages, older spreadsheets, and what they else may be."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import olefile

from .extracted import Extracted, TextBuilder, Unreadable
from .mail import add_attachments, add_message
from .small import read_rtf
from .tables import read_spreadsheet
from .web import decode_html, html_text

if TYPE_CHECKING:
    OleFile: TypeAlias = olefile.OleFileIO[Any]

# Names of streams: __substg1.0_ and the property, https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxmsg
_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER, _SENDER_ADDRESS, _TO, _CC = "0C1A", "5D01", "0E04", "0E03"
_FILE_NAMES = ("3707", "3704")
_SENT, _RECEIVED = 0x0039, 0x0E06
_TIME = 0x0040
_MESSAGE_HEADER_BYTES = 32


def read_ole(data: bytes) -> Extracted:
    """Whatever document a compound file is.

    Raises:
        Unreadable: it is none that can be read.
    """
    try:
        file = olefile.OleFileIO(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise Unreadable("damaged: not a whole file") from error
    with file:
        if file.exists("__properties_version1.0"):
            return _read_message(file)
        if file.exists("EncryptedPackage"):
            raise Unreadable("encrypted: needs a password")
        if file.exists("Workbook") or file.exists("Book"):
            return read_spreadsheet(data)
        if file.exists("WordDocument"):
            raise Unreadable("older format: Word before 2007; save it as .docx")
        if file.exists("PowerPoint Document"):
            raise Unreadable("older format: PowerPoint before 2007; save it as .pptx")
    raise Unreadable("not text")


def _read_message(file: OleFile) -> Extracted:
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
        return read_rtf(_unpacked(packed)).text
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
    found = {}
    for start in range(0, len(table) - 15, 16):
        kind, property = (int.from_bytes(table[start + at : start + at + 2], "little") for at in (0, 2))
        if kind == _TIME:
            found[property] = int.from_bytes(table[start + 8 : start + 16], "little")
    ticks = found.get(_SENT, found.get(_RECEIVED, 0))  # of 100 ns, since 1601
    if not ticks:
        return ""
    with suppress(OverflowError):
        return f"{datetime(1601, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M}"
    return ""


_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS "
    b"Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b"
    b"\\i\\u\\tab\\tx"
)
_RTF_WINDOW = 4096


def _unpacked(packed: bytes) -> bytes:
    """RTF as Outlook packs it, https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp."""
    if packed[8:12] != b"LZFu":
        return packed[16:]
    window = bytearray(_RTF_START.ljust(_RTF_WINDOW, b" "))
    write, pos, out = len(_RTF_START), 16, bytearray()
    while pos < len(packed):
        control = packed[pos]
        pos += 1
        for bit in range(8):
            if control >> bit & 1:
                if pos + 2 > len(packed):
                    return bytes(out)
                reference = int.from_bytes(packed[pos : pos + 2], "big")
                pos += 2
                offset, length = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(out)
                piece = [(offset + i) % _RTF_WINDOW for i in range(length)]
            else:
                if pos >= len(packed):
                    return bytes(out)
                window[write] = packed[pos]
                pos += 1
                piece = [write]
                offset = -1
            for place in piece:
                byte = window[place]
                out.append(byte)
                if offset >= 0:
                    window[write] = byte
                write = (write + 1) % _RTF_WINDOW
    return bytes(out)
