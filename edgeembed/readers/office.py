"""Documents that are zip archives of XML: Word, PowerPoint, OpenDocument, EPUB; and where spreadsheets go.

The XML is read as it is, without the libraries that offer it as objects: those leave out what stands in text boxes,
content controls, footnotes or grouped shapes, and need a tree of the whole document in memory.

Office Open XML is ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/;
OpenDocument https://docs.oasis-open.org/office/OpenDocument/v1.3/; EPUB https://www.w3.org/TR/epub-33/.
"""

from __future__ import annotations

import posixpath
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from .archive import Archive, Element, joined
from .extracted import Extracted, TextBuilder, Unreadable
from .tables import read_spreadsheet
from .web import decode_html, html_text

_AN_ARCHIVE = "not text: an archive (archives are not opened)"
_SHORT_CELL = 200
"""Paragraphs of a cell with no more characters stay on the line of its row."""


def read_zip(data: bytes) -> Extracted:
    """Whatever document a zip archive is.

    Raises:
        Unreadable: it is none, or is encrypted or damaged.
    """
    archive = Archive(data)
    if "[Content_Types].xml" in archive:
        main = _main_part(archive)
        kind = _content_type(archive, main)
        if "wordprocessingml" in kind or "ms-word." in kind:
            return _read_word(archive, main)
        if "presentationml" in kind or "ms-powerpoint." in kind:
            return _read_slides(archive, main)
        if "spreadsheetml" in kind or "ms-excel." in kind:
            return read_spreadsheet(data)
    if "mimetype" in archive:
        kind = archive.part("mimetype").decode("ascii", "replace").strip()
        if kind == "application/epub+zip":
            return _read_epub(archive)
        if kind.startswith("application/vnd.oasis.opendocument."):
            return _read_open_document(archive, data, kind)
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


# Word


def _read_word(archive: Archive, main: str) -> Extracted:
    relations = sorted(archive.relations(main).values())
    levels = dict[str, int]()
    for kind, part in relations:
        if kind == "styles" and part in archive:
            with suppress(Unreadable):  # damage beside the text costs headings, not the text
                levels = _heading_levels(archive.elements(part))
    text = _Word(levels)
    archive.parse(main, text)
    if not text.breaks:
        text.builder.forget_pages()  # written by a program that does not say where pages end
    seen = set[str]()
    for kind in ("footnotes", "endnotes", "comments", "header", "footer"):
        for part in [part for other, part in relations if other == kind and part in archive]:
            aside = _Word({})
            with suppress(Unreadable):
                archive.parse(part, aside)
            words = aside.builder.extracted().text
            if words.strip() and words not in seen:  # the first page and the others often have the same
                seen.add(words)
                text.builder.add(words)
                text.builder.end_paragraph(verbatim=True)
    return text.builder.extracted()


def _heading_levels(styles: Sequence[Element]) -> dict[str, int]:
    """Ids of the paragraph styles that are headings. They differ by language; names are always English."""
    levels, id = {}, ""
    for element in styles:
        if element.name == "style":
            id = element.attributes.get("styleId", "")
        elif element.name == "name":
            found = re.fullmatch(r"heading ([1-9])|title", element.attributes.get("val", "").lower())
            if found:
                levels[id] = int(found[1] or 1)
    return levels


