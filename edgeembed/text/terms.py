"""Words: what a query asks for, and what of a text SQLite's full text would not find by itself.

SQLite cuts text at spaces and punctuation. Three kinds of words need more: identifiers such as ``parseConfigFile``,
whose parts are searched too; scripts that write no spaces (Chinese, Japanese, Thai …), for which pairs of neighbouring
characters stand in for words, as in most search engines; and letters with several spellings (``ß`` and ``ss``,
ligatures, full-width forms). :func:`index_terms` lists such words of a text, and they are indexed beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_MAX_TERMS = 64
"""More words of a query than this are passed over; a page of text as a query needs no more."""
# Han, kana, Hangul, Thai, Lao, Myanmar, Khmer.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_UNSPACED += "\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_UNSPACED}]+")
# Words first, then what is in each: an expression for both together tries a long word anew from each of its characters.
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_PART = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SEVERAL_SPELLINGS = re.compile("ss|ff|fi|fl|st|[^\x00-\x7f]")
_DIACRITICS = re.compile("[\u0300-\u036f]")
_ASCII_GAP = re.compile(r"[^a-z0-9]+")


def query_terms(text: str) -> list[str]:
    """The words of a query as FTS5 strings, each once; a document need not hold all of them."""
    terms: dict[str, None] = {}
    for word in text.split():
        for term in _alternatives(word):
            terms.setdefault(term)
    return list(terms)[:_MAX_TERMS]


def phrase_expression(phrase: str) -> str:
    """An FTS5 expression that every text with ``phrase`` fits; others may too: ask :func:`contains_phrase`."""
    folded = fold(phrase)
    runs = _RUN.findall(folded)
    if not runs:
        words = [_quoted(word) for word in normalize_words(phrase).split()]
        # A letter with several spellings may stand in the text in another one than here, and be indexed as an extra.
        return " AND ".join(words) if _SEVERAL_SPELLINGS.search(folded) else _quoted(phrase)
    pieces = [_quoted(" ".join(_pairs(run))) if len(run) > 1 else f"{_quoted(run)} *" for run in runs]
    return " AND ".join([*pieces, *map(_quoted, normalize_words(_RUN.sub(" ", folded)).split())])


def index_terms(text: str) -> str | None:
    """Words of a text to index beside it, ``None`` if there are none."""
    words = [part for name in _camel_names(text) for part in _PART.findall(name) if part != name]
    if not text.isascii():
        for word in _WORD.findall(text):
            if word.isascii():
                continue
            folded = fold(word)
            for run in _RUN.findall(folded):
                words += [*_pairs(run), run[-1]]
            if folded != _as_sqlite_folds(word) and not _RUN.search(folded):
                words.append(folded)
    return " ".join(words) or None


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether the words of ``phrase`` stand in ``text`` one after the other, as whole words, in these very forms."""
    return normalize_words(phrase) in normalize_words(text)


def normalize_words(text: str) -> str:
    """The words of a text in one form, with a space before and after each; empty if there are none.

    Characters of scripts without spaces are words of their own.
    """
    if text.isascii():
        words = _ASCII_GAP.sub(" ", text.lower())
    else:
        characters = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in fold(text))
        words = _RUN.sub(lambda run: f" {' '.join(run[0])} ", "".join(characters))
    words = " ".join(words.split())
    return f" {words} " if words else ""


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that writes no spaces."""
    return _RUN.search(word) is not None


def literal_pieces(text: str) -> list[str]:
    """Parts of a query that SQLite's own marking does not see: to be looked for as they are."""
    pieces = [piece for run in _RUN.findall(fold(text)) for piece in (_pairs(run) or [run])]
    return list(dict.fromkeys(pieces + [part for name in _camel_names(text) for part in _PART.findall(name)]))


def fold(text: str) -> str:
    """Lower case, without accents, compatibility forms resolved (Unicode's NFKC and case folding)."""
    if text.isascii():
        return text.lower()
    bare = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", bare).casefold()


def _alternatives(word: str) -> Iterator[str]:
    """What to look for because of one word of a query."""
    folded = fold(word)
    if not normalize_words(word):
        return
    if runs := _RUN.findall(folded):
        for run in runs:
            yield from map(_quoted, _pairs(run)) if len(run) > 1 else (f"{_quoted(run)} *",)
        yield from map(_quoted, normalize_words(_RUN.sub(" ", folded)).split())
        return
    # Punctuation inside makes it a phrase to SQLite: `snake_case`, `don't`, `1.2.3`; its parts count as well.
    yield _quoted(folded if folded != _as_sqlite_folds(word) else word.lower())
    if folded != _as_sqlite_folds(word):
        yield _quoted(word.lower())
    parts = [part.lower() for part in _PART.findall(word)] if _camel_names(word) else []
    pieces = normalize_words(word).split()
    yield from map(_quoted, [*(pieces if len(pieces) > 1 else []), *parts])


def _camel_names(text: str) -> list[str]:
    """Names with parts that begin with capitals, such as ``parseConfigFile`` and ``HTTPServer``."""
    return [name for name in _NAME.findall(text) if _HUMP.search(name)]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _as_sqlite_folds(word: str) -> str:
    return _DIACRITICS.sub("", unicodedata.normalize("NFD", word)).lower()


def _quoted(text: str) -> str:
    """A string of FTS5, in which nothing but the quote has a meaning."""
    return '"' + text.replace('"', '""').replace("\0", " ") + '"'
