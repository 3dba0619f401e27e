"""The syntax of a query: words, phrases in quotes, and what a minus sign excludes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..text.surrogates import replace_surrogates
from ..text.terms import has_words

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"'})
_QUERY_PART = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))|"')


@dataclass(frozen=True)
class Query:
    """A query taken apart."""

    text: str
    """What it is about, for the embedder: quotes and excluded words left out."""
    phrases: tuple[str, ...] = ()
    """In quotes: each must occur in the passage, or in the document's name."""
    excluded: tuple[str, ...] = ()
    """After a minus sign: none may occur in the document or its name."""


def literal_query(query: str) -> Query:
    """A query in which quotes and minus signs are text, like all other characters.

    Raises:
        ValueError: there is nothing to search for.
    """
    words = replace_surrogates(query).split()
    if not words:
        raise ValueError("the query is empty: give some words to search for")
    return Query(" ".join(words))


def parse_query(query: str, is_literal: Callable[[str, str], bool] = lambda word, rest: False) -> Query:
    """Read ``words "a phrase" -without -"another phrase"``.

    A minus sign counts at the beginning of a word only, so ``well-known`` is a word; not before another one or a digit,
    so ``--flag`` and ``-18`` are words; and not where it is a part of the word (``rm -rf``). A quote that is not closed
    is passed over.

    Args:
        is_literal: whether the minus is a part of a word (the first argument, without it), given the rest of the query.

    Raises:
        ValueError: there is nothing to search for.
    """
    parts = [part for part in _QUERY_PART.finditer(replace_surrogates(query).translate(_QUOTES)) if _text(part).strip()]
    rest = " ".join(_text(part) for part in parts if not _is_excluding(part))
    words, phrases, excluded = [], [], []
    for part in parts:
        text = _text(part)
        if _is_excluding(part) and not (part["phrase"] is None and rest and is_literal(text, rest)):
            excluded.append(text.strip())
            continue
        words.append((part["minus"] or "") + text)
        if part["phrase"] is not None and has_words(text):
            phrases.append(text.strip())
    if not words:
        if excluded:
            advice = "give some words to search for, or have it taken as text (syntax=False, --literal)"
            raise ValueError(f"the query only says what to leave out: {advice}")
        raise ValueError("the query is empty: give some words to search for")
    return Query(" ".join(" ".join(words).split()), tuple(phrases), tuple(excluded))


def _text(part: re.Match[str]) -> str:
    return part["word"] or part["phrase"] or ""


def _is_excluding(part: re.Match[str]) -> bool:
    """Whether a part has a minus sign in front that may mean to leave it out."""
    text = _text(part)
    is_number = part["phrase"] is None and text[:1].isdecimal()
    return bool(part["minus"]) and not text.startswith("-") and not is_number and has_words(text)
