"""Read a file of a folder: its text or image as a document, or the reason why it is left out."""

from __future__ import annotations

import os
import stat as modes
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..document import Document
from .decode import decode
from .detect import HEAD_BYTES, NOT_TEXT, TEXT, Format, detect
from .entries import BY_THE_CLOCK, NOT_A_FILE, TOO_LONG, FileStat, Skipped, unreadable
from .extracted import ExtractedText
from .extras import Unreadable
from .parts import FileParts, read_parts
from .photos.facts import PhotoFacts
from .photos.sidecars import with_sidecars
from .readers import PARTED, PLAIN
from .sandbox.process import Worker
from .sandbox.protocol import DecodeRequest

MAX_FILE_BYTES = 64 << 20
"""Files larger than this are left out unless another limit is given."""
EMPTY = "empty"
_GAVE_UP = (TOO_LONG, "takes too much memory", "damaged: nested too deeply")
_BLOCK_BYTES = 1 << 20
_MORE_TIMES = 4
"""Raw photos may be so many times larger, for only the image in them is decoded, and so may files of many documents,
which are read one by one."""


@dataclass(frozen=True)
class FileDocument(Document):
    """A document that was read from a file."""

    missing: str | None = None
    """What of the file is not in it; ``None``: nothing."""


def read_document(
    root: Path,
    stat: FileStat,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    worker: Worker | None = None,
    images: DecodeRequest | None = None,
) -> Document | FileParts | Skipped:
    """Read a file that was found by :func:`edgeembed.sync.walk.walk`.

    Text is whatever reads as text, whatever it is called: UTF-8, UTF-16 and UTF-32 with a mark, or one of the
    older encodings, found by its looks. Line ends become ``\\n`` and marks are dropped, so offsets and lines of the
    document's text refer to the decoded text with ``\\n`` at the end of every line. Documents, web pages, mail and
    data are taken apart in the worker process.

    Args:
        root: the folder that was walked.
        stat: a file in it.
        max_bytes: larger files are skipped; no more than this and one byte is ever read.
        worker: reads what may be hostile; ``None``: a new one, for this file alone.
        images: what the model needs of an image; ``None``: it embeds text only, and images are skipped.

    Returns:
        The document, its id the path of the file; metadata of a photo are what it, or a file beside it, says of it (see
        ``photos/facts.py``). Of a mailbox its messages, read as they are asked for. Or why the file was left out:
        ``not text``, ``empty``, ``larger than 64 MiB: 2.0 GiB``, ``not readable: permission denied``, ``encrypted:
        needs a password`` and the like.

    Raises:
        WorkerCancelled: ``worker`` was told to break off.
    """
    try:
        with open_file(root / stat.path) as file:
            info = os.fstat(file.fileno())
            if not modes.S_ISREG(info.st_mode):
                return Skipped(stat.path, NOT_A_FILE)
            head = file.read(HEAD_BYTES)
            format = detect(head, stat.path)
            if (reason := _refusal(format, info.st_size, max_bytes, images)) is not None:
                return Skipped(stat.path, reason)
            data = _read_on(file, head, max_bytes) if _is_read_here(format) else None
    except OSError as error:
        return Skipped(stat.path, unreadable(error))
    if format.reader in PARTED:
        return read_parts(root, stat, format.reader, worker)
    if data is None:
        return _read_in_worker(root, stat, format.reader, images, worker)
    return _read_here(root, stat, format, data, max_bytes)


def _refusal(format: Format, size_bytes: int, max_bytes: int, images: DecodeRequest | None) -> str | None:
    """Why a file is not read at all; ``None``: it is."""
    if format.reason is not None and (format.image is None or images is None):
        return format.reason
    most = max_bytes * _MORE_TIMES if format.image == "raw" or format.reader in PARTED else max_bytes
    return _too_large(size_bytes, most) if size_bytes > most else None


def _is_read_here(format: Format) -> bool:
    """Whether a file is read in this process: plain text, and images of the common kinds."""
    return format == TEXT or format.image == "common"


def _read_here(root: Path, stat: FileStat, format: Format, data: bytes, max_bytes: int) -> Document | Skipped:
    """The document of a text or a common image, from the content of its file."""
    if len(data) > max_bytes:  # it grew meanwhile
        return Skipped(stat.path, _too_large(len(data), max_bytes))
    if format.image is not None:
        return Document(stat.path, image=data, metadata=_metadata(root, stat, _facts_in(data)))
    text = decode(data)
    if text is None:
        return Skipped(stat.path, NOT_TEXT)
    if not text or text.isspace():
        return Skipped(stat.path, EMPTY)
    return Document(stat.path, text=text)


def _read_in_worker(
    root: Path, stat: FileStat, reader: str | None, images: DecodeRequest | None, worker: Worker | None
) -> Document | Skipped:
    """The document of a file that the worker process takes apart: by a reader, or, without one, as an image."""
    with Worker() if worker is None else nullcontext(worker) as process:
        try:
            if reader is None:
                from .images import from_pixels

                assert images is not None
                decoded = process.decode_image(root / stat.path, images)
                image = from_pixels(decoded.size, decoded.pixels)
                metadata = _metadata(root, stat, decoded.facts)
                return FileDocument(stat.path, image=image, metadata=metadata, missing=decoded.missing)
            extracted = _extracted(process, root / stat.path, reader)
        except Unreadable as error:
            return Skipped(stat.path, error.reason)
    text, pages, lines, aside = extracted.text, extracted.pages, extracted.lines, extracted.aside
    if extracted.missing is None:
        return Document(stat.path, text=text, pages=pages, lines=lines, aside=aside)
    return FileDocument(stat.path, text=text, pages=pages, lines=lines, aside=aside, missing=extracted.missing)


def _facts_in(data: bytes) -> PhotoFacts:
    """What an image of a common kind says about itself; nothing, if it cannot be opened, which shows later."""
    from ..errors import ImageError
    from .images import facts_of, opened, translated

    try:
        with opened(data) as image, translated(data):
            return facts_of(image)
    except ImageError:
        return PhotoFacts()


def _metadata(root: Path, stat: FileStat, facts: PhotoFacts) -> dict[str, Any]:
    """The metadata of a photo: what its file says, and the files beside it."""
    folder = (root / stat.path).parent
    return with_sidecars(facts, [folder / name for name in stat.sidecars]).metadata()


def _extracted(process: Worker, path: Path, reader: str) -> ExtractedText:
    """The text of a file by its reader; of a text that its reader cannot cope with, the text as it is.

    Raises:
        Unreadable: there is none.
    """
    try:
        return process.document(path, reader)
    except Unreadable as error:
        # Where the clock ended it the machine was busy, and the next sync does better.
        if reader not in PLAIN or BY_THE_CLOCK in error.reason or not error.reason.startswith(_GAVE_UP):
            raise
        return process.document(path, PLAIN[reader])


def open_file(path: Path) -> BinaryIO:
    """Open a file that was found by :func:`edgeembed.sync.walk.walk` for reading."""
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
