"""What the command line shows: hits, reports and progress, as text for people and as JSON for programs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from ..document import PART_NOUN, file_of
from ..output.hit_fields import hit_fields, without_part
from ..output.json_lines import path_facts
from .messages import echo_json, printable, printable_text

if TYPE_CHECKING:
    from ..search.explain import Explanation
    from ..search.hits import Hit
    from .place import Place

_WORDS_LISTED = 8
_COPIES_LISTED = 3
_SAID = ("taken", "place", "title", "caption", "people", "keywords", "camera")
"""Facts of a photo in the order in which they are shown."""
_MOST_SAID = 240
_STRENGTHS = (0.25, 0.6)
"""Shares of the strongest word's weight from which on a word is marked, and marked as strong."""
_LOOKS: tuple[dict[str, Any], ...] = ({}, {"fg": "yellow"}, {"fg": "red", "bold": True})
Lines = Callable[["Hit"], list[tuple[int | None, str]]]
"""Lines of a hit's document to show instead of its snippet, with their numbers where they have some."""


def editor_link(template: str, path: str, line: int) -> str:
    """The address that opens a file at a line in an editor.

    Args:
        template: holds ``{path}``, which begins with ``/``, and may hold ``{line}``; see docs/settings.md.
        path: of the file.
        line: counted from 1.
    """
    absolute = quote(os.fsencode(Path(path).absolute().as_posix()), safe="/:")
    return template.replace("{path}", f"/{absolute.lstrip('/')}").replace("{line}", str(line))


def show_hits(
    hits: Sequence[Hit],
    place: Place,
    *,
    color: str = "auto",
    lines: Lines | None = None,
    similarity: bool = False,
    editor: str | None = None,
) -> None:
    """A hit in two lines or more: score and place, then what it says there.

    Args:
        color: ``auto``, ``always`` or ``never``.
        lines: ``None``: a snippet is shown.
        similarity: whether that is shown, and what has the same content, instead of the score.
        editor: ``template`` of :func:`editor_link`, for links to texts that have lines; ``None``: links open files.
    """
    style = _Style(color)
    for hit in hits:
        path = place.shown(hit.file)
        judged = hit.similarity if hit.score is None else hit.score
        value = hit.similarity if similarity else judged
        has_editor = editor is not None and hit.start_line is not None
        target = editor_link(editor or "", path, hit.start_line or 1) if has_editor else _file_link(path)
        shown = "words" if value is None else f"{value:.5f}" if similarity else f"{value:.3f}"  # found by them alone
        same = "  same content" if similarity and hit.same_content else ""
        style.echo(f"{shown}  " + style.link(style.bold(printable(path) + _place_in(hit)), target) + same)
        if lines is not None and hit.snippet is not None:
            words = (
                {hit.passages[0].snippet[a:b] for a, b in hit.passages[0].marks} if hit.passages[0].snippet else set()
            )
            for number, line in lines(hit):
                style.echo(f"{number or '':6} {style.marked_words(printable_text(line.expandtabs(4)), words)}".rstrip())
        elif hit.snippet:
            style.echo("       " + style.marked(hit.snippet, hit.passages[0].marks))
        elif said := _said_of(hit):
            style.echo("       " + printable_text(said))
        if hit.copies:
            style.echo("       same content: " + printable(_copies(hit, place)))


def show_explanation(explanation: Explanation, place: Place, *, color: str = "auto") -> None:
    """Score and place, the passage with its strong words marked, then the strongest with their weights."""
    style = _Style(color)
    path = place.shown(explanation.file)
    score = explanation.similarity if explanation.score is None else explanation.score
    style.echo(f"{score:.3f}  " + style.link(style.bold(printable(path) + _place_in(explanation)), _file_link(path)))
    strongest = max((word.weight for word in explanation.words), default=0.0)
    out, at = "", 0
    for word in explanation.words:
        out += _printable_lines(explanation.text[at : word.start])
        strength = word.weight / strongest if strongest > 0 else 0.0
        out += style.strength(printable_text(explanation.text[word.start : word.end]), strength)
        at = word.end
    for line in (out + _printable_lines(explanation.text[at:])).splitlines():
        style.echo(f"       {line}".rstrip())
    best = sorted(explanation.words, key=lambda word: -word.weight)[:_WORDS_LISTED]
    for word in best:
        if word.weight > 0:
            style.echo(f"{word.weight:+.3f} {printable_text(explanation.text[word.start : word.end])}")


