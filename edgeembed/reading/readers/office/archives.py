"""Office Open XML: Word, PowerPoint and Excel; and which document a zip archive is.

The XML is read as it is, without the libraries that offer it as objects: those leave out what stands in text boxes,
content controls, footnotes or grouped shapes, and need a tree of the whole document in memory.

The format is ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..about import fields_of, with_about
from ..web.epub import read_epub
from ..zip_archive import NOT_WHOLE, Archive
from .open_document import read_open_document
from .slides import read_slides
from .word import read_word
from .workbook import read_workbook

_AN_ARCHIVE = "not text: an archive (archives are not opened)"
_USUAL = {
    "word/document.xml": "wordprocessingml",
    "ppt/presentation.xml": "presentationml",
    "xl/workbook.xml": "spreadsheetml",
    "xl/workbook.bin": "ms-excel.",
}
"""Names of main parts that nearly all programs give them, and a part of their media types."""
_ABOUT, _META = "core-properties", "meta.xml"


def read_zip(data: bytes) -> ExtractedText:
    """Whatever document a zip archive is.

    Raises:
        Unreadable: it is none, or is encrypted or damaged.
    """
    archive = Archive(data)
    if archive.missing is None:
        return _read(archive, data)
    try:
        extracted = _read(archive, archive.data)
    except Unreadable as error:
        raise Unreadable(NOT_WHOLE) if error.reason == _AN_ARCHIVE else error from error
    if not extracted.text.strip():
        raise Unreadable(NOT_WHOLE)
    return replace(extracted, missing=archive.missing)


def _read(archive: Archive, data: bytes) -> ExtractedText:
    if "[Content_Types].xml" in archive or (archive.missing is not None and any(part in archive for part in _USUAL)):
        return with_about(_read_office(archive, data), _about(archive))
    kind = archive.part("mimetype").decode("ascii", "ignore").strip() if "mimetype" in archive else ""
    if kind.startswith("application/epub+zip") or (not kind and "META-INF/container.xml" in archive):
        return read_epub(archive)
    if "content.xml" in archive and "META-INF/manifest.xml" in archive:
        entries = archive.elements("META-INF/manifest.xml")
        whole = [e.attributes.get("media-type", "") for e in entries if e.attributes.get("full-path") == "/"]
        kind = kind or next(iter(whole), "")
    if kind.startswith("application/vnd.oasis.opendocument."):
        return with_about(read_open_document(archive, data, kind), _about(archive))
    raise Unreadable(_AN_ARCHIVE)


def _read_office(archive: Archive, data: bytes) -> ExtractedText:
    main = _main_part(archive)
    kind = _content_type(archive, main)
    if "wordprocessingml" in kind or "ms-word." in kind:
        return read_word(archive, main)
    if "presentationml" in kind or "ms-powerpoint." in kind:
        return read_slides(archive, main)
    if "spreadsheetml" in kind or "ms-excel." in kind:
        return read_workbook(archive, data, main)
    raise Unreadable(_AN_ARCHIVE)


def _main_part(archive: Archive) -> str:
    with suppress(Unreadable):  # where what names it is damaged, it is mostly in its usual place
        for kind, target in archive.relations("").values():
            if kind == "officeDocument":
                return target
    for usual in _USUAL:
        if usual in archive:
            return usual
    raise Unreadable(_AN_ARCHIVE)  # of some other kind that is packed like an office document


def _content_type(archive: Archive, part: str) -> str:
    """The media type of a part: the one that it is given by its name, else the default of its suffix.

    https://ecma-international.org/publications-and-standards/standards/ecma-376/, part 2, 7.2.3.4.
    """
    default, suffix = "", part.rpartition(".")[2].lower()
    if "[Content_Types].xml" not in archive:  # of one that is cut off
        return _USUAL.get(part, "")
    for element in archive.elements("[Content_Types].xml"):
        attributes = element.attributes
        if element.name == "Override" and attributes.get("PartName", "").lstrip("/").lower() == part.lower():
            return attributes.get("ContentType", "")
        if element.name == "Default" and attributes.get("Extension", "").lower() == suffix:
            default = attributes.get("ContentType", "")
    return default


def _about(archive: Archive) -> dict[str, str]:
    """What a document says of itself: title, author and the like."""
    with suppress(Unreadable):  # damage beside the text costs these fields alone
        parts = [part for kind, part in archive.relations("").values() if kind == _ABOUT]
        for part in [part for part in (*parts, _META) if part in archive]:
            return fields_of(archive.elements(part))
    return {}
