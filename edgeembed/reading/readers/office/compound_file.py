"""Compound files: Outlook messages, older spreadsheets, and what they else may be."""

from __future__ import annotations

import io

import olefile

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.old_workbook import read_old_workbook
from ..mail.outlook import read_message

_MOST_BYTES = 4096
_FILE_PASS = 0x2F
"""A record at the start of a workbook that is encrypted, [MS-XLS] 2.4.117."""


def read_ole(data: bytes) -> ExtractedText:
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
            return read_message(file)
        if file.exists("EncryptedPackage"):
            raise Unreadable("encrypted: needs a password")
        for name in ("Workbook", "Book"):
            if file.exists(name):
                if _is_locked(file.openstream(name).read(_MOST_BYTES)):
                    raise Unreadable("encrypted: needs a password")
                return read_old_workbook(data)
        if file.exists("WordDocument"):
            raise Unreadable("older format: Word before 2007; save it as .docx")
        if file.exists("PowerPoint Document"):
            raise Unreadable("older format: PowerPoint before 2007; save it as .pptx")
    raise Unreadable("not text")


def _is_locked(workbook: bytes) -> bool:
    """Whether the stream of a workbook of before 2007, which is a row of records, is encrypted."""
    at = 0
    while at + 4 <= len(workbook):
        kind, size = (int.from_bytes(workbook[at + part : at + part + 2], "little") for part in (0, 2))
        if kind == _FILE_PASS:
            return True
        at += 4 + size
    return False
