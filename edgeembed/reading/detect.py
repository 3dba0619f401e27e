"""What a file is, by its first bytes and its name: text, something that a reader takes apart, or nothing to read."""

from __future__ import annotations

import posixpath
import re
from typing import Literal, NamedTuple

from .charset_detection import WIDE_RUN, wide_encoding
from .entries import IMAGE_LEFT_OUT
from .mail_files import is_named_as_mail, mail_reader
from .photos.raw import SUFFIXES as RAW_SUFFIXES
from .photos.raw import is_raw
from .readers import PARTED, READERS

HEAD_BYTES = 8192
"""Bytes at the start of a file by which its format is detected."""
NOT_TEXT = "not text"
OTHER_IMAGE = "picture of a rare kind: save it as PNG or JPEG"
BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),  # before UTF-16, whose mark it begins with
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_IMAGES = (
    "jpg jpeg jpe jfif png apng webp gif bmp dib tif tiff ico pbm pgm ppm pnm pfm avif avifs heic heics heif heifs hif"
    " jxl"
)
IMAGE_SUFFIXES = (*(f".{name}" for name in _IMAGES.split()), *sorted(RAW_SUFFIXES))
"""File extensions of the formats in ``images.FORMATS``, and of raw photos."""


class Format(NamedTuple):
    """What a file is. All ``None``: plain text."""

    reader: str | None = None
    """One of ``READERS`` or ``PARTED``, for a file that is read in the worker process."""
    image: Literal["common", "rare", "raw"] | None = None
    """An image that can be opened; a rare one and a raw photo in the worker process."""
    reason: str | None = None
    """Why it is not read; of an image, by a model for text."""


TEXT = Format()


def detect(head: bytes, name: str) -> Format:
    """What a file is.

    Args:
        head: its first :data:`HEAD_BYTES`, or all of it.
        name: its name, or path with ``/``.
    """
    suffix = posixpath.splitext(name)[1].lower()
    if not head:
        return TEXT
    if suffix in _OLE_IMAGES and head.startswith(_OLE):
        return _OTHER
    for magic, document in _DOCUMENTS:
        if head.startswith(magic):
            return Format(reader=document)
    if suffix == ".pdf" and b"%PDF-" in head[:1024]:  # as readers of PDF allow
        return Format(reader="pdf")
    if (closed := _closed(head, suffix)) is not None:
        return closed
    if not head.startswith(tuple(mark for mark, _ in BOMS)) and _is_no_text(head):
        return _CLOSED_SUFFIXES.get(suffix, Format(reason=NOT_TEXT))
    if suffix == ".xml":
        start = head[:2048].replace(b"\0", b"")  # as in UTF-16
        return Format(reader="feed") if any(root in start for root in _FEEDS) else TEXT
    kind = _TEXTS.get(suffix) or mail_reader(head, name)
    return TEXT if kind is None else Format(reader=kind)


def may_have_reader(name: str) -> bool:
    """Whether a file of this name may be one for a reader, or a photo, of which facts are read; such files are read
    again when readers get better."""
    suffix = posixpath.splitext(name)[1].lower()
    return suffix in _READ_AGAIN or is_named_as_mail(name)


def looks_binary(data: bytes) -> bool:
    """Whether more than about one byte in a hundred is a control character that texts do not use.

    NUL counts once for a run: a crash while a log is written may leave thousands. What ISO-2022-KR shifts with counts
    not at all.
    """
    if _SHIFTS in data[:HEAD_BYTES]:
        data = data.translate(None, b"\x0e\x0f")
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > 2 and b"\0" in data:
        data = _NULS.sub(b"\0", data)
        controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls > 2 + len(data) // 100


def _is_no_text(head: bytes) -> bool:
    """Whether the start of a file without a byte order mark is none of a text. NUL in a short one is no accident."""
    if b"\0" not in head:
        return looks_binary(head)
    if wide_encoding(head) is not None:
        return False
    head = WIDE_RUN.sub(b"", head)
    return looks_binary(head) or len(_NULS.findall(head)) * 1000 > len(head.replace(b"\0", b""))


