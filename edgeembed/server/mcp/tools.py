"""What agents may do: search, fetch, similar and status, all read-only, in folders that are fixed at start.

What they get is shorter than what ``/api`` gives: it is read by a model, which pays for each word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..json_schema import Schema, check
from ..question import FILTERS, SEARCH, SIMILAR, Filters, Question

if TYPE_CHECKING:
    from ...document import StoredDocument
    from ..library import Answer, Library

_PASSAGES = 3
_MAX_CHARACTERS = 20_000
"""Of one answer of `fetch`, unless more is asked for."""
_MOST_CHARACTERS = 400_000
_LINE = {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31}
_FETCH: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["document"],
    "properties": {
        "document": SIMILAR["properties"]["document"],
        "first_line": {**_LINE, "description": "From this line on, counted from 1."},
        "last_line": {**_LINE, "description": "To this line, itself included."},
        "page": {**_LINE, "description": "Only this page, of a document with pages."},
        "start": {"type": "integer", "minimum": 0, "description": "From this character on.", "default": 0},
        "max_characters": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST_CHARACTERS,
            "default": _MAX_CHARACTERS,
            "description": "Longer texts are cut; `next_start` says where to go on.",
        },
    },
}
_NOTHING: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
_OBJECT: Schema = {"type": "object"}
_HITS: Schema = {"type": "object", "required": ["hits"], "properties": {"hits": {"type": "array", "items": _OBJECT}}}


@dataclass(frozen=True)
class Tool:
    """A tool as it is listed."""

    name: str
    title: str
    description: str
    input: Schema
    output: Schema


TOOLS = (
    Tool(
        "search",
        "Search files",
        "Search the user's own files and photos by meaning and by words. Ask in words or a sentence; in the query "
        '"..." must occur and -word must not. Each hit has `document`, an id for `fetch` and `similar`, the path for '
        "people, and the passage that fits best with its lines or page.",
        SEARCH,
        _HITS,
    ),
    Tool(
        "fetch",
        "Read a file",
        "The text of a document that a hit named, by lines, by page or from a character on. Of a picture what it says "
        "about itself.",
        _FETCH,
        _OBJECT,
    ),
    Tool(
        "similar",
        "Find similar files",
        "Files and photos like a document that a hit named; copies have `same_content`.",
        SIMILAR,
        _HITS,
    ),
    Tool(
        "status",
        "Folders",
        "Which folders can be searched, what they hold, and whether indexing goes on.",
        _NOTHING,
        _OBJECT,
    ),
)


class Tools:
    """The tools over a library; what they return is JSON. May be used from several threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._functions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "search": self._search,
            "fetch": self._fetch,
            "similar": self._similar,
            "status": self._status,
        }

    def call(self, name: str, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
        """Use a tool.

        Raises:
            SchemaError: the arguments are not as its description says.
            UnknownDocumentError: of a document that was named.
            ValueError: there is no such tool; and as :class:`Library`.
        """
        tool = next((tool for tool in TOOLS if tool.name == name), None)
        if tool is None:
            raise ValueError(f"there is no tool {name!r:.80}; there are {', '.join(tool.name for tool in TOOLS)}")
        fields = dict(arguments or {})
        check(fields, tool.input)
        return self._functions[name](fields)

    def _search(self, fields: dict[str, Any]) -> dict[str, Any]:
        for folder in self._library.folders:
            folder.sync_soon()
        return self._hits(self._library.search(Question.of(fields)))

    def _similar(self, fields: dict[str, Any]) -> dict[str, Any]:
        filters = Filters.of({name: value for name, value in fields.items() if name in FILTERS})
        k, min_score = fields.get("k", 10), fields.get("min_score")
        return self._hits(self._library.similar(fields["document"], filters, k=k, min_score=min_score))

    def _fetch(self, fields: dict[str, Any]) -> dict[str, Any]:
        found = self._library.find(fields["document"])
        stored = self._library.stored(found)
        said = {"document": fields["document"], "folder": found.folder.name, "path": found.folder.shown(found.file)}
        return {**said, "kind": stored.kind, "metadata": stored.metadata, **_piece(stored, fields)}

    def _status(self, fields: dict[str, Any]) -> dict[str, Any]:
        keys = ("folder", "path", "documents", "passages", "indexing", "progress", "error")
        folders = [folder.status() for folder in self._library.folders]
        return {"folders": [{key: status[key] for key in keys} for status in folders]}

    def _hits(self, answers: list[Answer]) -> dict[str, Any]:
        is_indexing = any(folder.sync_state.running for folder in self._library.folders)
        return {"hits": [_short(answer) for answer in answers], "indexing": is_indexing}


def _short(answer: Answer) -> dict[str, Any]:
    """A hit with what an agent needs of it."""
    fields = answer.fields()
    place = ("start_line", "end_line", "page", "snippet")
    kept = ("document", "folder", "path", "kind", "score", "similarity", *place, "metadata", "same_content", "copies")
    more = [{name: passage[name] for name in place} for passage in fields["passages"][1:_PASSAGES]]
    return {
        **{name: fields[name] for name in kept if fields.get(name) not in (None, {})},
        **({"more": more} if more else {}),
    }


def _piece(stored: StoredDocument, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a text that is wanted.

    Raises:
        ValueError: there is no such page, or no lines.
    """
    text = stored.text
    if text is None:
        return {"text": None}
    begin, end = 0, len(text)
    page, first, last = fields.get("page"), fields.get("first_line"), fields.get("last_line")
    if page is not None:
        begin, end = _page_span(stored, page)
    if first is not None or last is not None:
        if not stored.lines:
            raise ValueError("this text has no lines that could be counted; ask for a page, or from a character on")
        lines = text.splitlines(keepends=True) if "\n" in text else [text]
        begin, end = len("".join(lines[: (first or 1) - 1])), len("".join(lines[: last or len(lines)]))
    begin = min(begin + fields.get("start", 0), end)
    cut = min(end, begin + fields.get("max_characters", _MAX_CHARACTERS))
    piece: dict[str, Any] = {"text": text[begin:cut], "characters": len(text)}
    if stored.lines:
        piece["first_line"] = text.count("\n", 0, begin) + 1
    if stored.pages:
        piece["pages"] = [number for number, _ in stored.pages]
    return {**piece, "next_start": fields.get("start", 0) + cut - begin} if cut < end else piece


def _page_span(stored: StoredDocument, page: int) -> tuple[int, int]:
    """Where a page begins and ends.

    Raises:
        ValueError: there is no such page.
    """
    starts = [*stored.pages, (0, len(stored.text or ""))]
    for (number, begin), (_, end) in pairwise(starts):
        if number == page:
            return begin, end
    known = ", ".join(str(number) for number, _ in stored.pages) or "none"
    raise ValueError(f"page {page}: nothing is indexed there; pages with text: {known:.200}")
