"""Compound files: Outlook messages, older spreadsheets, and what they else may be."""

from __future__ import annotations

import io

import olefile

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.spreadsheet import read_spreadsheet
from ..mail.outlook import read_message


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
        if file.exists("Workbook") or file.exists("Book"):
            return read_spreadsheet(data)
        if file.exists("WordDocument"):
            raise Unreadable("older format: Word before 2007; save it as .docx")
        if file.exists("PowerPoint Document"):
            raise Unreadable("older format: PowerPoint before 2007; save it as .pptx")
    raise Unreadable("not text")
