"""Messages between a process and the worker that it started, both ways over pipes.

A message is the length of a JSON header and of a body, four bytes each, big-endian, then both.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from ..extracted import ExtractedText
from ..photos.facts import PhotoFacts

MAX_HEADER_BYTES = 8 << 20
MAX_BODY_BYTES = 64 << 20
"""More text, or more pixels, than this are not taken out of one file."""
OUT_OF_MEMORY = 77
"""Exit status of a worker that ended itself for want of memory."""
CLOCK = 10
"""Seconds by the clock for one of processor time: for what sleeps, and for machines that are busy."""
_LENGTHS = struct.Struct(">II")


class Message:
    """A message that arrived."""

    def __init__(self, header: Mapping[str, Any], body: bytes) -> None:
        self.header = header
        self.body = body


def send(stream: IO[bytes], header: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    encoded = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(encoded), len(body)))
    stream.write(encoded)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """Read one message; ``None``: the other side is gone, or says what it never should."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        return None
    header, body = stream.read(header_bytes), stream.read(body_bytes)
    if len(header) + len(body) < header_bytes + body_bytes:
        return None
    decoded = json.loads(header)
    return Message(decoded, body) if isinstance(decoded, dict) else None


class DecodeRequest(NamedTuple):
    """What a model needs of an image."""

    least_side: int | None
    """Pixels of its shorter side, if it has so many; ``None``: all that there are."""
    upright: bool
    """Whether it is turned as its EXIF data says."""


class DecodedImage(NamedTuple):
    """An image as the worker process hands it back."""

    size: tuple[int, int]
    pixels: bytes
    """Red, green and blue of each."""
    missing: str | None
    """What of it could not be decoded; ``None``: nothing."""
    facts: PhotoFacts


class ReadPart(NamedTuple):
    """One of the documents of a file as the worker process hands it back."""

    number: int
    """Counted from 1."""
    size_bytes: int
    """How much of the file it takes."""
    text: ExtractedText | None
    """``None``: there is nothing to read, as it was deleted, or it cannot be read."""
    reason: str | None
    """Why it cannot be read."""
