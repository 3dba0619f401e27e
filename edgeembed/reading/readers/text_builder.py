"""What readers give back, and how they put it together. Knows no format."""

from __future__ import annotations

import re

from ..extracted import ExtractedText

# Nothing that is seen: control characters, soft hyphens, marks of width and direction, invisible operators of formulas.
_UNSEEN = (
    *range(9),
    0x0B,
    0x0C,
    *range(0x0E, 0x20),
    0x7F,
    0xAD,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2060, 0x2065),
    0xFEFF,
)
_PLAIN: dict[int, str | None] = {**dict.fromkeys(_UNSEEN), 0xA0: " "}
_BLANKS = re.compile(r"[ \t]+")


class TextBuilder:
    """Puts a text together from fragments, line by line, paragraph by paragraph, page by page."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._line: list[str] = []
        self._length = 0
        self._pages: list[int] = []
        self._gap = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing but blanks is written."""
        return not any(part.strip() for part in self._parts)

    @property
    def length(self) -> int:
        """How many characters are written; the line at hand is not."""
        return self._length

    @property
    def line_is_empty(self) -> bool:
        """Whether the line at hand has nothing in it but blanks."""
        return not any(fragment.strip() for fragment in self._line)

    def add(self, fragment: str) -> None:
        """Add to the line at hand; form feeds in it begin pages."""
        self._line.append(fragment)

    def end_line(self, mark: str = "", *, verbatim: bool = False) -> None:
        """End the line at hand; if there is anything in it, ``mark`` is put before it, and runs of blanks are one."""
        text = "".join(self._line).replace("\r\n", "\n").replace("\r", "\n")
        self._line.clear()
        for number, part in enumerate(text.split("\f")):
            if number:
                self.new_page()
            lines = part.translate(_PLAIN).split("\n")
            shown = lines if verbatim else [line for raw in lines if (line := _BLANKS.sub(" ", raw).strip())]
            content = "\n".join(shown).strip("\n")
            if content.strip():
                self._write(mark + content + "\n")
                self._gap = False
                mark = ""

    def end_paragraph(self, mark: str = "", *, verbatim: bool = False) -> None:
        """End the line at hand and leave a blank line behind it."""
        self.end_line(mark, verbatim=verbatim)
        if not self._gap:
            self._write("\n")
            self._gap = True

    def new_page(self) -> None:
        """What follows is on the next page."""
        self._pages.append(self._length)

    def forget_pages(self) -> None:
        """The text has no pages that are known."""
        self._pages.clear()

    def extracted(self) -> ExtractedText:
        """All that was added."""
        self.end_line()
        return ExtractedText("".join(self._parts), tuple(self._pages))

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
