"""Office Open XML: Word and PowerPoint; and which document a zip archive is.

The XML is read as it is, without the libraries that offer it as objects: those leave out what stands in text boxes,
content controls, footnotes or grouped shapes, and need a tree of the whole document in memory.

The format is ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/.
"""

from __future__ import annotations

from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.spreadsheet import read_spreadsheet
from ..web.epub import read_epub
from ..zip_archive import Archive
from .open_document import read_open_document
from .slides import read_slides
from .word import read_word

_AN_ARCHIVE = "not text: an archive (archives are not opened)"


def read_zip(data: bytes) -> ExtractedText:
    """Whatever document a zip archive is.

    Raises:
        Unreadable: it is none, or is encrypted or damaged.
    """
    archive = Archive(data)
    if "[Content_Types].xml" in archive:
        main = _main_part(archive)
        kind = _content_type(archive, main)
        if "wordprocessingml" in kind or "ms-word." in kind:
            return read_word(archive, main)
        if "presentationml" in kind or "ms-powerpoint." in kind:
            return read_slides(archive, main)
        if "spreadsheetml" in kind or "ms-excel." in kind:
            return read_spreadsheet(data)
    if "mimetype" in archive:
        kind = archive.part("mimetype").decode("ascii", "replace").strip()
        if kind == "application/epub+zip":
            return read_epub(archive)
        if kind.startswith("application/vnd.oasis.opendocument."):
            return read_open_document(archive, data, kind)
    raise Unreadable(_AN_ARCHIVE)


def _main_part(archive: Archive) -> str:
    for kind, target in archive.relations("").values():
        if kind == "officeDocument":
            return target
    raise Unreadable(_AN_ARCHIVE)  # of some other kind that is packed like an office document


def _content_type(archive: Archive, part: str) -> str:
    for element in archive.elements("[Content_Types].xml"):
        if element.attributes.get("PartName", "").lstrip("/") == part:
            return element.attributes.get("ContentType", "")
    return ""
