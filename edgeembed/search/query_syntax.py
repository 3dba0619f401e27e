"""The syntax of a query: words, phrases in quotes, and what a minus sign excludes."""

from __future__ import annotations

import re
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


def parse_query(query: str) -> Query:
    """Read ``words "a phrase" -without -"another phrase"``.

    A minus sign counts at the beginning of a word only, so ``well-known`` is a word; a quote that is not closed is
    passed over.

    Raises:
        ValueError: there is nothing to search for.
    """
    words, phrases, excluded = [], [], []
    for part in _QUERY_PART.finditer(replace_surrogates(query).translate(_QUOTES)):
        text = part["phrase"] if part["phrase"] is not None else part["word"]
        if text is None or not text.strip():
            continue
        if part["minus"] and has_words(text):
            excluded.append(text.strip())
            continue
        words.append((part["minus"] or "") + text)
        if part["phrase"] is not None and has_words(text):
            phrases.append(text.strip())
    if not words:
        only = "the query only says what to leave out" if excluded else "the query is empty"
        raise ValueError(f"{only}: give some words to search for")
    return Query(" ".join(" ".join(words).split()), tuple(phrases), tuple(excluded))