class _Paragraphs(ABC):
    """What the formats have in common: parts that nobody sees, paragraphs, and tables whose rows become lines."""

    _HIDDEN: frozenset[str] = frozenset()
    """Names of elements that are passed over with all that is in them."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self._hidden = 0
        """Hidden elements that are open, one within the other."""
        self._mark = ""
        self._rows = 0
        """Rows that are open, one within the other."""
        self._cell = 0
        """Characters of the cell at hand."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """The beginning of an element."""
        if name in self._HIDDEN:
            self._hidden += 1
        if not self._hidden:
            self._open_element(name, attributes)

    def end(self, name: str) -> None:
        """The end of an element."""
        if name in self._HIDDEN:
            self._hidden -= 1
        elif not self._hidden:
            self._close_element(name)

    def data(self, text: str) -> None:
        """Text between elements."""
        if not self._hidden:
            self._take_text(text)

    @abstractmethod
    def _open_element(self, name: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def _close_element(self, name: str) -> None: ...

    @abstractmethod
    def _take_text(self, text: str) -> None: ...

    def _end_paragraph(self) -> None:
        if not self._rows:
            self.builder.end_paragraph(self._mark)
        elif self._cell > _SHORT_CELL:
            self.builder.end_line()
        else:
            self.builder.add(" ")
        self._mark = ""

    def _start_row(self) -> None:
        self._rows += 1

    def _start_cell(self) -> None:
        self._cell = 0
        if self._rows == 1 and not self.builder.line_is_empty:
            self.builder.add(" | ")

    def _end_row(self) -> None:
        self._rows -= 1
        if not self._rows:
            self.builder.end_line()

    def _end_table(self) -> None:
        if not self._rows:
            self.builder.end_paragraph()

    def _add(self, text: str) -> None:
        self._cell += len(text)
        self.builder.add(text)


class _Word(_Paragraphs):
    _HIDDEN = frozenset({"Fallback", "del", "moveFrom", "rPr", "sectPr", "tblPr"})

    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__()
        self.breaks = 0
        """Ends of pages, as the program that wrote the file saw them last."""
        self._levels = levels
        self._in_text = False
        self.builder.new_page()

    def _open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self._in_text = True
        elif name in ("tab", "ptab"):
            self._add(" ")
        elif name in ("br", "cr"):
            self._add("\n")
        elif name == "noBreakHyphen":
            self._add("-")
        elif name == "lastRenderedPageBreak":
            self.breaks += 1
            self._add("\f")
        elif name == "pStyle" and attributes.get("val") in self._levels:
            self._mark = "#" * min(6, self._levels[attributes["val"]]) + " "
        elif name == "numPr" and not self._mark:
            self._mark = "- "
        elif name == "tr":
            self._start_row()
        elif name == "tc":
            self._start_cell()

    def _close_element(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "p":
            self._end_paragraph()
        elif name == "tr":
            self._end_row()
        elif name == "tbl":
            self._end_table()

    def _take_text(self, text: str) -> None:
        if self._in_text:
            self._add(text)


# PowerPoint


def _read_slides(archive: Archive, main: str) -> Extracted:
    order = [element.attributes.get("r:id", "") for element in archive.elements(main) if element.name == "sldId"]
    relations = archive.relations(main)
    builder = TextBuilder()
    for key in order:
        kind, slide = relations.get(key, ("", ""))
        builder.new_page()
        if kind != "slide" or slide not in archive:
            continue
        more = sorted(archive.relations(slide).values())
        asides = [part for kind, part in more if kind in ("diagramData", "chart", "notesSlide", "comments")]
        for part in (slide, *asides):
            if part in archive:
                text = _Slide()
                with nullcontext() if part == slide else suppress(Unreadable):
                    archive.parse(part, text)
                builder.add(text.builder.extracted().text)
                builder.end_paragraph(verbatim=True)
    return builder.extracted()


class _Slide(_Paragraphs):
    """A slide, its notes, or the texts of a chart or diagram on it."""

    def __init__(self) -> None:
        super().__init__()
        self._text: str = ""
        """The element whose text is read now."""
        self._number = False

    def _open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "fld":
            self._number = attributes.get("type") == "slidenum"
        elif name in ("t", "v") and not self._number:
            self._text = name
        elif name == "br":
            self._add("\n")
        elif name == "tr":
            self._start_row()
        elif name == "tc":
            self._start_cell()

    def _close_element(self, name: str) -> None:
        if name == self._text:
            self._text = ""
        if name == "fld":
            self._number = False
        elif name in ("p", "v", "text"):
            self._end_paragraph()
        elif name == "tr":
            self._end_row()
        elif name == "tbl":
            self._end_table()

    def _take_text(self, text: str) -> None:
        if self._text:
            self._add(text)


# OpenDocument


def _read_open_document(archive: Archive, data: bytes, kind: str) -> Extracted:
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.part("META-INF/manifest.xml"):
        raise Unreadable("encrypted: needs a password")
    if kind.endswith((".spreadsheet", ".spreadsheet-template")):
        return read_spreadsheet(data)
    text = _OpenText()
    archive.parse("content.xml", text)
    if not text.breaks:
        text.builder.forget_pages()
    return text.builder.extracted()


class _OpenText(_Paragraphs):
    _HIDDEN = frozenset({"tracked-changes", "note-citation", "forms", "annotation-end", "creator", "date"})

    def __init__(self) -> None:
        super().__init__()
        self.breaks = 0
        self._open = 0
        """Paragraphs that are open; those in notes and boxes are within others."""
        self._inline = 0
        """Notes that are open: they stay in the paragraph that they belong to."""
        self.builder.new_page()

    def _open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("p", "h"):
            if self._open and not self._inline:
                self._end_paragraph()
            self._open += 1
            if name == "h":
                self._mark = "#" * min(6, int(attributes.get("outline-level", "1"))) + " "
        elif name in ("note", "annotation"):
            self._inline += 1
            self._add(" (")
        elif name in ("s", "tab"):
            self._add(" ")
        elif name == "line-break":
            self._add("\n")
        elif name == "list-item":
            self._mark = "- "
        elif name == "soft-page-break":
            self.breaks += 1
            self._add("\f")
        elif name == "page":
            self.builder.end_paragraph()
            if self.breaks:
                self.builder.new_page()
            self.breaks += 1
        elif name == "table-row":
            self._start_row()
        elif name in ("table-cell", "covered-table-cell"):
            self._start_cell()

    def _close_element(self, name: str) -> None:
        if name in ("p", "h"):
            self._open -= 1
            if self._inline:
                self._add(" ")
            else:
                self._end_paragraph()
        elif name in ("note", "annotation"):
            self._inline -= 1
            self._add(") ")
        elif name == "table-row":
            self._end_row()
        elif name == "table":
            self._end_table()

    def _take_text(self, text: str) -> None:
        if self._open:
            self._add(re.sub(r"\s+", " ", text))  # line ends in the XML mean nothing


# EPUB


def _read_epub(archive: Archive) -> Extracted:
    roots = [e.attributes.get("full-path", "") for e in archive.elements("META-INF/container.xml")]
    root = next(filter(None, roots), "")
    package, folder = archive.elements(root), posixpath.dirname(root)
    parts = {e.attributes.get("id"): e.attributes.get("href", "") for e in package if e.name == "item"}
    order = [joined(folder, parts.get(e.attributes.get("idref"), "")) for e in package if e.name == "itemref"]
    closed = archive.part("META-INF/encryption.xml") if "META-INF/encryption.xml" in archive else b""
    if any(part.encode() in closed for part in order):  # fonts may be, for their own reasons
        raise Unreadable("encrypted: protected against copying")
    builder = TextBuilder()
    for line in [e.text for e in package if e.name in ("title", "creator")]:
        builder.add(line)
        builder.end_paragraph("# ")
    for part in order:
        if part in archive:
            builder.add(html_text(decode_html(archive.part(part)), title=False).text)
            builder.end_paragraph(verbatim=True)
    return builder.extracted()
