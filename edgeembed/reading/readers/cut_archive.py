"""Zip archives whose end is missing, as of a download that broke off: what the local headers of their parts give.

The directory of an archive stands at its end (APPNOTE.TXT, 4.3.6), but before each part its name and size stand once
more. Where a size is not told, the end of the compressed data tells it.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import NamedTuple

CUT = "cut off or damaged: a part of the document is missing"
_SIGNATURE, _DIRECTORY, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END_BYTES = 22 + 65535
"""The most that the end of the directory takes, with the longest comment."""
_ZIP64_BYTES = 76
"""What may stand between directory and its end, 4.3.14 and 4.3.15."""
_HEADER = struct.Struct("<4s5H3I2H")
_MOST_PARTS = 10_000
_BLOCK_BYTES = 1 << 16
_ENCRYPTED, _SIZE_FOLLOWS, _UTF8 = 1, 8, 1 << 11
_STORED, _DEFLATED = 0, 8
_UNKNOWN_SIZE = 0xFFFFFFFF


class _Part(NamedTuple):
    name: str
    content: bytes
    end: int
    """Where it ends in the archive."""


def is_cut(data: bytes) -> bool:
    """Whether an archive ends before its directory; one that stands in it may end with a directory of its own."""
    at = data.rfind(_END, -_END_BYTES)
    if at < 0 or at + 22 > len(data):
        return True
    size, start = struct.unpack_from("<2I", data, at + 12)
    return data.startswith(_SIGNATURE) and _UNKNOWN_SIZE not in (size, start) and start + size < at - _ZIP64_BYTES


def recovered(data: bytes, max_bytes: int) -> bytes | None:
    """A whole archive of the parts that are there, the last of which may be cut; ``None``: there are none.

    Args:
        data: of an archive without its directory.
        max_bytes: that its parts may have together, unpacked; what is beyond is left out.
    """
    file, left, at = io.BytesIO(), max_bytes, data.find(_SIGNATURE)
    with zipfile.ZipFile(file, "w") as archive:
        for _ in range(_MOST_PARTS):
            if at < 0 or left <= 0:
                break
            part = _part_at(data, at, left)
            if part is None:
                at = data.find(_SIGNATURE, at + 4)
                continue
            if part.content and part.name not in archive.NameToInfo:
                archive.writestr(part.name, part.content)
                left -= len(part.content)
            at = data.find(_SIGNATURE, part.end)
        is_empty = not archive.namelist()
    return None if is_empty else file.getvalue()


def _part_at(data: bytes, at: int, most: int) -> _Part | None:
    """The part whose header begins here; ``None``: it is none that can be read."""
    if at + _HEADER.size > len(data):
        return None
    _, _, flags, method, _, _, _, packed, _, name_size, extra_size = _HEADER.unpack_from(data, at)
    start = at + _HEADER.size + name_size + extra_size
    if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED) or start >= len(data) or not name_size:
        return None
    raw = data[at + _HEADER.size : at + _HEADER.size + name_size]
    name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace").replace("\0", "")
    is_told = packed != _UNKNOWN_SIZE and not (flags & _SIZE_FOLLOWS and not packed)
    end = min(len(data), start + packed) if is_told else len(data)
    if method == _STORED:
        ends = [found for mark in (_SIGNATURE, _DIRECTORY) if (found := data.find(mark, start)) >= 0]
        end = end if is_told else min(ends, default=end)
        return _Part(name, data[start : min(end, start + most)], end)
    unpacked = _unpacked(data, start, end, most)
    return None if unpacked is None else _Part(name, unpacked[0], end if is_told else unpacked[1])


def _unpacked(data: bytes, start: int, end: int, most: int) -> tuple[bytes, int] | None:
    """What is compressed there, up to ``most`` bytes of it, and where that ends; ``None``: it is damaged."""
    unpacker, pieces, at, size = zlib.decompressobj(-zlib.MAX_WBITS), list[bytes](), start, 0
    while at < end and size < most and not unpacker.eof:  # block by block: what is left over is copied each time
        block = data[at : min(end, at + _BLOCK_BYTES)]
        at += len(block)
        try:
            pieces.append(unpacker.decompress(block, most - size))
        except zlib.error:
            return None if not pieces else (b"".join(pieces), at)
        size += len(pieces[-1])
    return b"".join(pieces), at - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
