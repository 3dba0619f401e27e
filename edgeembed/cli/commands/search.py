"""The commands that answer: ``search``, ``similar`` and ``explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import ModelMismatchError, path_error
from ...search.query_syntax import Query, literal_query, parse_query
from .. import messages, render
from ..from_server import NotAnsweredError, served, sync_by_server
from ..options import (
    NEGATIVE,
    IndexOptions,
    ask_if_huge,
    folder_argument,
    index_options,
    json_option,
    open_folder,
    open_to_search,
    sync_before_search,
)
from ..param_types import ExistingFile, Item, Near, Score, Size, When, from_stdin, meaning
from ..param_types import words as checked_words
from ..place import Place, find_place

if TYPE_CHECKING:
    from ...folder import Folder
    from ...index_models.meanings import Meaning
    from ...search.hits import Hit

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Ask = Callable[..., "list[Hit]"]
"""Hits in a folder, given it and the limits that every command knows; of a search also other words to search for."""
_Texts = dict[str, list[tuple[int | None, str]]]
"""Lines of documents, by their ids; with their numbers where they have some."""
_no_sync_option = click.option("--no-sync", is_flag=True, help="Search the index as it is.")
_literal_option = click.option(
    "--literal", is_flag=True, help="Take QUERY as words: quotes, dashes and names of pictures mean nothing else."
)
_color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colours and links; auto: on a terminal, unless NO_COLOR is set.",
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
        _color_option,
        json_option,
        index_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("query")
@folder_argument
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
def search(query: str, folder: str, mode: Any, plus: Any, minus: Any, literal: bool, **rest: Any) -> None:
    """Find files in FOLDER (the current folder unless given) that QUERY is about.

    In QUERY, "..." must occur in the passage and -word must not occur in the file. The path of a picture searches for
    what it shows, if the model knows pictures. A query that begins with a dash goes after `--`; the query `-` is read
    from standard input. With --literal every character of QUERY is text. FOLDER may also be one inside a folder with an
    index, or a single file.
    """
    item = _item(query, literal=literal)
    if isinstance(item, str) and not item.strip():
        raise ValueError('the query is empty: give some words to search for, as in edgeembed search "red bicycle"')

    def ask(opened: Folder, limits: dict[str, Any], words: str | None = None) -> list[Hit]:
        return opened.search(words or item, mode=mode, plus=plus, minus=minus, syntax=not literal, **limits)

    read = literal_query if literal else parse_query
    _answer(ask, folder, query=read(item) if isinstance(item, str) else None, **rest)


@click.command()
@click.argument("file", type=ExistingFile())
@folder_argument
@click.option(
    "--min-similarity", type=Score(-1, 1), help="Only files at least as similar, -1 to 1, and copies; 0.99 for bursts."
)
@_answer_options
def similar(file: str, folder: str, min_similarity: float | None, **rest: Any) -> None:
    """Find files in FOLDER (the current folder unless given) that are like FILE, a text or a picture.

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

    _answer(ask, folder, similarity=True, **rest)


@click.command()
@click.argument("query")
@click.argument("file", type=ExistingFile())
@folder_argument
@_literal_option
@_no_sync_option
@_color_option
@json_option
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
    with _up_to_date(place, options, no_sync=no_sync) as opened:
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


@contextmanager
def _up_to_date(place: Place, options: IndexOptions, *, no_sync: bool) -> Iterator[Folder]:
    """The folder, whose index is brought up to date first; with ``no_sync`` it is taken, and left, as it is."""
    if not no_sync:
        ask_if_huge(place, options)
    with open_folder(place, options, read_only=True) if no_sync else open_to_search(place, options) as opened:
        _sync(opened, place, options)
        yield opened


def _sync(opened: Folder, place: Place, options: IndexOptions) -> None:
    """Bring the index up to date; where the model can only search it, with the model that it was made with."""
    try:
        sync_before_search(opened, place)
    except ModelMismatchError:
        with open_folder(place, replace(options, model=None, image_model=None)) as own:
            sync_before_search(own, place)


