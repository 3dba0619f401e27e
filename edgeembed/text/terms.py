"""Words: what a text is indexed by, and what a query asks for, in one form (``normalize.py``).

Words stand between spaces and punctuation. Five kinds need more:

- scripts that write no spaces (Chinese, Japanese, Thai, Khmer …): pairs of neighbouring characters stand in for words,
  as in most search engines; a character is a letter with its vowel signs. Korean, whose words carry endings, likewise;
- identifiers such as ``parseConfigFile``: their parts, and neighbouring parts joined, are words as well;
- compounds such as ``e-mail`` and ``snake_case``: joined they are a word as well;
- signs that are a part of a name (``C++``, ``C#``, ``.NET``), emoji and other symbols: words such as ``cplusplus``;
- names that a program defines for all of a file: their parts, marked, tell what the file is about.

The first kind takes the place of words; the others are indexed beside them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise, takewhile
from typing import NamedTuple

from .code import defined_names
from .normalize import MARKS, fold, fold_marks, fold_marks_aligned, without_gaps

WORDS_VERSION = f"2 {unicodedata.unidata_version}"
"""Of what :func:`index_words` makes of a text; with another one full text is built anew."""
_MAX_TERMS = 64  # more words of a query than this are passed over; a page of text as a query needs no more
# Thai, Lao, Myanmar, Hangul, Khmer, Tai scripts, Javanese, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aad\ua980-\ua9ff\uaa60-\uaadf\uac00-\ud7af"
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_SIGNS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064"
    "\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd\u1a55-\u1a7c\ua980-\ua983\ua9b3-\ua9c0"
    "\u3099\u309a"
)
_CHARACTER = re.compile(f".(?:[\u17d2\u1039].|[{_SIGNS}])*", re.DOTALL)
"""With its vowel signs and tones, and with the consonants that Khmer and Burmese write below it."""
_ASCII_GAP = re.compile(r"[^a-z0-9]+")
_LETTER = r"[^\x00-/:-@\[-`{-\x7f]"
"""ASCII letters and digits, and all beyond ASCII. Said by what it is not, it compiles thirty times as fast."""
WORD = re.compile(f"{_LETTER}+")
_NAME = re.compile(r"[A-Za-z0-9]+")
_ALPHANUMERIC = frozenset(string.ascii_letters + string.digits)
_HUMP = re.compile(r"[A-Z](?:(?<=[a-z].)|[A-Z][a-z])")
"""A capital behind a small letter, or two before one. What an expression begins with decides how fast it is."""
_PART = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LINK = re.compile(rf"[-_](?<={_LETTER}.)(?={_LETTER})")
_COMPOUND = re.compile(rf"{_LETTER}+(?:[-_]{_LETTER}+)+")
"""To be matched where a word begins: searching would try a long word over again from each of its characters."""
_JOINED = 3
"""So many neighbouring parts of a name are joined at most, besides all of them."""
_MAX_PARTS = 12  # names with more parts are data, of which joining would make much
_DOTTED = re.compile(r"\.(?=[A-Za-z])(?<![^\s(\[/*`\"'].)")
_ASCII_SYMBOL = re.compile(
    r"[.+#](?:(?<=\.)(?=[A-Za-z])(?<![^\s(\[/*`\"'].)|(?<=\+)\+(?<=[^\W_]..)(?![A-Za-z+])|(?<=[+#])(?<=[^\W_].)(?![\w+#]))"
)
"""What all begin with stands first: so it is found as fast as a character."""
_SYMBOL = re.compile(rf"{_ASCII_SYMBOL.pattern}|[^\w\s\x00-\x7f{MARKS}]")
_SPOKEN = {".": "dot", "++": "plusplus", "+": "plus", "#": "sharp"}
_DRAWN = re.compile("[\u2500-\u259f\u2800-\u28ff]")  # boxes and bars
_DEFINED = "\ue000"  # marks a part of a defined name; no text holds it, as characters for private use are left out
_BORDER_WORDS = 8  # so many words from a border on are looked up; the rest is compared
_LONGEST_NAME = 40


class Word(NamedTuple):
    """A word as it is indexed, and where it stands."""

    text: str
    start: int
    end: int
    """Characters, half open."""


def index_words(text: str) -> tuple[str, str]:
    """A text as the keyword index takes it: its words, in their order, and extra words beside them; spaces between."""
    folded = fold_marks(text)
    if folded.isascii():  # the index does the rest: it parts words at punctuation, and passes over case
        words = clean = folded
    else:
        clean = without_gaps(folded)
        words = _RUN.sub(_in_pairs, clean.casefold())
    return words, " ".join([word.text for word in _extra_words(folded, clean)])


def aligned_words(text: str) -> tuple[list[Word], list[Word]]:
    """The words that :func:`index_words` gives, each with its place in ``text``."""
    if text.isascii():
        words = [Word(word[0].lower(), *word.span()) for word in WORD.finditer(text)]
        return words, list(_extra_words(text, text))
    folded, spans = fold_marks_aligned(text)

    def placed(words: Iterable[Word]) -> list[Word]:
        return [Word(word.text, spans[word.start][0], spans[word.end - 1][1]) for word in words]

    clean = without_gaps(folded)
    return placed(_words(clean)), placed(_extra_words(folded, clean))


def query_terms(text: str) -> list[str]:
    """The words of a query as FTS5 strings, each as often as it stands there; a document need not hold all of them."""
    terms = (term for word in text.split() for term in dict.fromkeys(_alternatives(fold_marks(word))))
    return list(islice(terms, _MAX_TERMS))


def defining_terms(text: str) -> list[str]:
    """The words of a query as FTS5 strings that ask for names which a program defines."""
    words = normalize_words(text).split()[:_MAX_TERMS]
    return [_quoted(_DEFINED + word) for word in words if not is_unspaced(word)]


class QueryWord(NamedTuple):
    """A word of a query as it was typed, between spaces."""

    text: str
    expression: str
    """What a text must hold to hold the word, for FTS5: it, or all of its parts."""


def query_words(text: str) -> list[QueryWord]:
    """The words of a query, each once, as a person counts them; those of punctuation alone are left out."""
    words = {}
    for word in text.split():
        terms = list(dict.fromkeys(_alternatives(fold_marks(word))))
        if _RUN.search(word) or len(terms) == 1:
            words[word] = " AND ".join(terms)
        elif terms:
            whole, *parts = terms
            words[word] = f"({whole} OR ({' AND '.join(parts)}))"
    return [QueryWord(*item) for item in words.items()][:_MAX_TERMS]


def is_identifier(word: str) -> bool:
    """Whether a word is a number of several digits, a part number, or a name in a program, which no language holds."""
    name = word.strip("".join(set(word) & set(".,;:!?()[]{}'\"")))
    return len(name) > 1 and (any(map(str.isdigit, name)) or "_" in name or bool(_HUMP.search(name)))


def phrase_expression(phrase: str) -> str:
    """An FTS5 expression that every text with ``phrase`` fits; others may too: ask :func:`contains_phrase`."""
    folded = fold_marks(phrase)
    pieces = list(_pieces(folded.casefold()))
    signs = [_quoted(symbol.text) for symbol in _symbol_words(folded)]
    if all(isinstance(piece, str) for piece in pieces):
        return " AND ".join([_quoted(" ".join(map(str, pieces))), *signs] if pieces else signs)
    return " AND ".join([*map(_expression, pieces), *signs])


def border_expression(phrase: str) -> str:
    """An FTS5 expression that a passage fits which begins with a later part of ``phrase``; empty: it has one word."""
    words = normalize_words(phrase).split()
    ends = []
    for i in range(1, len(words)):
        first = words[i : i + _BORDER_WORDS]
        if is_unspaced(first[0]):
            ends.append(_expression(list(takewhile(is_unspaced, first))))
        else:
            ends.append(_quoted(" ".join(takewhile(lambda word: not is_unspaced(word), first))))
    return " OR ".join(f"^ {end}" for end in dict.fromkeys(ends))


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether the words of ``phrase`` stand in ``text`` one after the other, as whole words, in these very forms."""
    symbols = any(_symbol_words(fold_marks(phrase)))
    return normalize_words(phrase, symbols=symbols) in normalize_words(text, symbols=symbols)


