"""DrawingML of Office Open XML (ECMA-376): what stands in text boxes, charts and diagrams, and on slides."""

from __future__ import annotations

from contextlib import suppress

from ...extras import Unreadable
from ..text_builder import TextBuilder
from ..zip_archive import Archive
from .paragraphs import Paragraphs

_DRAWN = ("chart", "diagramData")


class DrawingText(Paragraphs):
    """A slide, its notes, or the texts of a drawing, chart or diagram."""

    def __init__(self, *, values: bool = True) -> None:
        """``values``: whether the values that a chart shows are read, beside its titles."""
        super().__init__()
        self._texts = ("t", "v") if values else ("t",)
        self._text: str = ""
        """The element whose text is read now."""
        self._number = False

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "fld":
            self._number = attributes.get("type") == "slidenum"
        elif name in self._texts and not self._number:
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


def add_drawings(builder: TextBuilder, archive: Archive, part: str, *, values: bool = True) -> None:
    """Add the texts of the charts and diagrams that a part shows, and of its text boxes, if these are a part.

    Args:
        part: the name of a document, sheet or drawing. One that is damaged costs its own texts alone.
        values: as in :class:`DrawingText`.
    """
    for kind, drawn in sorted(archive.relations(part).values()):
        if (kind in _DRAWN or kind == "drawing") and drawn in archive:
            text = DrawingText(values=values)
            with suppress(Unreadable):
                archive.parse(drawn, text)
            builder.add(text.builder.extracted().text)
            builder.end_paragraph(verbatim=True)
            if kind == "drawing":
                with suppress(Unreadable):
                    add_drawings(builder, archive, drawn, values=values)
