"""Why a folder has no hits, in words that say what would change that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import messages
from ..place import Place

if TYPE_CHECKING:
    from ...folder import Folder
    from ...search.hits import Hit
    from ...search.query_syntax import Query

_Ask = Callable[..., "list[Hit]"]


def why_nothing(
    ask: _Ask, opened: Folder, place: Place, limits: dict[str, Any], query: Query | None, *, is_filtered: bool
) -> str:
    """Why there are no hits in a folder, and what would change that.

    Args:
        ask, limits: what gave no hits, and with which arguments.
        query: ``None``: no words were asked for.
        is_filtered: whether any filter was named.
    """
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
