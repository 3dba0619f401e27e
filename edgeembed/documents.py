"""What is indexed: a document, made by an application or read from a file."""

from __future__ import annotations

import os
import stat as modes
import unicodedata
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .encodings import likely_encoding
from .files import FileStat
from .formats import HEAD_BYTES, MARKS, NOT_TEXT, TEXT, has_many_controls, recognise
from .readers.extracted import PictureNeed, Unreadable
from .skipped import NOT_A_FILE, Skipped, unreadable
from .worker import Worker

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FILE_BYTES = 64 << 20
"""Files larger than this are left out unless another limit is given."""

EMPTY = "empty"

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Document:
    """A text or an image with a name.

    Exactly one of ``text`` and ``image`` is given.

    Raises:
        ValueError: neither of them, or both; ``id`` or the path of ``image`` is empty.
        TypeError: something is of another type than it says here.
    """

    id: str
    """The application's own name for it; in a folder, the path relative to the folder, with ``/``."""
    text: str | None = None
    image: str | os.PathLike[str] | bytes | Image | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Anything that JSON can hold; ``search(where=…)`` compares its top-level values."""
    pages: tuple[int, ...] = ()
    """Offsets in ``text`` (in characters) at which its pages begin; empty: it has no pages."""
    lines: bool = True
    """Whether the lines of ``text`` are lines that a person can look up; ``False``: hits have no lines."""

    def __post_init__(self) -> None:
        if (self.text is None) == (self.image is None):
            raise ValueError(f"document {self.id!r} needs either text or image")
        for name, value, is_right, wanted in (
            ("id", self.id, isinstance(self.id, str), "a string"),
            ("text", self.text, self.text is None or isinstance(self.text, str), "a string; decode bytes first"),
            ("image", self.image, self.image is None or is_image(self.image), "a path, bytes, or a Pillow image"),
            ("metadata", self.metadata, isinstance(self.metadata, Mapping), "a mapping, such as {'from': 'ann'}"),
            ("pages", self.pages, isinstance(self.pages, tuple), "a tuple of offsets"),
        ):
            if not is_right:
                raise TypeError(f"document {self.id!r}: {name} must be {wanted}, not {type(value).__name__}")
            if name in ("id", "image") and isinstance(value, str) and not value:
                raise ValueError(f"document {self.id!r}: {name} must not be empty")


def is_image(value: object) -> bool:
    """Whether it is what a picture may be given as: a path, the bytes of a file, or a Pillow image."""
    return isinstance(value, (str, os.PathLike, bytes)) or hasattr(value, "convert")


def read_document(
    root: Path,
    stat: FileStat,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    worker: Worker | None = None,
    pictures: PictureNeed | None = None,
) -> Document | Skipped:
    """Read a file that was found by :func:`edgeembed.files.walk`.

    Text is whatever reads as text, whatever it is called: UTF-8, UTF-16 and UTF-32 with a mark, or one of the
    older encodings, found by its looks. Line ends become ``\\n`` and marks are dropped, so offsets and lines of the
    document's text refer to the decoded text with ``\\n`` at the end of every line. Documents, web pages, mail and
    data are taken apart in the worker process.

    Args:
        root: the folder that was walked.
        stat: a file in it.
        max_bytes: larger files are skipped; no more than this and one byte is ever read.
        worker: reads what may be hostile; ``None``: a new one, for this file alone.
        pictures: what the model needs of a picture; ``None``: it embeds text only, and pictures are skipped.

    Returns:
        The document, its id the path of the file; or why it was left out: ``not text``, ``empty``, ``larger than
        64 MiB: 2.0 GiB``, ``not readable: permission denied``, ``encrypted: needs a password`` and the like.

    Raises:
        WorkerCancelled: ``worker`` was told to break off.
    """
    try:
        with open_file(root / stat.path) as file:
            info = os.fstat(file.fileno())
            if not modes.S_ISREG(info.st_mode):
                return Skipped(stat.path, NOT_A_FILE)
            head = file.read(HEAD_BYTES)
            format = recognise(head, stat.path)
            if format.reason is not None and (format.picture is None or pictures is None):
                return Skipped(stat.path, format.reason)
            if info.st_size > max_bytes:
                return Skipped(stat.path, _too_large(info.st_size, max_bytes))
            in_process = format == TEXT or format.picture == "common"
            data = _read_on(file, head, max_bytes) if in_process else b""
    except OSError as error:
        return Skipped(stat.path, unreadable(error))
    if not in_process:
        return _taken_apart(root, stat, format.reader, pictures, worker)
    if len(data) > max_bytes:  # it grew meanwhile
        return Skipped(stat.path, _too_large(len(data), max_bytes))
    if format.picture == "common":
        return Document(stat.path, image=data)
    text = decode(data)
    if text is None:
        return Skipped(stat.path, NOT_TEXT)
    if not text or text.isspace():
        return Skipped(stat.path, EMPTY)
    return Document(stat.path, text=text)


def _taken_apart(
    root: Path, stat: FileStat, reader: str | None, pictures: PictureNeed | None, worker: Worker | None
) -> Document | Skipped:
    """What the worker makes of a file: a document for a reader, else a picture."""
    with Worker() if worker is None else nullcontext(worker) as asked:
        try:
            if reader is None:
                from .image import from_pixels  # the worker process imports this module, and should not pay for it

                assert pictures is not None
                return Document(stat.path, image=from_pixels(*asked.picture(root / stat.path, pictures)))
            found = asked.document(root / stat.path, reader)
        except Unreadable as error:
            return Skipped(stat.path, error.reason)
    return Document(stat.path, text=found.text, pages=found.pages, lines=found.lines)


def decode(data: bytes) -> str | None:
    """The text that the bytes of a file stand for, with ``\\n`` at the end of every line; ``None``: no text."""
    mark, encoding = next((pair for pair in MARKS if data.startswith(pair[0])), (b"", None))
    if encoding in (None, "utf-8") and has_many_controls(data):
        return None
    text = _decode_unmarked(data) if encoding is None else data[len(mark) :].decode(encoding, "replace")
    if text is None or (mark and encoding != "utf-8" and _looks_random(text[:HEAD_BYTES])):
        return None  # two bytes that look like a mark are no proof
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # A stray NUL (from a crash while a log was written) must not end the text for programs in C.
    return text.replace("\0", " ")


def open_file(path: Path) -> BinaryIO:
    """Open a file that was found by :func:`edgeembed.files.walk` for reading."""
    # O_NONBLOCK: opening a pipe that took the file's place would wait for ever.
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")


def _read_on(file: BinaryIO, head: bytes, max_bytes: int) -> bytes:
    """``head`` and the rest of the file, but no more than ``max_bytes`` and one more."""
    blocks, size = [head], len(head)
    while size <= max_bytes and (block := file.read(min(_BLOCK_BYTES, max_bytes + 1 - size))):
        blocks.append(block)
        size += len(block)
    return b"".join(blocks)


def _too_large(size_bytes: int, max_bytes: int) -> str:
    return f"larger than {_size(max_bytes)}: {_size(size_bytes)}"


def _size(size_bytes: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes} bytes"


def _looks_random(text: str) -> bool:
    """Whether decoding gave what no text has much of: unassigned, private, replaced, control characters."""
    odd = sum(
        c == "\ufffd" or (unicodedata.category(c) in ("Cn", "Co", "Cs", "Cc") and not c.isspace() and c not in "\b\x1b")
        for c in text
    )
    return (odd - 1) * 20 > len(text)  # one may be the end of a text that was cut off


def _decode_unmarked(data: bytes) -> str | None:
    if b"\x1b$B" in data or b"\x1b$@" in data:
        try:
            return data.decode("iso2022_jp")
        except UnicodeDecodeError:
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    high_bytes = len(data) - len(data.translate(None, bytes(range(128, 256))))
    if text.count("\ufffd") * 4 <= high_bytes:
        return text  # UTF-8 with some damage: other encodings hardly ever make valid sequences
    encoding = likely_encoding(data)
    if encoding is not None:
        text = data.decode(encoding, "replace")
        return None if _looks_random(text[:HEAD_BYTES]) else text
    return data.decode("cp1252", "replace") if high_bytes * 3 < len(data) else None
