"""The article of a page, told from the menus, teasers, comments and footers around it.

As in what browsers' reading views do (Arc90's Readability, 2009), paragraphs give points to the elements that they are
in, the longer the more. The article is the innermost element with nearly all points: rather too much than too little.
In it, what is named after what stands around articles and holds links is none of it, nor are lists of links that stand
apart from its paragraphs.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from .outline import Line, Outline

_AROUND = re.compile(
    r"\b(?:ads?|banners?|breadcrumbs?|community|cookies?|disqus|extra|gdpr|hidden|legends|masthead|menus?|meta"
    r"|nav|navigation|outbrain|pagers?|pagination|popups?|remark|repl(?:y|ies)|rss|scroll|sharing|shoutbox|skyscraper"
    r"|subscribe|supplemental|taboola|tags?|teasers?|tools?|toolbar|widgets?)\b"
    r"|comment|footer|navbar|newsletter|promo|recommend|related|share|sidebar|social|sponsor"
)
_MAIN = re.compile("article|blog|body|column|content|entry|main|page|post|story|text")
_NEVER_INSIDE = re.compile("comment|disqus|footer|sidebar")
_CONTENTS = "toc"
"""Tables of contents are lists of links, and an article's."""
_AROUND_TAGS = ("aside", "footer", "form", "nav")
_LISTS = ("div", "dl", "ol", "section", "table", "ul")
_LEAST_LETTERS = 25
"""Of a paragraph; for those beyond it gives points."""
_LONG_LETTERS = 140
_LEAST_LENGTH = 20.0
"""Sum of the roots of letters beyond ``_LONG_LETTERS`` from which on a page has an article."""
_SHARE = 0.96
"""Of the points, those that the article has at least."""
_LINKED, _MOSTLY_LINKED = 0.3, 0.7
_LIST_LETTERS = 60
_SHORT_ASIDE = 1000


def article_lines(outline: Outline) -> list[bool] | None:
    """Which lines of a page belong to its article; ``None``: it has none."""
    page = _Page(outline)
    page.give_points()
    if not page.has_article():
        return None
    article = page.article()
    return [page.is_in_article(line, article) for line in outline.lines]


class _Page:
    """The elements of a page with what is in them; lists are by the numbers of elements."""

    def __init__(self, outline: Outline) -> None:
        self._elements, self._lines = outline.elements, outline.lines
        count = len(self._elements)
        self._letters, self._linked = [0] * count, [0] * count
        self._points = [0] * count
        self._paragraphs = [0] * count
        """How many paragraphs that give points stand in it, and in nothing between."""
        for line in self._lines:
            for number in self._path(line.element):
                self._letters[number] += line.letters
                self._linked[number] += line.linked
        self._is_aside = [self._stands_around(number) for number in range(count)]
        self._is_around = [False] * count
        """Whether it, or an element that it is in, is such a one."""
        for number, element in enumerate(self._elements):
            is_hidden = element.is_hidden and self._letters[number] * 2 < self._letters[0]
            self._is_around[number] = self._is_aside[number] or is_hidden or self._is_around[element.parent]

    def give_points(self) -> None:
        """Let each paragraph that may be an article's give points to all elements that it is in."""
        for line in self._lines:
            if line.letters <= _LEAST_LETTERS or line.linked * 2 > line.letters or self._is_around[line.element]:
                continue
            for number in self._path(line.element):
                self._points[number] += line.letters - _LEAST_LETTERS
            self._paragraphs[line.element] += 1
            self._paragraphs[self._elements[line.element].parent] += 1

    def has_article(self) -> bool:
        """Whether there is enough long text; or an element that is said to be the article, with most of the text."""
        if not self._points[0]:
            return False
        letters = (line.letters - line.linked for line in self._lines if not self._is_around[line.element])
        if sum(math.sqrt(count - _LONG_LETTERS) for count in letters if count > _LONG_LETTERS) >= _LEAST_LENGTH:
            return True
        return any(
            element.tag in ("article", "main") and self._paragraphs[number] > 1 and points * 2 > self._points[0]
            for number, (element, points) in enumerate(zip(self._elements, self._points, strict=True))
        )

    def article(self) -> int:
        """The innermost element with nearly all points."""
        inner = 0
        for number, element in enumerate(self._elements):  # those inside come behind those that they are in
            if element.parent == inner and self._points[number] >= _SHARE * self._points[0]:
                inner = number
        return inner

    def is_in_article(self, line: Line, article: int) -> bool:
        """Whether a line belongs to it. Titles do, wherever they stand."""
        if self._elements[line.element].tag in ("title", "h1"):
            return True
        list_of_links = None
        for number in self._path(line.element):
            if number == article:
                return list_of_links is None or self._paragraphs[self._elements[list_of_links].parent] > 1
            element = self._elements[number]
            if _CONTENTS in element.hints:
                list_of_links = None
            elif number:
                linked, letters = self._linked[number], self._letters[number]
                is_short = element.tag in ("aside", "footer") and letters < _SHORT_ASIDE
                is_never = _NEVER_INSIDE.search(element.hints) is not None
                if self._is_aside[number] and (linked > _LINKED * letters or is_short or is_never):
                    return False
                if element.tag in _LISTS and letters > _LIST_LETTERS and linked > _MOSTLY_LINKED * letters:
                    list_of_links = number
        return False

    def _stands_around(self, number: int) -> bool:
        """Whether an element is, or is named after, what stands around articles, and has less than half of the page."""
        element = self._elements[number]
        if self._letters[number] * 2 > self._letters[0]:
            return False
        return element.tag in _AROUND_TAGS or (element.tag != "article" and _is_named_around(element.hints))

    def _path(self, number: int) -> list[int]:
        """An element and all that it is in, the root last."""
        path = [number]
        while number:
            number = self._elements[number].parent
            path.append(number)
        return path


@lru_cache(maxsize=4096)
def _is_named_around(hints: str) -> bool:
    return _AROUND.search(hints) is not None and _MAIN.search(hints) is None
