"""Excel workbooks of Office Open XML (ECMA-376): what the fast reader of spreadsheets leaves out, or cannot bear.

``python_calamine`` reads a sheet as a rectangle, up to the last cell that is used: one stray cell far away costs all
memory. It also reads the error in a cell (``#N/A``) as nothing, and no comments. So a sheet with stray cells or errors
is read here, cell by cell, and so is a workbook that it cannot open; the others, nearly all, are left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ...budget import allow_more
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..data.rows import one_line
from ..data.spreadsheet import MOST_CELLS, Rows, add_sheet, open_spreadsheet, sheet_rows
from ..text_builder import TextBuilder
from ..zip_archive import Archive
from .binary_sheets import read_binary_workbook
from .cells import CellReader, Styles, column_of, read_shared_strings, read_styles
from .drawings import add_drawings

_REFERENCE = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_HAS_ERROR = re.compile(rb'<(?:\w+:)?c\s[^>]*?\bt="e"')
_MOST_WITH_ERRORS = 200_000
"""Cells of a sheet with errors that is read for these; in larger ones they are left out, for the sake of time."""
_SECONDS_PER_CELL = 5e-5
"""Some four times what it takes."""
_LEGACY = "[Threaded comment]"
"""What the older form of a comment begins with that has a newer form beside it."""


@dataclass
class _Workbook:
    archive: Archive
    main: str
    strings: list[str] | None = None
    styles: Styles = field(default_factory=Styles)
    damage: Unreadable | None = None
    """Of a sheet, whose rows before it are read."""

    def rows(self, part: str, columns: Mapping[int, int] | None) -> Rows:
        """The rows of a sheet, read cell by cell; of one that is damaged those before the damage."""
        if self.strings is None:
            related = dict(self.archive.relations(self.main).values())
            strings, styles = related.get("sharedStrings", ""), related.get("styles", "")
            self.strings = read_shared_strings(self.archive, strings) if strings in self.archive else []
            with suppress(Unreadable):  # damage beside the cells costs dates, not the cells
                self.styles = read_styles(self.archive, styles) if styles in self.archive else self.styles
        reader = CellReader(self.strings, self.styles, columns)
        try:
            self.archive.parse(part, reader)
        except Unreadable as error:
            self.damage = error
        return reader.rows


def read_workbook(archive: Archive, data: bytes, main: str) -> ExtractedText:
    """The rows of each sheet under its name, with errors and comments, then what stands in its drawings.

    Args:
        archive: the document.
        data: the same, not opened.
        main: the part that names the sheets.

    Raises:
        Unreadable: it needs a password, or is damaged.
    """
    if main.lower().endswith(".bin"):  # XLSB, whose parts are no XML
        return read_binary_workbook(archive, data, main)
    relations = archive.relations(main)
    named = [
        (element.attributes.get("name", ""), relations.get(element.attributes.get("r:id", ""), ("", ""))[1])
        for element in archive.elements(main)
        if element.name == "sheet"
    ]
    sheets = [(name, part) for name, part in named if part in archive]
    workbook = _Workbook(archive, main)
    scans = {part: _scan(archive, part) for _, part in sheets}
    try:
        book = None if all(scan.is_slow for scan in scans.values()) else open_spreadsheet(data)
    except Unreadable as error:
        if not error.reason.startswith("damaged"):
            raise
        if not any(scan.is_cells for scan in scans.values()):
            raise
        book = None
    builder = TextBuilder()
    for name, part in sheets:
        rows = None if book is None or scans[part].is_slow else sheet_rows(book, name)
        if rows is None and scans[part].is_cells:
            rows = workbook.rows(part, scans[part].columns)
        comments = _comments(archive, part)
        add_sheet(builder, name, rows or [], comments)
        add_drawings(builder, archive, part, values=False)
    extracted = builder.extracted()
    if workbook.damage is not None and not extracted.text.strip():
        raise workbook.damage
    return extracted


@dataclass(frozen=True)
class _Scan:
    """What a look at the bytes of a sheet tells."""

    is_cells: bool
    """Whether there are any: a chart, too, may be a sheet."""
    is_slow: bool
    """Whether it is to be read cell by cell."""
    columns: Mapping[int, int] | None
    """Places of the columns that are used, by their numbers from 0 on: without the empty ones before them, and, where
    there are stray cells, without those between; empty: cells do not say where they are; ``None``: too many are used,
    each in few rows."""


def _scan(archive: Archive, part: str) -> _Scan:
    try:
        data = archive.part(part)
    except Unreadable:
        return _Scan(False, False, {})
    letters, last, cells = set[bytes](), 0, 0
    for match in _REFERENCE.finditer(data):
        letters.add(match[1])
        last = max(last, int(match[2]))
        cells += 1
    used = sorted(column_of(name.decode()) for name in letters)
    is_stray = bool(used) and (used[-1] + 1) * last > MOST_CELLS
    places = {column: place if is_stray else column - used[0] for place, column in enumerate(used)}
    columns = None if is_stray and len(used) * min(last, cells) > MOST_CELLS else places
    is_slow = is_stray or (cells <= _MOST_WITH_ERRORS and _HAS_ERROR.search(data) is not None)
    if is_slow:
        allow_more(cells * _SECONDS_PER_CELL)
    return _Scan(b"sheetData" in data, is_slow, columns)


def _comments(archive: Archive, part: str) -> list[tuple[str, str]]:
    """Comments on cells: the name of the cell, such as ``B7``, and the text; newer ones are threads of several."""
    found = list[tuple[str, str]]()
    related = [(kind, name) for kind, name in archive.relations(part).values() if name in archive]
    for wanted in ("threadedComment", "comments"):
        for name in sorted(name for kind, name in related if kind == wanted):
            with suppress(Unreadable):  # damage beside the cells costs comments, not the cells
                found += _texts_by_cell(archive, name)
    has_threads = any(kind == "threadedComment" for kind, _ in related)
    return [(cell, text) for cell, text in found if text and not (has_threads and text.startswith(_LEGACY))]


def _texts_by_cell(archive: Archive, part: str) -> Iterable[tuple[str, str]]:
    cell, texts = "", list[tuple[str, str]]()
    for element in archive.elements(part):
        if element.name in ("comment", "threadedComment"):
            cell = element.attributes.get("ref", "")
            texts.append((cell, ""))
        elif element.name in ("t", "text") and texts:
            texts[-1] = (cell, texts[-1][1] + element.text)
    return [(cell, one_line(text)) for cell, text in texts]