def normalize_words(text: str, *, symbols: bool = False) -> str:
    """The words of a text in one form, with a space before and after each; empty if there are none.

    Characters of scripts without spaces are words of their own; with ``symbols`` so are the signs of ``C++`` and
    ``.NET``, and emoji.
    """
    folded = fold_marks(text)
    if symbols:
        folded = _SYMBOL.sub(lambda sign: f" {spoken} " if (spoken := _spoken(sign[0])) else sign[0], folded)
    folded = folded.casefold()
    if folded.isascii():
        words = _ASCII_GAP.sub(" ", folded)
    else:
        folded = _RUN.sub(lambda run: f" {' '.join(_CHARACTER.findall(run[0]))} ", without_gaps(folded))
        words = " ".join(WORD.findall(folded))
    words = " ".join(words.split())
    return f" {words} " if words else ""


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that writes no spaces."""
    return _RUN.search(word) is not None


def has_words(text: str) -> bool:
    """Whether there is anything in a text that can be looked up."""
    return bool(normalize_words(text, symbols=True))


def phrase_pattern(phrase: str) -> str:
    """A regular expression for the words of a phrase in a text that is folded, whatever is between them."""
    folded = fold(phrase)
    if any(_symbol_words(folded)):
        return r"\s+".join(map(re.escape, folded.split()))
    words = normalize_words(phrase).split()
    if any(map(is_unspaced, words)):
        return r"[\W_]*".join(map(re.escape, words))
    between = r"[\W_]+".join(map(re.escape, words))
    return rf"(?<!\w){between}(?!\w)" if words else ""


def _alternatives(word: str) -> Iterator[str]:
    """What to look for because of one word of a query, folded but for its case."""
    symbols = list(_symbol_words(word))
    yield from (_quoted(symbol.text) for symbol in symbols)
    # Whoever asks for C++ does not ask for C; for .NET, also for ASP.NET.
    named = [symbol for symbol in symbols if word[symbol.start].isalnum()]
    for symbol in reversed(named):
        word = word[: symbol.start] + " " + word[symbol.end :]
    folded = word.casefold()
    pieces = list(_pieces(folded))
    if any(isinstance(piece, list) for piece in pieces):
        for piece in pieces:
            is_run = isinstance(piece, list) and len(piece) > 1
            yield from map(_quoted, _pairs(piece)) if is_run else (_expression(piece),)
    elif len(pieces) > 1:
        # Compounds are indexed joined. With other signs inside it is a phrase: `don't`, `1.2.3`. Its parts count too.
        words = list(map(str, pieces))
        is_compound = any(len(words) == len(group) for group in _compounds(without_gaps(folded)))
        yield _quoted(("" if is_compound else " ").join(words))
        yield from map(_quoted, words)
    else:
        yield from map(_expression, pieces)
    for name in _NAME.findall(word):
        if _HUMP.search(name):
            yield from (_quoted(part.lower()) for part in _PART.findall(name))


def _pieces(folded: str) -> Iterator[str | list[str]]:
    """The words of a folded text; of scripts without spaces the characters of each run, as a list."""
    for word in WORD.findall(without_gaps(folded)):
        at = 0
        for run in _RUN.finditer(word):
            if run.start() > at:
                yield word[at : run.start()]
            yield _CHARACTER.findall(run[0])
            at = run.end()
        if at < len(word):
            yield word[at:]


def _expression(piece: str | list[str]) -> str:
    if isinstance(piece, str):
        return _quoted(piece)
    return _quoted(" ".join(_pairs(piece))) if len(piece) > 1 else f"{_quoted(piece[0])} *"


def _words(clean: str) -> Iterator[Word]:
    """The words of a text, in lower case; pairs of characters in scripts without spaces."""
    for word in WORD.finditer(clean):
        at = word.start()
        for run in _RUN.finditer(clean, word.start(), word.end()):
            if at < run.start():
                yield Word(clean[at : run.start()].casefold(), at, run.start())
            found = [Word(clean[begin:end], begin, end) for begin, end in characters(clean, *run.span())]
            yield from (Word(a.text + b.text, a.start, b.end) for a, b in pairwise(found))
            yield found[-1]
            at = run.end()
        if at < word.end():
            yield Word(clean[at : word.end()].casefold(), at, word.end())


def _extra_words(folded: str, clean: str) -> Iterator[Word]:
    """What to index beside the words of a folded text that has kept its case.

    Args:
        clean: the same without signs; see :func:`without_gaps`.
    """
    for name in _names_with_humps(folded):
        at = name.start()
        for word in _parts(name[0]):
            yield Word(word.text, at + word.start, at + word.end)
    # Looking for a single character costs next to nothing.
    if "-" in clean or "_" in clean:
        for compound in _compounds(clean):
            yield from _joined(compound, whole=True)
    yield from _definitions(folded)
    if "+" in folded or "#" in folded or clean != folded or _DOTTED.search(folded):
        yield from {word.text: word for word in _symbol_words(folded)}.values()


def _names_with_humps(folded: str) -> Iterator[re.Match[str]]:
    end = 0
    for hump in _HUMP.finditer(folded):
        if hump.start() >= end:
            start = hump.start()
            while start > end and folded[start - 1] in _ALPHANUMERIC:
                start -= 1
            name = _NAME.match(folded, start)
            if name is not None:
                end = name.end()
                yield name


def _definitions(folded: str) -> Iterator[Word]:
    """The names that a program defines and their parts, marked."""
    for span in defined_names(folded):
        whole = _DEFINED + folded[slice(*span)].replace("_", "").lower()
        parts = {_DEFINED + part[0].lower(): part.span() for part in _PART.finditer(folded, *span)}
        yield from (Word(text, *place) for text, place in ({whole: span} | parts).items())


@lru_cache(maxsize=8192)
def _parts(name: str) -> tuple[Word, ...]:
    """The parts of an identifier that begin with capitals, single and joined; none if it has but one."""
    if not _HUMP.search(name):
        return ()
    parts = [Word(part[0].lower(), *part.span()) for part in _PART.finditer(name)]
    return (*parts, *_joined(parts, whole=False)) if len(parts) > 1 else ()


def _compounds(clean: str) -> Iterator[list[Word]]:
    """Words that single hyphens or underscores link."""
    end = 0
    for link in _LINK.finditer(clean):
        if link.start() < end:
            continue
        compound = _COMPOUND.match(clean, _begin_of_word(clean, link.start()))
        if compound is None:  # a word so long that its beginning was not looked for
            continue
        end = compound.end()
        if not is_unspaced(compound[0]):
            yield [Word(part[0].casefold(), *part.span()) for part in WORD.finditer(clean, *compound.span())]


def _joined(parts: Sequence[Word], *, whole: bool) -> Iterator[Word]:
    """Neighbouring parts of a name as one word; all of them together only if that is asked for."""
    if len(parts) > _MAX_PARTS:
        return
    for count in range(2, len(parts) + whole):
        if count > _JOINED and count < len(parts):
            continue
        for first in range(len(parts) - count + 1):
            group = parts[first : first + count]
            text = "".join([word.text for word in group])
            if count == len(parts) or not text.isdigit():  # of a date or a number only the whole
                yield Word(text, group[0].start, group[-1].end)


def _symbol_words(folded: str) -> Iterator[Word]:
    """Signs as words, with the name that they belong to, if they do."""
    for sign in (_ASCII_SYMBOL if folded.isascii() else _SYMBOL).finditer(folded):
        spoken = _spoken(sign[0])
        if not spoken:
            continue
        start, end = sign.span()
        if sign[0] == ".":
            name = _NAME.match(folded, end)
            end = end if name is None else name.end()
        elif sign[0] in _SPOKEN:
            start = _begin_of_word(folded, start)
        before, behind = folded[start : sign.start()], folded[sign.end() : end]
        yield Word(f"{before}{spoken}{behind}".casefold(), start, end)


def _begin_of_word(text: str, end: int) -> int:
    start = end
    while start > 0 and end - start < _LONGEST_NAME and (text[start - 1] in _ALPHANUMERIC or text[start - 1] > "\x7f"):
        start -= 1
    return start


def _spoken(sign: str) -> str:
    """A sign as a word; empty: it is punctuation, or a mark of the letter before."""
    if sign in _SPOKEN:
        return _SPOKEN[sign]
    is_symbol = unicodedata.category(sign) in ("So", "Sm", "Sc") and not _DRAWN.match(sign)
    return f"u{ord(sign):x}" if is_symbol else ""


def characters(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the characters of a part of a text stand, half open; vowel signs belong to the letter before them."""
    return [character.span() for character in _CHARACTER.finditer(text, start, end)]


def _in_pairs(run: re.Match[str]) -> str:
    found = _CHARACTER.findall(run[0])
    return f" {' '.join([*_pairs(found), found[-1]])} "


def _pairs(found: Sequence[str]) -> list[str]:
    return [first + second for first, second in pairwise(found)]


def _quoted(text: str) -> str:
    """A string of FTS5, in which nothing but the quote has a meaning."""
    return '"' + text.replace('"', '""').replace("\0", " ") + '"'
