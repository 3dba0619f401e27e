"""The elements of a page and the lines in them, noted while it is parsed: what tells an article from what is around."""

from __future__ import annotations

from dataclasses import dataclass, field

_NOTED = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "header", "li", "main", "nav", "ol", "p", "pre", "section", "span"}
    | {"table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_ENDED_BY = {
    "p": _NOTED - {"span"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "td": {"td", "th", "tr", "tbody"},
    "th": {"td", "th", "tr", "tbody"},
    "tr": {"tr", "tbody", "tfoot"},
}
"""Elements that need no end tag, and what begins instead of it."""
_FAR = 40
_DEEPEST = 200
"""Elements inside more others than this are not noted: what is in them counts as the outer one's."""


@dataclass(slots=True)
class Element:
    """An element of a page."""

    tag: str
    parent: int
    """Its number; the root, number 0, is its own."""
    hints: str
    """Its ``class``, ``id`` and ``role``, in small letters."""
    is_hidden: bool = False


@dataclass(slots=True)
class Line:
    """A line of the text that a page gives."""

    start: int
    end: int
    """Characters of the text, half open."""
    element: int
    """The number of the innermost element that it is in."""
    letters: int
    """Without blanks around."""
    linked: int
    """How many of them are links."""


@dataclass
class Outline:
    """Notes elements and lines in their order."""

    elements: list[Element] = field(default_factory=lambda: [Element("", 0, "")])
    lines: list[Line] = field(default_factory=list)
    _open: list[int] = field(default_factory=lambda: [0])
    _links: int = 0
    _letters: int = 0
    _linked: int = 0
    _line_element: int = 0

    def start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        if tag == "a":
            self._links = 1
        if tag not in _NOTED or len(self._open) > _DEEPEST:
            return
        while tag in _ENDED_BY.get(self.elements[self._open[-1]].tag, ()):
            self._open.pop()
        values = dict(attrs)
        hints = " ".join(filter(None, (values.get("class"), values.get("id"), values.get("role")))).lower()
        style = (values.get("style") or "").replace(" ", "").lower()
        hidden = "hidden" in values or "display:none" in style or "visibility:hidden" in style
        self._open.append(len(self.elements))
        self.elements.append(Element(tag, self._open[-2], hints, hidden))

    def end(self, tag: str) -> None:
        """An element ends, and what is open inside it."""
        if tag == "a":
            self._links = 0
        for depth in range(len(self._open) - 1, max(0, len(self._open) - _FAR), -1) if tag in _NOTED else ():
            if self.elements[self._open[depth]].tag == tag:
                del self._open[depth:]
                break

    def add(self, letters: int) -> None:
        """So many letters are shown."""
        if letters and not self._letters:
            self._line_element = self._open[-1]
        self._letters += letters
        self._linked += letters if self._links else 0

    def end_line(self, start: int, end: int) -> None:
        """What was shown is a line of the text, ``start`` to ``end``."""
        if end > start:
            self.lines.append(Line(start, end, self._line_element, self._letters, self._linked))
        self._letters = self._linked = 0
