"""Several folders as one answer: the best hits of all, and an error in one that leaves the others alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from ...errors import EdgeEmbedError
from ...search.hits import merge_rank
from .. import messages
from ..options import ERROR, NEGATIVE, IndexOptions
from ..place import check_one_index, find_place
from .ask import Answer, LocatedHit, Question, answer_of


def hits_of(
    folders: Sequence[str],
    question: Question,
    options: IndexOptions,
    *,
    by_similarity: bool,
    show: Callable[[list[LocatedHit]], None],
) -> None:
    """Ask folders one after the other, and show the best hits of all.

    Args:
        folders: as they were typed; none is the current one. One that is named twice is asked once, and a file that two
            of them hold is one hit.
        by_similarity: whether hits are in the order of their similarity, not of their score.
        show: gets them, best first; is not called where there are none.

    Raises:
        EdgeEmbedError, OSError, ValueError: of the only folder; of one of several they are told, the others are asked
            all the same, and the command ends with :data:`ERROR` afterwards.
        click.exceptions.Exit: there are no hits, one of several folders had an error, or it was interrupted.
    """
    check_one_index(folders, options.index)
    _check_any_there(folders)
    gathered = _Gathered()
    for folder in dict.fromkeys(folders or (".",)):
        try:
            gathered.ask(folder, question, options)
        except (EdgeEmbedError, OSError, ValueError) as error:
            if len(folders) <= 1 or isinstance(error, BrokenPipeError):
                raise
            messages.show_error(error)
            gathered.has_failed = True
    hits = gathered.best(question.limits["k"], by_similarity=by_similarity)
    if hits:
        show(hits)
    else:
        for why in gathered.reasons:
            messages.note(why)
    if gathered.has_failed or not hits:
        raise click.exceptions.Exit(ERROR if gathered.has_failed else NEGATIVE)


class _Gathered:
    """What the folders have answered so far."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.reasons: list[str] = []
        self.has_failed = False
        self._asked: set[tuple[Path, str, str | None]] = set()

    def ask(self, folder: str, question: Question, options: IndexOptions) -> None:
        """Ask one more folder, unless it was asked under another name."""
        place = find_place(folder, options.index)
        key = (place.root.resolve(), place.below, place.file)
        if key in self._asked:
            return
        self._asked.add(key)
        has_hits = any(answer.hits for answer in self.answers)
        answer = answer_of(place, question, options, wants_reason=not has_hits)
        self.answers.append(answer)
        if answer.why_nothing:
            self.reasons.append(f"{folder}: {answer.why_nothing}")

    def best(self, k: int, *, by_similarity: bool) -> list[LocatedHit]:
        """The best ``k`` hits of all folders; of one folder they are in order already."""
        if len(self.answers) <= 1:
            return [found for answer in self.answers for found in answer.hits]
        by_file: dict[tuple[Path, str], LocatedHit] = {}
        for answer in self.answers:
            for found in answer.hits:
                by_file.setdefault((found.place.root.resolve(), found.hit.id), found)
        return sorted(by_file.values(), key=lambda found: -merge_rank(found.hit, by_similarity=by_similarity))[:k]


def _check_any_there(folders: Sequence[str]) -> None:
    """Refuse several folders of which none exists: most likely the words of a query without quotes.

    Raises:
        ValueError: with what to type.
    """
    if len(folders) > 1 and not any(os.path.lexists(folder) for folder in folders):
        shown = ", ".join(folders[:3]) + (" …" if len(folders) > 3 else "")
        raise ValueError(f'no such folders: {shown}; a query of several words is put in quotes: "red bicycle"')
