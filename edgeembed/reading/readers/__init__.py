"""Files to readable text, a module for each family of formats. All of it runs in the worker process only."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from ..extracted import ExtractedText
from ..extras import Unreadable

VERSION = 4
"""Raised when a file's text would come out better than before: indexes then read such files again."""


class Reader(NamedTuple):
    """Where the reader of a format is: a function from the bytes of a file to ``ExtractedText``."""

    module: str
    function: str


READERS = {
    "cards": Reader("mail.cards", "read_cards"),
    "csv": Reader("data.delimited", "read_csv"),
    "emlx": Reader("mail.mailbox", "read_emlx"),
    "feed": Reader("web.feed", "read_feed"),
    "html": Reader("web.html", "read_html"),
    "ipynb": Reader("data.notebook", "read_notebook"),
    "json": Reader("data.json_values", "read_json"),
    "jsonl": Reader("data.json_values", "read_json_lines"),
    "mail": Reader("mail.message", "read_mail"),
    "markup": Reader("web.markup", "read_markup"),
    "ole": Reader("office.compound_file", "read_ole"),
    "pdf": Reader("pdf", "read_pdf"),
    "plain": Reader("data.plain", "read_plain"),
    "rtf": Reader("office.rtf", "read_rtf"),
    "subtitles": Reader("data.subtitles", "read_subtitles"),
    "tnef": Reader("mail.tnef", "read_tnef"),
    "zip": Reader("office.archives", "read_zip"),
}

PARTED = {"mbox": Reader("mail.mailbox", "Mailbox")}
"""Likewise of formats that hold many documents: a class whose objects are :class:`Parts` of the file of a path."""

PLAIN = {"csv": "plain", "feed": "markup", "html": "markup", "json": "plain", "jsonl": "plain"}
"""What reads a file of letters as it is, where its own reader takes too long or too much."""


class Parts(Protocol):
    """The documents in a file, numbered from 1."""

    def __len__(self) -> int:
        """How many there are, those that are not to be read among them."""

    def size_bytes(self, number: int) -> int:
        """How much of the file one takes."""

    def read(self, number: int) -> ExtractedText | None:
        """The readable text of one; ``None``: it is not to be read. Raises as :func:`read`."""


def open_parts(kind: str, path: Path) -> Parts:
    """The documents in a file; ``kind``: one of :data:`PARTED`.

    Raises:
        OSError: it cannot be read.
        Exception: of any kind, as :func:`read`.
    """
    reader = PARTED[kind]
    parts: Parts = getattr(import_module(f".{reader.module}", __name__), reader.function)(path)
    return parts


def read(kind: str, data: bytes) -> ExtractedText:
    """The readable text of a file.

    Args:
        kind: one of :data:`READERS`.
        data: all of the file.

    Raises:
        Unreadable: it has none, or must not be opened; with the reason.
        Exception: of any kind, from a parser that met what its authors did not think of.
    """
    reader = READERS[kind]
    function = getattr(import_module(f".{reader.module}", __name__), reader.function)
    extracted: ExtractedText = function(data)
    if not extracted.text.strip():
        raise Unreadable("no text in it")
    return extracted
