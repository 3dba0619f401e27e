"""A folder that is asked: of a running server where there is one, and of the index itself otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import ModelMismatchError
from ..from_server import NotAnsweredError, served, sync_by_server
from ..options import IndexOptions, ask_if_huge, open_folder, open_to_search, sync_before_search
from ..place import Place
from .no_hits import why_nothing

if TYPE_CHECKING:
    from ...folder import Folder
    from ...search.hits import Hit
    from ...search.query_syntax import Query

Ask = Callable[..., "list[Hit]"]
"""Hits in a folder, given it and the limits that every command knows; of a search also other words to search for."""
TextLines = list[tuple[int | None, str]]
"""Lines of a document, with their numbers where they have some."""


@dataclass(frozen=True)
class Question:
    """What every folder is asked."""

    ask: Ask
    limits: dict[str, Any]
    """As arguments of :meth:`Index.search`, but for ``where``."""
    where: Callable[[Place], dict[str, Any]]
    """The filters, in a folder."""
    query: Query | None
    """``None``: no words were asked for."""
    is_filtered: bool
    """Whether any filter was named."""
    no_sync: bool
    extent: int | None
    """So many lines around the best passage are shown; ``None``: a snippet is."""

    def limits_in(self, place: Place) -> dict[str, Any]:
        """All arguments of :meth:`Index.search` for a folder but the query."""
        return {**self.limits, "where": self.where(place)}


@dataclass(frozen=True)
class LocatedHit:
    """A hit and the folder that it is in."""

    hit: Hit
    place: Place
    lines: TextLines | None
    """To show instead of its snippet; ``None``: none are wanted."""

    @property
    def path(self) -> str:
        """So that it can be opened from where the command runs."""
        return self.place.shown(self.hit.file)


@dataclass(frozen=True)
class Answer:
    """What a folder answered."""

    hits: list[LocatedHit]
    why_nothing: str = ""
    """Why there are no hits, and what would change that."""


def answer_of(place: Place, question: Question, options: IndexOptions, *, wants_reason: bool) -> Answer:
    """What a folder answers, which is brought up to date first unless the question says otherwise.

    Args:
        wants_reason: whether it is said why there are no hits.

    Raises:
        EdgeEmbedError, OSError, ValueError: as :meth:`Folder.open`, :meth:`Folder.sync` and the question's own.
        click.exceptions.Exit: it was interrupted.
    """
    hits = _ask_server(place, question, options)
    if hits or (hits is not None and not wants_reason):
        return Answer(hits)
    with up_to_date(place, options, no_sync=question.no_sync or hits is not None) as opened:
        limits = question.limits_in(place)
        hits = _located(question.ask(opened, limits), place, opened.index.lines, question.extent)
        if hits or not wants_reason:
            return Answer(hits)
        reason = why_nothing(question.ask, opened, place, limits, question.query, is_filtered=question.is_filtered)
        return Answer([], reason)


@contextmanager
def up_to_date(place: Place, options: IndexOptions, *, no_sync: bool) -> Iterator[Folder]:
    """The folder, whose index is brought up to date first; with ``no_sync`` it is taken, and left, as it is."""
    if not no_sync:
        ask_if_huge(place, options)
    with open_folder(place, options, read_only=True) if no_sync else open_to_search(place, options) as opened:
        _sync(opened, place, options)
        yield opened


def _sync(opened: Folder, place: Place, options: IndexOptions) -> None:
    """Bring the index up to date; where the model can only search it, with the model that it was made with."""
    try:
        sync_before_search(opened, place, options.settings)
    except ModelMismatchError:
        with open_folder(place, replace(options, model=None, image_model=None)) as own:
            sync_before_search(own, place, options.settings)


def _ask_server(place: Place, question: Question, options: IndexOptions) -> list[LocatedHit] | None:
    """What a running server answers, after it brought the index up to date; ``None``: there is none, or it cannot."""
    with served(place, options) as server:
        if server is None:
            return None
        try:
            if not question.no_sync:
                sync_by_server(server, place)
            hits = question.ask(server, question.limits_in(place))
            return _located(hits, place, server.lines, question.extent)
        except NotAnsweredError:
            return None


def _located(
    hits: Sequence[Hit],
    place: Place,
    lines_of: Callable[[str, int, int], Sequence[tuple[int | None, str]]],
    extent: int | None,
) -> list[LocatedHit]:
    """Hits of a folder, with the lines to show of them; ``lines_of`` as :meth:`Index.lines`."""
    return [LocatedHit(hit, place, _lines(hit, lines_of, extent)) for hit in hits]


def _lines(
    hit: Hit, lines_of: Callable[[str, int, int], Sequence[tuple[int | None, str]]], extent: int | None
) -> TextLines | None:
    if extent is None:
        return None
    if hit.start_line is None or hit.end_line is None:  # an image, or a text that has no lines of its own
        return [(None, line) for line in (hit.passages[0].text or "").splitlines()]
    return [*lines_of(hit.id, hit.start_line - extent, hit.end_line + extent)]
