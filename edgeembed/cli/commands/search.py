"""The commands that answer: ``search``, ``similar`` and ``explain``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import path_error
from ...search.query_syntax import Query, literal_query, parse_query
from .. import render
from ..answers.ask import Ask, LocatedHit, Question, up_to_date
from ..answers.formats import Format, color_option, format_options, show
from ..answers.merge import hits_of
from ..answers.opener import open_hit
from ..options import IndexOptions, folder_argument, folders_argument, index_options, json_option, progress_option
from ..param_types import ExistingFile, Item, Near, Score, Size, When, complete_files, from_stdin, meaning
from ..param_types import words as checked_words
from ..place import Place, find_place

if TYPE_CHECKING:
    from ...folder import Folder
    from ...index_models.meanings import Meaning
    from ...search.hits import Hit

_Command = TypeVar("_Command", bound=Callable[..., Any])
_no_sync_option = click.option("--no-sync", is_flag=True, help="Search the index as it is.")
_literal_option = click.option(
    "--literal", is_flag=True, help="Take QUERY as words: quotes, dashes and names of pictures mean nothing else."
)


def _answer_options(command: _Command) -> _Command:
    """The options of every command that shows hits."""
    options = (
        click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="Most files to show."),
        click.option(
            "--path",
            "paths",
            multiple=True,
            metavar="GLOB",
            help="Only paths that fit, as in .gitignore or as shown; {a,b} is either, !GLOB what does not fit.",
        ),
        click.option("--kind", type=click.Choice(["text", "image"]), help="Only texts, or only pictures."),
        click.option("--ext", "extensions", multiple=True, metavar="EXT", help="Only files with this extension."),
        click.option(
            "--since",
            type=When(),
            help="Only files changed, and photos taken, since a date, a time, or an age such as 7d.",
        ),
        click.option(
            "--until",
            type=When(end=True),
            help="Only files changed, and photos taken, before the end of a date, or a time.",
        ),
        click.option(
            "--near", type=Near(), metavar="LAT,LON,KM", help="Only photos taken so many kilometres around a place."
        ),
        click.option("--min-size", type=Size(), help="Only files of at least so many bytes; k, M and G are known."),
        click.option("--max-size", type=Size(), help="Only files of at most so many bytes."),
        click.option(
            "--min-score",
            type=Score(0, 1),
            help="Only hits with at least this score, 0 to 1.  [default: what is not relevant is left out]",
        ),
        _no_sync_option,
        click.option("--exact", is_flag=True, help="Compare every vector, also in large indexes."),
        click.option("-C", "--context", type=click.IntRange(min=0), help="Show the passage with so many lines around."),
        click.option("--full", is_flag=True, help="Show the whole passage instead of a snippet."),
        click.option(
            "--open",
            "open_number",
            type=click.IntRange(min=1),
            metavar="N",
            help="Open hit N too: texts in your editor, if a link to it is set, all else as the system does.",
        ),
        format_options,
        progress_option,
        index_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("query", shell_complete=complete_files)
@folders_argument
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "vector", "keyword"]),
    default="hybrid",
    show_default=True,
    help="By meaning and words, by meaning only, or by words only.",
)
@click.option("--plus", multiple=True, type=Item(), help="Add a meaning: words or a picture; 2:dog weighs double.")
@click.option("--minus", multiple=True, type=Item(), help="Take a meaning away.")
@_literal_option
@_answer_options
def search(query: str, folders: Sequence[str], mode: Any, plus: Any, minus: Any, literal: bool, **rest: Any) -> None:
    """Find files in one or more FOLDERs (the current folder unless given) that QUERY is about.

    In QUERY, "..." must occur in the passage and -word must not occur in the file. The path of a picture searches for
    what it shows, if the model knows pictures. A query that begins with a dash goes after `--`; the query `-` is read
    from standard input. With --literal every character of QUERY is text. FOLDER may also be one inside a folder with an
    index, or a single file. Of several the best files of all are shown.
    """
    item = _item(query, literal=literal)
    if isinstance(item, str) and not item.strip():
        raise ValueError('the query is empty: give some words to search for, as in edgeembed search "red bicycle"')

    def ask(opened: Folder, limits: dict[str, Any], words: str | None = None) -> list[Hit]:
        return opened.search(words or item, mode=mode, plus=plus, minus=minus, syntax=not literal, **limits)

    read = literal_query if literal else parse_query
    _answer(ask, folders, query=read(item) if isinstance(item, str) else None, **rest)


@click.command()
@click.argument("file", type=ExistingFile())
@folders_argument
@click.option(
    "--min-similarity", type=Score(-1, 1), help="Only files at least as similar, -1 to 1, and copies; 0.99 for bursts."
)
@_answer_options
def similar(file: str, folders: Sequence[str], min_similarity: float | None, **rest: Any) -> None:
    """Find files in one or more FOLDERs (the current folder unless given) that are like FILE, a text or a picture.

    A mailbox is compared as a whole; MAILBOX/12 is its message 12.

    What is shown is the similarity, 1 at most, and of copies that their content is the same.
    """

    def ask(opened: Folder, limits: dict[str, Any]) -> list[Hit]:
        if min_similarity is None:
            return opened.similar(file, **limits)
        if limits["min_score"] == "auto":
            limits = {**limits, "min_score": None}
        hits = opened.similar(file, **limits)
        return [
            hit for hit in hits if hit.same_content or (hit.similarity is not None and hit.similarity >= min_similarity)
        ]

    _answer(ask, folders, similarity=True, **rest)


@click.command()
@click.argument("query", shell_complete=complete_files)
@click.argument("file", type=ExistingFile())
@folder_argument
@_literal_option
@_no_sync_option
@color_option
@json_option
@progress_option
@index_options
def explain(
    query: str, file: str, folder: str, literal: bool, no_sync: bool, color: str, as_json: bool, options: IndexOptions
) -> None:
    """Show which words of FILE, a text in FOLDER (the current folder unless given), make it match QUERY.

    QUERY is words or the path of a picture, as for `search`. Of a mailbox the message that fits best is explained, of
    MAILBOX/12 its message 12. Each word of the passage that fits best is left out in
    turn: what the similarity loses by that is its weight.
    """
    item = _item(query, literal=literal)
    place = find_place(folder, options.index)
    with up_to_date(place, options, no_sync=no_sync) as opened:
        try:
            explanation = opened.explain(item, file, syntax=not literal)
        except KeyError:
            raise path_error(file, ValueError, _why_unknown(file, place)) from None
    if as_json:
        render.show_explanation_json(explanation, place)
    else:
        render.show_explanation(explanation, place, color=color)


def _item(query: str, *, literal: bool) -> Meaning:
    """What is searched for: what was typed, or, of ``-``, what comes on standard input."""
    if query == "-":
        return from_stdin()
    return checked_words(query) if literal else meaning(query)


def _why_unknown(file: str, place: Place) -> str:
    """Why a file is not in the index of a folder, and what to do about that."""
    if not Path(file).resolve().is_relative_to(place.folder.resolve()):
        return f"lies outside of {place.folder}; name the folder that it is in"
    return f"not in the index of {place.root}; `edgeembed status {place.folder}` says which files were skipped and why"


def _answer(
    ask: Ask,
    folders: Sequence[str],
    *,
    query: Query | None = None,
    k: int,
    no_sync: bool,
    exact: bool,
    min_score: float | None,
    context: int | None,
    full: bool,
    open_number: int | None,
    format: Format,
    options: IndexOptions,
    similarity: bool = False,
    **filters: Any,
) -> None:
    limits = {"k": max(k, open_number or 0), "exact": exact, "min_score": "auto" if min_score is None else min_score}
    question = Question(
        ask=ask,
        limits=limits,
        where=lambda place: _where(place, **filters),
        query=query,
        is_filtered=any(filters.values()),
        no_sync=no_sync,
        extent=None if context is None and not full else context or 0,
    )

    def show_and_open(hits: list[LocatedHit]) -> None:
        show(hits, format, similarity=similarity, editor=options.settings.editor)
        if open_number is not None:
            open_hit(hits, open_number, options.settings.editor)

    hits_of(folders, question, options, by_similarity=similarity, show=show_and_open)


def _where(
    place: Place,
    *,
    paths: Sequence[str],
    kind: str | None,
    extensions: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    near: tuple[float, float, float] | None,
    min_size: int | None,
    max_size: int | None,
) -> dict[str, Any]:
    tests: dict[str, Any] = {
        "file.path": place.path_tests(paths),
        "document.kind": kind,
        "file.ext": {"in": [name.lower().lstrip(".") for name in extensions]} if extensions else None,
        "file.date": {sign: when for sign, when in ((">=", since), ("<", until)) if when is not None},
        "photo.position": {"near": near} if near is not None else None,
        "file.size_bytes": {sign: size for sign, size in ((">=", min_size), ("<=", max_size)) if size is not None},
    }
    return {name: test for name, test in tests.items() if test}
