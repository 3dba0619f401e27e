"""Web pages and the chapters of e-books: what a reader sees, not the markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ...decode import decode
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder
from .article import article_lines
from .outline import Outline

_UNSEEN = frozenset(
    {"script", "style", "template", "noscript", "canvas", "iframe", "object", "select", "datalist"}
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
_CAPTIONS = ("text", "foreignobject")
"""Elements of drawings (SVG) that hold words."""
_RUBY = ("rb", "rp", "rt", "rtc")
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_ADDRESS = re.compile(r"<(?:link|meta)\s[^>]*(?:\brel=[\"']?canonical|\bproperty=[\"']?og:url)\b", re.IGNORECASE)
_MOST_HEAD = 1 << 16
_PIECE = 1 << 20
_MOST_OUTLINED = 2 << 20
"""Characters of a page up to which its article is looked for, which takes half as long again as reading it."""
# html.parser raises AssertionError at marked sections that it does not know.
_ODD_SECTION = re.compile(r"<!\[(?!CDATA\[|(?:if|else|endif)\b)")


def read_html(data: bytes) -> ExtractedText:
    """A web page: its title, headings, paragraphs, lists, and the rows of its tables.

    Of a page with an article, what stands around that (menus, teasers, comments, footers) comes last, as an aside; so
    does how words are read.
    """
    return page_text(decode_html(data))


def is_page(markup: str) -> bool:
    """Whether a part of a book or a mail is a page of the web: those tell of themselves where they are found."""
    return _ADDRESS.search(markup, 0, _MOST_HEAD) is not None


def page_text(markup: str) -> ExtractedText:
    """As :func:`read_html`, of a page that is decoded."""
    page = _parsed(markup, title=True, outline=Outline() if len(markup) <= _MOST_OUTLINED else None)
    extracted = page.builder.extracted()
    keep = None if page.outline is None or extracted.pages else article_lines(page.outline)
    text, aside = extracted.text, ""
    if page.outline is not None and keep is not None:
        text = _of_lines(extracted.text, page.outline, keep)
        menus = page.menus.extracted().text
        aside = _of_lines(extracted.text, page.outline, [not is_kept for is_kept in keep]) + menus
    if page.readings:
        aside += " ".join(page.readings) + "\n"
    if not aside:
        return extracted
    text = text.rstrip("\n") + "\n\n"
    return ExtractedText(text + aside, extracted.pages, aside=len(text))


def html_text(markup: str, *, title: bool = True) -> ExtractedText:
    """The readable text of HTML, or of a part of it.

    What only leads elsewhere (``nav``) is left out, unless nothing else is there.

    Args:
        title: ``False`` leaves the title out, which chapters have twice.
    """
    return _parsed(markup, title=title, outline=None).builder.extracted()


def _parsed(markup: str, *, title: bool, outline: Outline | None) -> _Page:
    seen = _ODD_SECTION.sub("&lt;![", markup)
    unseen = _UNSEEN if title else _UNSEEN | {"title"}
    for page in (_Page(unseen, outline), _Page(unseen, None, has_menus=False)):
        for at in range(0, len(seen), _PIECE):  # it copies what it is fed
            page.feed(seen[at : at + _PIECE])
        page.close()
        if not page.builder.is_empty:
            break
    return page


def _of_lines(text: str, outline: Outline, keep: list[bool]) -> str:
    """Those lines of a page that are to be kept, with the blank lines behind them."""
    starts = [line.start for line in outline.lines[1:]] + [len(text)]
    parts = zip(outline.lines, starts, keep, strict=True)
    return "".join(text[line.start : end] for line, end, is_kept in parts if is_kept)


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
    def __init__(self, unseen: frozenset[str], outline: Outline | None, *, has_menus: bool = True) -> None:
        """
        Args:
            outline: takes notes of elements and lines; ``None``: none are needed.
            has_menus: ``False`` lets what is in ``nav`` be text as any other.
        """
        super().__init__(convert_charrefs=True)
        self.builder = TextBuilder()
        self.menus = TextBuilder()
        """Takes what is in ``nav``."""
        self.outline = outline
        self.readings: list[str] = []
        """How words are read, as Japanese pages write it in small letters above them."""
        self._unseen = unseen
        self._hidden_by = ""
        """The element that hides what is read now; within it, ``_depth`` of the same name are open."""
        self._depth = 0
        self._drawing = 0
        """How many ``svg`` are open, in which only ``_caption`` elements hold text."""
        self._caption = 0
        self._ruby = ""
        """``rt`` or ``rp`` that is open."""
        self._has_menus = has_menus
        self._menu_depth = 0
        self._out = self.builder
        """What takes the text at hand."""
        self._mark = ""
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by ``HTMLParser``: what hides, cells, images' texts, borders of paragraphs and what marks them."""
        if self._hidden_by:
            self._depth += tag == self._hidden_by
            return
        if tag in self._unseen:
            self._hidden_by, self._depth = tag, 1
        elif tag == "svg" or self._drawing:
            self._start_in_drawing(tag)
        elif tag in _RUBY:
            self._ruby = tag if tag != "rb" else ""
        elif tag == "nav" and self._has_menus:
            self._menu_depth += 1
            self._out, self._ruby = self.menus, ""
        else:
            if self.outline is not None and self._out is self.builder:
                self.outline.start(tag, attrs)
            self._start_seen(tag, attrs)

    def _start_seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            if not self._out.line_is_empty:
                self._out.add(" | ")
        elif tag == "img":
            self._out.add(f" {dict(attrs).get('alt') or ''} ")
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

    def _start_in_drawing(self, tag: str) -> None:
        self._drawing += tag == "svg"
        if tag in _CAPTIONS:
            self._caption += 1
            self._out.add(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in self._unseen or tag == "svg" or self._drawing:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Called by ``HTMLParser``: the end of what hides, and borders of paragraphs."""
        if self._hidden_by:
            self._depth -= tag == self._hidden_by
            if not self._depth:
                self._hidden_by = ""
            return
        if self._drawing:
            self._end_in_drawing(tag)
            return
        if tag in _RUBY or tag == "ruby":
            self._ruby = ""
            return
        if tag == "nav" and self._menu_depth:
            self._end_line()
            self._menu_depth -= 1
            self._out = self.menus if self._menu_depth else self.builder
            return
        self._border(tag)
        if self.outline is not None and self._out is self.builder:
            self.outline.end(tag)
        if tag == "li" or tag == "title" or tag in _HEADINGS:
            self._mark = ""
        elif tag == "pre" and self._verbatim:
            self._verbatim -= 1

    def _end_in_drawing(self, tag: str) -> None:
        if tag in _CAPTIONS and self._caption:
            self._caption -= 1
            self._out.add(" ")
        self._drawing -= tag == "svg"
        if not self._drawing:
            self._caption = 0

    def handle_data(self, data: str) -> None:
        if self._hidden_by or (self._drawing and not self._caption):
            return
        if self._ruby:
            if self._ruby == "rt" and data.strip():
                self.readings.append(data.strip())
            return
        if self.outline is not None and self._out is self.builder:
            self.outline.add(len(data.strip()))
        self._out.add(data if self._verbatim else " ".join(re.split(r"[ \t\n\r\f]+", data)))

    def unknown_decl(self, data: str) -> None:
        if data.startswith("CDATA["):
            self.handle_data(data[6:])

    def _border(self, tag: str) -> None:
        """End the line, or the paragraph, where an element that is set apart begins or ends."""
        if tag in _PARAGRAPHS or tag in _HEADINGS:
            self._end_line()
            self._out.end_paragraph()
        elif tag in _LINES:
            self._end_line()
        else:
            return
        self._ruby = ""

    def _end_line(self) -> None:
        if not self._out.line_is_empty:
            start = self._out.length
            self._out.end_line(self._mark, verbatim=bool(self._verbatim))
            if self.outline is not None and self._out is self.builder:
                self.outline.end_line(start, self._out.length)
            self._mark = ""

    def close(self) -> None:
        super().close()
        self._end_line()
