"""What the command line shows: hits, reports and progress, as text for people and as JSON for programs."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from .readers.extracted import NEEDS
from .skipped import EMPTIED, is_left_out_picture

if TYPE_CHECKING:
    from .explain import Explanation
    from .ranking import Hit
    from .skipped import Skipped
    from .sync import SyncProgress, SyncReport


_WORDS_LISTED = 8
_STRENGTHS = (0.25, 0.6)
"""Shares of the strongest word's weight from which on a word is marked, and marked as strong."""
_LOOKS: tuple[dict[str, Any], ...] = ({}, {"fg": "yellow"}, {"fg": "red", "bold": True})
_MOST_SHOWN = 5
"""Skipped files that are listed for each reason."""


def prepare_streams() -> None:
    """Write UTF-8 whatever the locale says, and file names that are not Unicode as the bytes they are.

    A stream that is closed (``<&-``, ``>&-``) says nothing and takes everything, as ``/dev/null`` does. Its number is
    taken as well: the next file to be opened would get it, and be written to by all that writes to the stream.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 (for the whole process)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def note(message: str) -> None:
    """Say something to the person, on stderr."""
    click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """``text`` with control characters as escapes, so that a file name can neither break lines nor steer a terminal."""
    return "".join(c if c.isprintable() or 0xDC80 <= ord(c) <= 0xDCFF else ascii(c)[1:-1] for c in text)


Lines = Callable[["Hit"], list[tuple[int | None, str]]]
"""Lines of a hit's document to show instead of its snippet, with their numbers where they have some."""


def show_hits(hits: Sequence[Hit], folder: str, *, color: str = "auto", lines: Lines | None = None) -> None:
    """A hit in two lines or more: score and place, then what it says there.

    Args:
        color: ``auto``, ``always`` or ``never``.
        lines: ``None``: a snippet is shown.
    """
    style = _Style(color)
    for hit in hits:
        path = _opened_from_here(folder, hit.id)
        place = printable(path) + _place_in(hit)
        judged = hit.similarity if hit.score is None else hit.score
        style.echo(f"{judged:.3f}  " + style.link(style.bold(place), path))
        if lines is not None and hit.snippet is not None:
            words = (
                {hit.passages[0].snippet[a:b] for a, b in hit.passages[0].marks} if hit.passages[0].snippet else set()
            )
            for number, line in lines(hit):
                style.echo(f"{number or '':6} {style.marked_words(printable(line.expandtabs(4)), words)}".rstrip())
        elif hit.snippet:
            style.echo("       " + style.marked(hit.snippet, hit.passages[0].marks))


def show_explanation(found: Explanation, folder: str, *, color: str = "auto") -> None:
    """Score and place, the passage with its strong words marked, then the strongest with their weights."""
    style = _Style(color)
    path = _opened_from_here(folder, found.id)
    judged = found.similarity if found.score is None else found.score
    style.echo(f"{judged:.3f}  " + style.link(style.bold(printable(path) + _place_in(found)), path))
    strongest = max((word.weight for word in found.words), default=0.0)
    out, at = "", 0
    for word in found.words:
        out += _printable_lines(found.text[at : word.start])
        strength = word.weight / strongest if strongest > 0 else 0.0
        out += style.strength(printable(found.text[word.start : word.end]), strength)
        at = word.end
    for line in (out + _printable_lines(found.text[at:])).splitlines():
        style.echo(f"       {line}".rstrip())
    best = sorted(found.words, key=lambda word: -word.weight)[:_WORDS_LISTED]
    for word in best:
        if word.weight > 0:
            style.echo(f"{word.weight:+.3f} {printable(found.text[word.start : word.end])}")


def show_explanation_json(found: Explanation, folder: str) -> None:
    """One JSON object: the fields of ``Explanation``, with ``path`` instead of ``id``."""
    facts = asdict(found)
    echo_json({**path_facts(_opened_from_here(folder, facts.pop("id"))), **facts})


def _printable_lines(text: str) -> str:
    """As :func:`printable`, but line breaks stay, and tabs become spaces."""
    return "\n".join(map(printable, text.expandtabs(4).split("\n")))


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
        return click.style(printable(text), fg="red", bold=True) if self._on else printable(text)

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
            out += printable(text[at:begin]) + self.mark(text[begin:end])
            at = end
        return out + printable(text[at:])

    def marked_words(self, line: str, words: Collection[str]) -> str:
        """``line`` with some words marked wherever they stand."""
        if not words or not self._on:
            return line
        found = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{found})(?!\w)", lambda match: self.mark(match[0]), line)

    def link(self, text: str, path: str) -> str:
        """``text`` that opens a file when it is clicked (OSC 8)."""
        if not self._on:
            return text
        target = "file://" + quote(os.fsencode(Path(path).absolute()))
        return f"\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\"


def _place_in(hit: Hit | Explanation) -> str:
    if hit.page is not None:
        return f" (page {hit.page})"
    if hit.start_line is None:
        return ""
    return f":{hit.start_line}" + (f"-{hit.end_line}" if hit.end_line != hit.start_line else "")