# Without tab, newline, vertical tab, form feed, carriage return, backspace (overstriking in manuals) and escape
# (colours in logs, ISO-2022-JP).
_CONTROLS = bytes([*range(8), *range(14, 27), *range(28, 32), 127])
_NULS = re.compile(rb"\0+")
_SHIFTS = b"\x1b$)C"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_IMAGES = (".fpx", ".mic")
_DOCUMENTS = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"PK\x03\x04", "zip"),
    (_OLE, "ole"),
    (b"\x78\x9f\x3e\x22", "tnef"),  # Outlook's winmail.dat
)
_DOCUMENT_SUFFIXES = (
    ".pdf .rtf .docx .docm .dotx .pptx .pptm .ppsx .potx .xlsx .xlsm .xltx .xlsb .xls .odt .ott .odp .otp .ods .ots"
    " .epub .msg .doc .ppt"
)
_TEXTS = {
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xht"), "html"),
    **dict.fromkeys((".eml", ".mht", ".mhtml"), "mail"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".json", ".geojson"), "json"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".srt", ".vtt"), "subtitles"),
    **dict.fromkeys((".rss", ".atom"), "feed"),
    **dict.fromkeys((".mbox", ".mbx"), "mbox"),
    **dict.fromkeys((".ics", ".ical", ".ifb", ".vcs", ".vcf", ".vcard"), "cards"),
    ".emlx": "emlx",
    ".ipynb": "ipynb",
}
_READ_AGAIN = frozenset((*_TEXTS, *_DOCUMENT_SUFFIXES.split(), *IMAGE_SUFFIXES, ".xml"))
_FEEDS = (b"<rss", b"<feed", b"<rdf:RDF")
_COMMON = Format(image="common", reason=IMAGE_LEFT_OUT)
_RARE = Format(image="rare", reason=IMAGE_LEFT_OUT)
_RAW = Format(image="raw", reason=IMAGE_LEFT_OUT)
_OTHER = Format(reason=OTHER_IMAGE)
_ARCHIVE = Format(reason="not text: an archive (archives are not opened)")
_FILM = Format(reason="not text: sound or film")
_PROGRAM = Format(reason="not text: a program")
_DATABASE = Format(reason="not text: a database")
_FONT = Format(reason="not text: a font")
_DRAWING = Format(reason="not text: a PostScript drawing (save it as PDF)")
# What shows itself at its start. Others are known by the name alone, if they are no text.
_CLOSED = (
    (b"\x89PNG", _COMMON),
    (b"\xff\xd8\xff", _COMMON),
    (b"GIF87a", _RARE),
    (b"GIF89a", _RARE),
    (b"II*\0", _RARE),
    (b"MM\0*", _RARE),
    (b"\xff\x0a", _RARE),  # JPEG XL, bare and in a file of boxes
    (b"\0\0\0\x0cJXL \r\n\x87\n", _RARE),
    (b"8BPS\0", _OTHER),
    (b"/* XPM */", _OTHER),
    (b"%!PS", _DRAWING),
    (b"\xc5\xd0\xd3\xc6", _DRAWING),
    (b"\x1f\x8b", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"\xfd7zXZ\0", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"PK\x05\x06", _ARCHIVE),  # with nothing in it
    (b"\x7fELF", _PROGRAM),
    (b"SQLite format 3\0", _DATABASE),
    (b"OggS\0", _FILM),
    (b"fLaC\0", _FILM),
    (b"ID3\x03", _FILM),
    (b"ID3\x04", _FILM),
    (b"\x1a\x45\xdf\xa3", _FILM),
)
_RIFF = {b"WEBP": _COMMON, b"WAVE": _FILM, b"AVI ": _FILM}
# https://mp4ra.org/registered-types/brands: what stands after "ftyp".
_IMAGE_BRANDS = frozenset(
    (
        b"avif",
        b"avis",
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"hevm",
        b"hevs",
        b"mif1",
        b"mif2",
        b"msf1",
    )
)
_SUFFIXES = {
    _RARE: _IMAGES,
    _RAW: " ".join(suffix[1:] for suffix in RAW_SUFFIXES - {".raw"}),
    _OTHER: "psd tga dds jp2 j2k jpf jpx j2c sgi rgb bw pcx dcx fli flc xpm xbm blp qoi im msp pxr ras im1 wal fpx mic"
    " cur icns gd gbr",
    _ARCHIVE: "zip gz tgz bz2 xz 7z rar tar zst lz4 cab jar whl iso dmg",
    _FILM: "mp3 m4a aac ogg flac wav wma mp4 m4v mov avi mkv webm mpg mpeg wmv",
    _PROGRAM: "exe dll so dylib o a lib obj pyc pyd class wasm",
    _DATABASE: "db sqlite sqlite3 mdb accdb",
    _FONT: "ttf otf woff woff2 eot pfb",
}
_CLOSED_SUFFIXES = {f".{suffix}": format for format, names in _SUFFIXES.items() for suffix in names.split()}
# Images that are written in letters.
_LETTERED = {".xbm": (b"#define", _OTHER), **dict.fromkeys((".pbm", ".pgm", ".ppm", ".pnm", ".pfm"), (b"P", _RARE))}


def _closed(head: bytes, suffix: str) -> Format | None:
    """A file that is no text, if its start says so."""
    if is_raw(head, suffix):
        return _RAW
    for magic, format in _CLOSED:
        if head.startswith(magic):
            return format
    if (head.startswith(b"BM") and head[6:10] == b"\0\0\0\0") or head.startswith(b"\0\0\1\0"):
        return _RARE  # BMP, ICO
    if head[257:262] == b"ustar":
        return _ARCHIVE
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"\0") and head[4:8] == b"ftyp":
        return _RARE if head[8:12] in _IMAGE_BRANDS or suffix in IMAGE_SUFFIXES else _FILM
    magic, format = _LETTERED.get(suffix, (b"", _OTHER))
    return format if magic and head.startswith(magic) else None


assert {*_TEXTS.values(), *(kind for _, kind in _DOCUMENTS)} <= READERS.keys() | PARTED.keys()
