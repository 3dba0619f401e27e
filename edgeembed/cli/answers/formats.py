"""How hits are shown: as text for people, as JSON or CSV for programs, as paths alone for other commands."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from ...output.json_lines import LONE, path_facts
from .. import render
from ..messages import printable, printable_text
from .ask import LocatedHit

COLUMNS = (
    *("path", "path_bytes", "kind", "score", "similarity"),
    *("start_line", "end_line", "page", "snippet", "text", "same_content", "part"),
)
"""Of ``--format csv``; fields of ``docs/output.schema.json``, ``text`` being that of the best passage."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colours and links; auto: on a terminal, unless NO_COLOR is set.",
)


@dataclass(frozen=True)
class Format:
    """How hits are shown."""

    name: str = "text"
    """``text``, ``json``, ``csv``, or ``paths``: these alone."""
    null: bool = False
    """Whether each path ends with a NUL instead of a line break."""
    color: str = "auto"


def format_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that shows hits; it gets them together, as ``format``."""

    @wraps(command)
    def together(
        *, format_name: str | None, as_json: bool, paths_only: bool, null: bool, color: str, **others: Any
    ) -> None:
        name = _chosen(format_name, as_json=as_json, paths_only=paths_only, null=null)
        command(format=Format(name, null, color), **others)

    options = (
        click.option("--format", "format_name", type=click.Choice(["text", "json", "csv"]), help="For whom to print."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line; so does --format json."),
        click.option("-l", "--paths-only", is_flag=True, help="Print the paths of the files alone, best first."),
        click.option("-0", "--null", is_flag=True, help="Likewise, each with a NUL behind it, as for xargs -0."),
        color_option,
    )
    for option in reversed(options):
        together = option(together)
    return together


def _chosen(format_name: str | None, *, as_json: bool, paths_only: bool, null: bool) -> str:
    """The name of the format that the options say together.

    Raises:
        ValueError: they contradict each other.
    """
    named = {"json": "--json"} if as_json else {}
    if format_name is not None:
        named.setdefault(format_name, f"--format {format_name}")
    if paths_only or null:
        named["paths"] = "-l" if paths_only else "-0"
    if len(named) > 1:
        raise ValueError(f"{' and '.join(named.values())} contradict each other; leave one of them out")
    return next(iter(named), "text")


def show(hits: Sequence[LocatedHit], format: Format, *, similarity: bool, editor: str | None) -> None:
    """Hits on stdout, best first.

    Args:
        similarity: whether people are shown that, and what has the same content, instead of the score.
        editor: as of :func:`edgeembed.cli.render.show_hits`.
    """
    if format.name == "paths":
        _show_paths(hits, null=format.null)
    elif format.name == "csv":
        _show_csv(hits)
    for found in hits if format.name in ("text", "json") else ():
        lines = None if found.lines is None else _lines_of(found)
        if format.name == "json":
            render.show_hits_json([found.hit], found.place, lines=lines)
        else:
            style: dict[str, Any] = {"color": format.color, "similarity": similarity, "editor": editor}
            render.show_hits([found.hit], found.place, lines=lines, **style)


def _lines_of(found: LocatedHit) -> render.Lines:
    return lambda hit: found.lines or []


def _show_paths(hits: Sequence[LocatedHit], *, null: bool) -> None:
    """Paths byte for byte, as other commands want them; only a terminal is not steered by what a name may hold.

    A mailbox stands there once, however many of its messages were found.
    """
    for path in dict.fromkeys(found.path for found in hits):
        is_seen = sys.stdout.isatty() and not null
        # With color=True: otherwise click takes what looks like a colour out of a name.
        click.echo((printable(path) if is_seen else path) + ("\0" if null else "\n"), nl=False, color=True)


def _show_csv(hits: Sequence[LocatedHit]) -> None:
    """A table by RFC 4180 but for its ends of lines, with a line of names first.

    No field is a formula to a spreadsheet: a path that looks like one begins with ``./``, a text with an apostrophe.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for found in hits:
        hit = found.hit
        path = f"./{found.path}" if found.path.startswith(_FORMULA) else found.path
        text = None if found.lines is None else "\n".join(line for _, line in found.lines)
        same = {"same_content": "true"} if hit.same_content else {}
        own = {name: getattr(hit, name) for name in COLUMNS if name not in ("path", "path_bytes", "text")}
        writer.writerow({**own, **same, **path_facts(path), "snippet": _cell(hit.snippet), "text": _cell(text)})
    click.echo(table.getvalue(), nl=False, color=True)  # what a name holds stays in it


def _cell(text: str | None) -> str | None:
    if text is None:
        return None
    clean = "\n".join(map(printable_text, text.split("\n"))) if sys.stdout.isatty() else LONE.sub("\ufffd", text)
    return f"'{clean}" if clean.startswith(_FORMULA) else clean
