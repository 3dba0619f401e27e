"""Web pages and the chapters of e-books: what a reader sees, not the markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ...decode import decode
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder

_UNSEEN = frozenset(
    {"script", "style", "template", "noscript", "svg", "canvas", "iframe", "object", "select", "datalist"}
    | {"audio", "video", "annotation", "annotation-xml"}
)
"""Elements whose content is not read; all of them must be closed."""
_PARAGRAPHS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "details", "dl", "fieldset", "figure", "footer", "form"}
    | {"header", "hr", "html", "main", "nav", "ol", "p", "pre", "section", "table", "title", "ul"}
)
_LINES = frozenset(
    {"br", "caption", "center", "dd", "div", "dt", "figcaption", "legend", "li", "optgroup", "option", "summary"}
    | {"tbody", "tfoot", "thead", "tr"}
)
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_PIECE = 1 << 20
# html.parser raises AssertionError at marked sections that it does not know.
_ODD_SECTION = re.compile(r"<!\[(?!CDATA\[|(?:if|else|endif)\b)")


def read_html(data: bytes) -> ExtractedText:
    """A web page: its title, headings, paragraphs, lists, and the rows of its tables."""
    return html_text(decode_html(data))


def html_text(markup: str, *, title: bool = True) -> ExtractedText:
    """The readable text of HTML, or of a part of it.

    What only leads elsewhere (``nav``) is left out, unless nothing else is there.

    Args:
        title: ``False`` leaves the title out, which chapters have twice.
    """
    always = _UNSEEN if title else _UNSEEN | {"title"}
    for unseen in (always | {"nav"}, always):
        parser = _Page(unseen)
        seen = _ODD_SECTION.sub("&lt;![", markup)
        for at in range(0, len(seen), _PIECE):  # it copies what it is fed
            parser.feed(seen[at : at + _PIECE])
        parser.close()
        extracted = parser.builder.extracted()
        if extracted.text.strip():
            break
    return extracted


def decode_html(data: bytes) -> str:
    """A page as text, by its mark, by what it says itself, else by its looks.

    Raises:
        Unreadable: it is no text.
    """
    text = decode(data)
    if text is None:
        raise Unreadable("not text")
    return text


class _Page(HTMLParser):
    def __init__(self, unseen: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = TextBuilder()
        self._unseen = unseen
        self._hidden_by = ""
        """The element that hides what is read now; within it, ``_depth`` of the same name are open."""
        self._depth = 0
        self._mark = ""
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by ``HTMLParser``: what hides, cells, pictures' texts, borders of paragraphs and what marks them."""
        if self._hidden_by:
            self._depth += tag == self._hidden_by
            return
        if tag in self._unseen:
            self._hidden_by, self._depth = tag, 1
        elif tag in ("td", "th"):
            if not self.builder.line_is_empty:
                self.builder.add(" | ")
        elif tag == "img":
            self.builder.add(f" {dict(attrs).get('alt') or ''} ")
        else:
            self._border(tag)
            if tag in _HEADINGS:
                self._mark = "#" * int(tag[1]) + " "
            elif tag == "title":
                self._mark = "# "
            elif tag == "li":
                self._mark = "- "
            elif tag == "pre":
                self._verbatim += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in self._unseen:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Called by ``HTMLParser``: the end of what hides, and borders of paragraphs."""
        if self._hidden_by:
            self._depth -= tag == self._hidden_by
            if not self._depth:
                self._hidden_by = ""
            return
        self._border(tag)
        if tag == "li" or tag == "title" or tag in _HEADINGS:
            self._mark = ""
        elif tag == "pre" and self._verbatim:
            self._verbatim -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden_by:
            self.builder.add(data if self._verbatim else " ".join(re.split(r"[ \t\n\r\f]+", data)))

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA["):
            self.handle_data(data[6:])

    def _border(self, tag: str) -> None:
        """End the line, or the paragraph, where an element that is set apart begins or ends."""
        if tag in _PARAGRAPHS or tag in _HEADINGS:
            self._end_line()
            self.builder.end_paragraph()
        elif tag in _LINES:
            self._end_line()

    def _end_line(self) -> None:
        if not self.builder.line_is_empty:
            self.builder.end_line(self._mark, verbatim=bool(self._verbatim))
            self._mark = ""

    def close(self) -> None:
        super().close()
        self._end_line()
