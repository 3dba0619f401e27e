"""Documents made by hand for the tests of the readers, and what a reader makes of them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers import read


def reason(kind: str, data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(kind, data)
    return caught.value.reason


def page_of(extracted: ExtractedText, words: str) -> int:
    offset = extracted.text.index(words)
    return sum(start <= offset for start in extracted.pages)


def saved(save: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def zipped(**parts: str | bytes) -> bytes:
    """An archive of parts; names are written with ``__`` for ``/``."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


WORD = """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
 xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
 xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:body>{}</w:body></w:document>"""


def word_document(body: str) -> bytes:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return zipped(
        **{
            "[Content_Types].xml": f'<Types><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
            "_rels__.rels": '<Relationships><Relationship Id="a" Type="x/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
            "word__document.xml": WORD.format(body),
        }
    )


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file, [MS-CFB] version 3, of streams by path; each is filled up with zeros to 4096 bytes or more."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    folders = sorted({path.rpartition("/")[0] for path in streams if "/" in path})
    names = ["", *folders, *streams]  # the root is entry 0
    contents = {path: data.ljust(max(4096, -len(data) % 512 + len(data)), b"\0") for path, data in streams.items()}
    directory_sectors = -(-len(names) // 4)
    fat, starts = [fat_mark, *range(2, directory_sectors + 1), end], {}
    for path, data in contents.items():
        starts[path] = len(fat)
        count = len(data) // 512
        fat += [*range(len(fat) + 1, len(fat) + count), end]
    assert len(fat) <= 128

    def members(folder: str) -> list[int]:
        return [n for n, name in enumerate(names) if n and name.rpartition("/")[0] == folder]

    siblings = {first: second for group in ("", *folders) for first, second in pairwise(members(group))}
    entries = b""
    for number, path in enumerate(names):
        name = (path.rpartition("/")[2] or "Root Entry").encode("utf-16-le")
        is_stream = path in streams
        inside = [] if is_stream else members(path)
        entries += name.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ",
            len(name) + 2,
            2 if is_stream else 1 if number else 5,
            1,
            free,
            siblings.get(number, free),
            inside[0] if inside else free,
            starts.get(path, end),
            len(contents[path]) if is_stream else 0,
        )
    blank = b"\0" * 64 + struct.pack("<HBBIII36xIQ", 0, 0, 0, free, free, free, 0, 0)
    entries += blank * (directory_sectors * 4 - len(names))
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header = magic + bytes(16) + struct.pack("<5H6x9I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<I", 0) + struct.pack("<I", free) * 108
    table = struct.pack(f"<{len(fat)}I", *fat) + struct.pack("<I", free) * (128 - len(fat))
    return header + table + entries + b"".join(contents.values())