def show_explanation_json(explanation: Explanation, place: Place) -> None:
    """One JSON object: the fields of ``Explanation``, with the ``path`` of the file instead of ``id``."""
    record = asdict(explanation)
    del record["id"]
    echo_json({**path_facts(place.shown(explanation.file)), **without_part(record)})


def _printable_lines(text: str) -> str:
    """As :func:`printable_text`, but line breaks stay, and tabs become spaces."""
    return "\n".join(map(printable_text, text.expandtabs(4).split("\n")))


class _Style:
    """Colours, bold and links, where they are wanted."""

    def __init__(self, color: str) -> None:
        auto = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._on = color == "always" or (color == "auto" and auto)

    def echo(self, line: str) -> None:
        click.echo(line, color=self._on)

    def bold(self, text: str) -> str:
        return click.style(text, bold=True) if self._on else text

    def mark(self, text: str) -> str:
        text = printable_text(text)
        return click.style(text, fg="red", bold=True) if self._on else text

    def strength(self, word: str, share: float) -> str:
        """A word by its share of the strongest one's weight; without colours in one pair of brackets or in two."""
        level = sum(share >= least for least in _STRENGTHS)
        if level == 0 or self._on:
            return click.style(word, **_LOOKS[level]) if level else word
        return f"[{word}]" if level == 1 else f"[[{word}]]"

    def marked(self, text: str, marks: Sequence[tuple[int, int]]) -> str:
        """``text`` with control characters as escapes and its marks shown."""
        out, at = "", 0
        for begin, end in marks:
            out += printable_text(text[at:begin]) + self.mark(text[begin:end])
            at = end
        return out + printable_text(text[at:])

    def marked_words(self, line: str, words: Collection[str]) -> str:
        """``line`` with some words marked wherever they stand."""
        if not words or not self._on:
            return line
        pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda match: self.mark(match[0]), line)

    def link(self, text: str, target: str) -> str:
        """``text`` that opens an address when it is clicked (OSC 8)."""
        if not self._on:
            return text
        return f"\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\"


def _file_link(path: str) -> str:
    return "file://" + quote(os.fsencode(Path(path).absolute()))


def _said_of(hit: Hit) -> str:
    """What a photo says about itself, on one line; empty: nothing, or it is none."""
    parts = []
    for name in _SAID:
        value = hit.metadata.get(f"photo.{name}")
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(text, str) and text:
            parts.append(text[:16].replace("T", " ") if name == "taken" else " ".join(text.split()))
    line = " \N{MIDDLE DOT} ".join(dict.fromkeys(parts))
    return line if len(line) <= _MOST_SAID else line[: _MOST_SAID - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _copies(hit: Hit, place: Place) -> str:
    """The first of a hit's copies, and how many more there are."""
    some = islice(zip(hit.copies, hit.copy_parts, strict=True), _COPIES_LISTED)
    shown = ", ".join(place.shown(file_of(id, part)) + _in_brackets(part) for id, part in some)
    more = len(hit.copies) - _COPIES_LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _in_brackets(part: int | None, page: int | None = None) -> str:
    places = [f"{noun} {number}" for noun, number in ((PART_NOUN, part), ("page", page)) if number is not None]
    return f" ({', '.join(places)})" if places else ""


def _place_in(span: Hit | Explanation) -> str:
    if span.part is not None or span.page is not None:
        return _in_brackets(span.part, span.page)
    if span.start_line is None:
        return ""
    return f":{span.start_line}" + (f"-{span.end_line}" if span.end_line != span.start_line else "")


def show_hits_json(hits: Sequence[Hit], place: Place, *, lines: Lines | None = None) -> None:
    """One JSON object a line: the fields of ``Hit``, with the ``path`` of its file instead of ``id``; see
    docs/output.schema.json.

    Args:
        lines: what goes into ``text`` of the best passage; ``None``: no passage has a text.
    """
    for hit in hits:
        is_text = lines is not None and hit.snippet is not None
        text = "\n".join(line for _, line in lines(hit)) if lines is not None and is_text else None
        echo_json(hit_fields(hit, place.shown, text=text))