def show_hits_json(hits: Sequence[Hit], folder: str, *, lines: Lines | None = None) -> None:
    """One JSON object a line: the fields of ``Hit``, with ``path`` instead of ``id``; see docs/output.schema.json.

    Args:
        lines: what goes into ``text`` of the best passage; ``None``: no passage has a text.
    """
    for hit in hits:
        facts = asdict(hit)
        for passage in facts["passages"]:
            passage["text"] = None
        if lines is not None and hit.snippet is not None:
            facts["passages"][0]["text"] = "\n".join(line for _, line in lines(hit))
        echo_json({**path_facts(_opened_from_here(folder, facts.pop("id"))), **facts})


def path_facts(path: str) -> dict[str, str | None]:
    """``path``, and ``path_bytes`` in base64 where the path is not Unicode (else null)."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        return {"path": raw.decode("utf-8", "replace"), "path_bytes": base64.b64encode(raw).decode()}
    return {"path": path, "path_bytes": None}


def echo_json(facts: dict[str, Any], *, err: bool = False) -> None:
    """One JSON object on one line."""
    click.echo(json.dumps(facts, ensure_ascii=False, default=_plain), err=err)


def report_sync(report: SyncReport, *, quiet_if_idle: bool) -> None:
    """What a sync did, in a line or two on stderr."""
    did = [(report.added, "new"), (report.updated, "changed"), (report.removed, "removed")]
    words = [f"{count:,} {what}" for count, what in did if count]
    name_emptied(report.skipped)
    if not words and quiet_if_idle and not report.cancelled:
        return
    total = report.added + report.updated + report.unchanged
    note(f"{', '.join(words) or 'nothing changed'}; {total:,} {'file' if total == 1 else 'files'} in the index")
    if report.skipped and not quiet_if_idle:
        note(f"{len(report.skipped):,} skipped: {_reasons(report.skipped)} (`edgeembed status` lists them)")
    _name_missing_packages(report.skipped)


def name_emptied(skipped: Sequence[Skipped]) -> None:
    """Say of a folder without files that its index still knows some, and what to type if they are gone."""
    if any(item.reason == EMPTIED for item in skipped):
        note(
            f"the folder {EMPTIED}, for it may be a drive that is not mounted; "
            "if the files are gone, `edgeembed index --rebuild` makes the index anew without them"
        )


def _name_missing_packages(skipped: Sequence[Skipped]) -> None:
    """What to type so that files are read that only want for a package."""
    needing = Counter(item.reason.removeprefix("needs ") for item in skipped if item.reason.startswith(NEEDS))
    for package in sorted({reason.partition(":")[0] for reason in needing}):
        counts = {reason: count for reason, count in sorted(needing.items()) if reason.startswith(package)}
        formats = " and ".join(f"{count:,} {reason.partition(': ')[2]}" for reason, count in counts.items())
        what = "file" if sum(counts.values()) == 1 else "files"
        note(f"to read {formats} {what} as well: pip install '{package}'")


def show_skipped(skipped: Sequence[Skipped], *, everything: bool) -> None:
    """Skipped files by reason, the commonest last, so that what is rare is seen; of many only the first ones."""
    groups: dict[str, list[str]] = {}
    for item in skipped:
        groups.setdefault(item.reason, []).append(item.path)
    for reason, paths in sorted(groups.items(), key=lambda group: (len(group[1]), group[0])):
        shown = paths if everything or len(paths) <= _MOST_SHOWN + 1 else paths[:_MOST_SHOWN]
        for path in shown:
            click.echo(f"  {printable(path)}: {reason}")
        if len(shown) < len(paths):
            click.echo(f"  … and {len(paths) - len(shown):,} more: {reason} (--all lists them)")


def pictures_left_out(skipped: Sequence[Skipped]) -> str:
    """How many pictures want for a model, and what to type; empty: none does."""
    count = sum(is_left_out_picture(item.reason) for item in skipped)
    what = "picture" if count == 1 else "pictures"
    return f"{count:,} {what} left out: no model for pictures (--image-model)" if count else ""


def _reasons(skipped: Sequence[Skipped]) -> str:
    counts = Counter(item.reason.partition(":")[0] for item in skipped if not is_left_out_picture(item.reason))
    reasons = [f"{count:,} {reason}" for reason, count in counts.most_common(4)]
    said = [pictures_left_out(skipped), *reasons, "…" if len(counts) > len(reasons) else ""]
    return ", ".join(filter(None, said))


@contextmanager
def progress_bar() -> Iterator[Callable[[SyncProgress], None] | None]:
    """A bar with rate and time left on stderr, if that is a terminal; ``None`` otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    # Work is in proportion to bytes; a bar over files would stall at each large one.
    with tqdm(unit="B", unit_scale=True, desc="indexing", leave=False, delay=0.3, dynamic_ncols=True) as bar:

        def show(step: SyncProgress) -> None:
            bar.total = step.total_bytes
            bar.set_postfix_str(f"{step.done_files}/{step.total_files} files", refresh=False)
            bar.update(step.done_bytes - bar.n)
            if step.done_files == step.total_files:  # what was gathered is yet embedded, committed and merged
                bar.set_description("finishing")

        yield show


def _opened_from_here(folder: str, id: str) -> str:
    """The path of a document, so that it can be opened from where the command runs."""
    return os.path.normpath(os.path.join(folder, *id.split("/")))  # noqa: PTH118 (Path would not keep lone surrogates on every system)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
