"""Files to readable text, a module for each family of formats. All of it runs in the worker process only."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from .extracted import Extracted, Unreadable

VERSION = 1
"""Raised when a file's text would come out better than before: indexes then read such files again."""


class Reader(NamedTuple):
    """Where the reader of a format is: a function from the bytes of a file to ``Extracted``."""

    module: str
    function: str


READERS = {
    "csv": Reader("tables", "read_csv"),
    "feed": Reader("web", "read_feed"),
    "html": Reader("web", "read_html"),
    "ipynb": Reader("small", "read_notebook"),
    "json": Reader("tables", "read_json"),
    "jsonl": Reader("tables", "read_json_lines"),
    "mail": Reader("mail", "read_mail"),
    "ole": Reader("ole", "read_ole"),
    "pdf": Reader("pdf", "read_pdf"),
    "rtf": Reader("small", "read_rtf"),
    "subtitles": Reader("small", "read_subtitles"),
    "zip": Reader("office", "read_zip"),
}


def read(kind: str, data: bytes) -> Extracted:
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
    found: Extracted = function(data)
    if not found.text.strip():
        raise Unreadable("no text in it")
    return found