def _answer(
    ask: _Ask,
    folder: str,
    *,
    query: Query | None = None,
    k: int,
    no_sync: bool,
    exact: bool,
    min_score: float | None,
    context: int | None,
    full: bool,
    color: str,
    as_json: bool,
    options: IndexOptions,
    similarity: bool = False,
    **filters: Any,
) -> None:
    place = find_place(folder, options.index)
    limits = {
        "k": k,
        "exact": exact,
        "where": _where(place, **filters),
        "min_score": "auto" if min_score is None else min_score,
    }
    extent = None if context is None and not full else context or 0

    def show(hits: list[Hit], texts: _Texts | None) -> None:
        lines = None if texts is None else lambda hit: texts[hit.id]
        if as_json:
            render.show_hits_json(hits, place, lines=lines)
        else:
            render.show_hits(hits, place, color=color, lines=lines, similarity=similarity)

    answer = _ask_server(ask, place, limits, options, no_sync=no_sync, extent=extent)
    if answer is not None and answer[0]:
        show(*answer)
        return
    with _up_to_date(place, options, no_sync=no_sync or answer is not None) as opened:
        hits = ask(opened, limits)
        if not hits:
            why = _why_nothing(ask, opened, place, limits, query, is_filtered=any(filters.values()))
            messages.note(f"{folder}: {why}")
            raise click.exceptions.Exit(NEGATIVE)
        show(hits, _texts(hits, opened.index.lines, extent))


def _ask_server(
    ask: _Ask, place: Place, limits: dict[str, Any], options: IndexOptions, *, no_sync: bool, extent: int | None
) -> tuple[list[Hit], _Texts | None] | None:
    """What a running server answers, after it brought the index up to date; ``None``: there is none, or it cannot."""
    with served(place, options) as server:
        if server is None:
            return None
        try:
            if not no_sync:
                sync_by_server(server, place)
            hits = ask(server, limits)
            return hits, _texts(hits, server.lines, extent)
        except NotAnsweredError:
            return None


def _texts(
    hits: Sequence[Hit], lines_of: Callable[[str, int, int], Sequence[tuple[int | None, str]]], extent: int | None
) -> _Texts | None:
    """Lines to show instead of snippets, by the ids of their documents; ``None``: none are wanted.

    Args:
        lines_of: as :meth:`Index.lines`.
        extent: so many lines around the best passage.
    """
    if extent is None:
        return None
    texts: _Texts = {}
    for hit in hits:
        if hit.start_line is None or hit.end_line is None:  # an image, or a text that has no lines of its own
            texts[hit.id] = [(None, line) for line in (hit.passages[0].text or "").splitlines()]
        else:
            texts[hit.id] = [*lines_of(hit.id, hit.start_line - extent, hit.end_line + extent)]
    return texts


def _why_nothing(
    ask: _Ask, opened: Folder, place: Place, limits: dict[str, Any], query: Query | None, *, is_filtered: bool
) -> str:
    """Why there are no hits, and what would change that."""
    status = opened.status(below=place.below)
    if not status.documents:
        why = _why_no_files(place)
    elif place.file is not None and place.file not in opened.index:
        why = f"this file is not in the index; `edgeembed status --all {place.folder}` says why"
    else:
        why = _why_none_fits(ask, opened, limits, query, is_filtered=is_filtered)
    left_out = messages.images_left_out(status.skipped)
    return f"{why}; {left_out}" if left_out else why


def _why_no_files(place: Place) -> str:
    from ...sync.walk import enclosing_rule

    rule = enclosing_rule(place.folder)
    return "no files to search here" + (f"; {rule} leaves this folder out" if rule else "")


def _why_none_fits(ask: _Ask, opened: Folder, limits: dict[str, Any], query: Query | None, *, is_filtered: bool) -> str:
    if query is not None and query.excluded:
        quoted = (f'"{phrase}"' for phrase in query.phrases)
        if ask(opened, {**limits, "k": 1}, " ".join((query.text, *quoted))):
            left_out = ", ".join(f'-"{text}"' if " " in text else f"-{text}" for text in query.excluded)
            return f"all that fits is left out by {left_out}; without the minus sign it is searched for"
    if ask(opened, {**limits, "k": 1, "min_score": None}):
        return "nothing here fits; --min-score 0 shows the nearest all the same"
    if is_filtered:
        return "no file that --path, --kind and the other options leave over fits"
    if query is None:
        return "there is nothing else here that it could be compared with"
    if not query.phrases and not query.excluded:
        return "no file here holds any of these words, and by meaning there is nothing to compare them with"
    return "nothing here fits what the query says must or must not occur; --literal takes it all as text"


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
