"""Office Open XML: Word and PowerPoint; and which document a zip archive is.

The XML is read as it is, without the libraries that offer it as objects: those leave out what stands in text boxes,
content controls, footnotes or grouped shapes, and need a tree of the whole document in memory.

The format is ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from .archive import Archive, Element
from .epub import read_epub
from .extracted import Extracted, TextBuilder, Unreadable
from .open_document import read_open_document
from .paragraphs import Paragraphs
from .tables import read_spreadsheet

_AN_ARCHIVE = "not text: an archive (archives are not opened)"


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


class _Word(Paragraphs):
    HIDDEN = frozenset({"Fallback", "del", "moveFrom", "rPr", "sectPr", "tblPr"})

    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__()
        self.breaks = 0
        """Ends of pages, as the program that wrote the file saw them last."""
        self._levels = levels
        self._in_text = False
        self.builder.new_page()

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Runs of text, breaks, and what makes a paragraph a heading or an item of a list."""
        if name == "t":
            self._in_text = True
        elif name in ("tab", "ptab"):
            self.add(" ")
        elif name in ("br", "cr"):
            self.add("\n")
        elif name == "noBreakHyphen":
            self.add("-")
        elif name == "lastRenderedPageBreak":
            self.breaks += 1
            self.add("\f")
        elif name == "pStyle" and attributes.get("val") in self._levels:
            self.mark = "#" * min(6, self._levels[attributes["val"]]) + " "
        elif name == "numPr" and not self.mark:
            self.mark = "- "

    def close_element(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "p":
            self.end_paragraph()

    def take_text(self, text: str) -> None:
        if self._in_text:
            self.add(text)


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


class _Slide(Paragraphs):
    """A slide, its notes, or the texts of a chart or diagram on it."""

    def __init__(self) -> None:
        super().__init__()
        self._text: str = ""
        """The element whose text is read now."""
        self._number = False

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "fld":
            self._number = attributes.get("type") == "slidenum"
        elif name in ("t", "v") and not self._number:
            self._text = name
        elif name == "br":
            self.add("\n")

    def close_element(self, name: str) -> None:
        if name == self._text:
            self._text = ""
        if name == "fld":
            self._number = False
        elif name in ("p", "v", "text"):
            self.end_paragraph()

    def take_text(self, text: str) -> None:
        if self._text:
            self.add(text)
