"""Conditions on documents, applied in SQL before the best are taken.

``where`` is a mapping from names to what they must be: all of them must hold. A name is one of the top level of a
document's metadata, or one of these facts: ``document.id``, ``document.kind`` (``text`` or ``image``), and in a folder
``file.path`` (relative, with ``/``), ``file.name``, ``file.ext`` (lower case, without the dot), ``file.size_bytes`` and
``file.modified``. What it must be is one of

- a value: equal (a string, number, bool or ``None``; ``True`` is not 1);
- ``{">=": 2020, "<": 2025}``: a range of numbers or strings, with any of ``<``, ``<=``, ``>``, ``>=``;
  ``file.modified`` takes ``datetime`` and ``date`` objects, ISO strings (``"2024-05-01"``), or seconds since 1970;
- ``{"in": ["ann", "bob"]}``: one of a set; ``{"!=": "ann"}``: another value, or none at all;
- ``{"glob": "notes/**/*.md"}``: a pattern as in ``.gitignore``, or a list of patterns, any of them. ``*`` and ``?``
  stand for any characters but ``/``, ``[a-z]`` for one of a set, ``**`` for any number of folders, ``\\*`` for a star
  itself. A pattern with a ``/`` before its end is for the path from the top; one without is for any file or folder
  name on the way. What fits a folder fits all that is in it. Letters may be composed (NFC) or not (NFD), as in tests
  of the names of files;
- ``{"has": "red"}``: a list that holds the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from ..text.globs import any_of, translate
from ..text.normalize import compose
from ..text.surrogates import decode, encode
from ..text.terms import border_expression, contains_phrase, has_words, phrase_expression
from .schema import KINDS
from .sqlite import Connection

_FILE = "(SELECT {} FROM files WHERE path = d.id)"
_FACTS = {
    "document.id": "d.id",
    "document.kind": "(SELECT kind FROM contents WHERE content = d.content)",
    "file.path": _FILE.format("path"),
    "file.name": "CAST(path_name(CAST({} AS BLOB)) AS TEXT)".format(_FILE.format("path")),
    "file.ext": "CAST(path_ext(CAST({} AS BLOB)) AS TEXT)".format(_FILE.format("path")),
    "file.size_bytes": _FILE.format("size_bytes"),
    "file.modified": _FILE.format("mtime_ns"),
}
_RANGES = ("<", "<=", ">", ">=")
_OPERATORS = (*_RANGES, "in", "!=", "glob", "has")
_LOOK_BACK = 3
"""A phrase that goes over the border of passages is looked for in the last one and so many before it."""
_BORDER_CHARACTERS = 2000
"""So much of either side, beside four times the length of a phrase, is looked at."""
_TEXT = "CAST(? AS TEXT)"
"""A text that is handed over as bytes; see :func:`.sqlite.encode`."""


@dataclass(frozen=True)
class Condition:
    """A condition in SQL on chunks ``c`` of documents ``d``, and its values."""

    sql: str
    values: tuple[Any, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sql)

    def __and__(self, other: Condition) -> Condition:
        parts = [part.sql for part in (self, other) if part]
        return Condition(" AND ".join(parts), self.values + other.values)


def condition(where: Mapping[str, Any]) -> Condition:
    """``where`` as SQL; false if it asks for nothing.

    Raises:
        TypeError, ValueError: it asks for something that cannot be compared.
    """
    if not isinstance(where, Mapping):
        raise TypeError(f"where must be a mapping such as {{'file.ext': 'md'}}, not {where!r:.80}")
    whole = Condition("")
    for name, value in where.items():
        tests = value if isinstance(value, Mapping) else {"=": value}
        if not tests or not set(tests) <= {*_OPERATORS, "="}:
            raise ValueError(f"where[{name!r}] must be a value or hold some of {', '.join(_OPERATORS)}, not {value!r}")
        for operator, operand in tests.items():
            whole &= _one(name, operator, operand)
    return whole


def word_condition(phrases: Sequence[str], excluded: Sequence[str]) -> Condition:
    """That passage or name holds every phrase, and neither document nor name any of what is excluded."""
    whole = Condition("")
    for phrase in phrases:
        passages, names = _passages_with(phrase), _names_with(phrase)
        test = f"(c.key IN ({passages.sql}) OR d.document IN ({names.sql}))"
        whole &= Condition(test, passages.values + names.values)
    for phrase in excluded:
        passages, names = _passages_with(phrase), _names_with(phrase)
        contents = f"SELECT content FROM chunks WHERE key IN ({passages.sql})"
        test = f"d.content NOT IN ({contents}) AND d.document NOT IN ({names.sql})"
        whole &= Condition(test, passages.values + names.values)
    return whole


_HOLDING = (
    "SELECT p.key FROM words w JOIN chunks p ON p.key = w.rowid WHERE words MATCH ? AND holds(CAST(p.text AS BLOB), ?)"
)
_TEXT_BEFORE = (
    "(SELECT group_concat(text, char(10)) FROM (SELECT text FROM (SELECT text, start FROM chunks b "
    f"WHERE b.content = p.content AND b.start < p.start ORDER BY b.start DESC LIMIT {_LOOK_BACK}) ORDER BY start))"
)
_OVER_BORDER = (
    "SELECT k.value FROM (SELECT p.key, (SELECT b.key FROM chunks b WHERE b.content = p.content AND b.start < p.start "
    "ORDER BY b.start DESC LIMIT 1) AS before FROM words w JOIN chunks p ON p.key = w.rowid "
    f"WHERE words MATCH ? AND holds_across(CAST({_TEXT_BEFORE} AS BLOB), CAST(p.text AS BLOB), ?)) p, "
    "json_each(json_array(p.key, p.before)) k"
)


def _passages_with(phrase: str) -> Condition:
    """Keys of passages that hold a phrase, or of two between which it stands."""
    holding = Condition(_HOLDING, (phrase_expression(phrase), phrase))
    beginning = border_expression(phrase)
    if not beginning:
        return holding
    return Condition(f"{holding.sql} UNION {_OVER_BORDER}", (*holding.values, beginning, phrase))


def _names_with(phrase: str) -> Condition:
    sql = "SELECT n.rowid FROM names n JOIN documents e ON e.document = n.rowid "
    sql += "WHERE names MATCH ? AND holds(CAST(e.id AS BLOB), ?)"
    return Condition(sql, (phrase_expression(phrase), phrase))


def holds_option(db: Connection, word: str, rest: str) -> bool:
    """Whether a passage with all words of ``rest`` holds ``word`` after white space and a minus sign, as ``rm -rf``."""
    words = [phrase_expression(part) for part in (*rest.split(), word) if has_words(part)]
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM words w JOIN chunks p ON p.key = w.rowid "
        "WHERE words MATCH ? AND holds_option(CAST(p.text AS BLOB), ?))",
        (" AND ".join(words), rf"(?:^|\s)-{re.escape(word)}(?!\w)"),
    ).fetchone()
    return bool(row[0])


def _glob_expression(pattern: str) -> str:
    """A regular expression for what a pattern fits: the whole path from the top, or any name on the way.

    Raises:
        ValueError: as :func:`translate`.
    """
    body = pattern.removeprefix("./").rstrip("/")
    anywhere = "" if "/" in body else "(?:.*/)?"
    return f"{anywhere}{translate(body)}(?:/.*)?"  # what fits a folder fits all that is in it


def _one(name: str, operator: str, operand: Any) -> Condition:
    """One test of one name."""
    rows = _rows(name)
    if name == "file.modified":
        operand = _nanoseconds(name, operand)
    test = _test(name, operator, operand)
    exists = "NOT EXISTS" if operator == "!=" else "EXISTS"
    return Condition(f"{exists} (SELECT 1 FROM {rows.sql} AND {test.sql})", rows.values + test.values)


def _rows(name: str) -> Condition:
    """What has a name, as a row ``m`` with its ``value`` and ``type``; none if the metadata has no such name."""
    if name in _FACTS:
        # Without the LIMIT SQLite would put the expression in the place of each ``value``, and work it out twice.
        return Condition(
            f"(SELECT value, typeof(value) AS type FROM (SELECT {_FACTS[name]} AS value LIMIT 1)) m WHERE 1"
        )
    if name.startswith(("file.", "document.")):
        raise ValueError(f"where[{name!r}]: the facts are {', '.join(_FACTS)}")
    return Condition(f"json_each(d.metadata) m WHERE m.key = {_TEXT}", (encode(name),))


def _test(name: str, operator: str, operand: Any) -> Condition:
    """The test of a row ``m``; of ``!=``, what must not be."""
    if operator in ("=", "!="):
        return _equal(name, operand, "m")
    if operator == "in":
        return _in(name, operand)
    if operator == "has":
        element = _equal(name, operand, "e")
        exists = f"EXISTS (SELECT 1 FROM json_each(m.value) e WHERE {element.sql})"
        return Condition(f"m.type = 'array' AND {exists}", element.values)
    if operator == "glob":
        return _glob(name, operand)
    return _in_range(name, operator, operand)


def _in(name: str, operand: Any) -> Condition:
    if isinstance(operand, (str, bytes)) or not hasattr(operand, "__iter__"):
        raise TypeError(f"where[{name!r}]: 'in' takes a list of values, not {operand!r}")
    tests = [_equal(name, value, "m") for value in operand]
    sql = " OR ".join(test.sql for test in tests) or "0"
    return Condition(f"({sql})", tuple(value for test in tests for value in test.values))


def _glob(name: str, operand: Any) -> Condition:
    is_list = hasattr(operand, "__iter__") and not isinstance(operand, str)
    patterns = list(operand) if is_list else [operand]
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"where[{name!r}]: 'glob' takes a pattern or a list of patterns, not {operand!r}")
    expressions = []
    for pattern in patterns:
        try:
            expressions.append(_glob_expression(compose(pattern)))
        except ValueError as error:
            raise ValueError(f"{name}: {pattern!r:.80} is no pattern that can be used: {error}") from None
    return Condition("m.type = 'text' AND fits(CAST(m.value AS BLOB), ?)", (encode(any_of(expressions)),))


def _in_range(name: str, operator: str, operand: Any) -> Condition:
    if isinstance(operand, bool) or not isinstance(operand, (str, int, float)):
        raise TypeError(f"where[{name!r}]: {operator!r} takes a number or a string, not {operand!r}")
    if isinstance(operand, str):
        return Condition(f"m.type = 'text' AND m.value {operator} {_TEXT}", (encode(operand),))
    return Condition(f"m.type IN ('integer', 'real') AND m.value {operator} ?", (operand,))


def _equal(name: str, value: Any, row: str) -> Condition:
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise TypeError(
            f"where[{name!r}] must be a string, number, bool or None (or {{'in': […]}} and the like), "
            f"not {type(value).__name__}"
        )
    if name == "document.kind" and value not in KINDS:
        raise ValueError(f"where[{name!r}]: the kinds are {', '.join(KINDS)}, not {value!r}")
    if isinstance(value, str) and name.startswith("file.") and not value.isascii():
        return Condition(
            f"({row}.type = 'text' AND composed(CAST({row}.value AS BLOB)) IS ?)", (_composed(encode(value)),)
        )
    if isinstance(value, str):
        return Condition(f"({row}.type = 'text' AND {row}.value IS {_TEXT})", (encode(value),))
    types = "('true', 'false')" if isinstance(value, bool) else "('integer', 'real', 'null')"
    return Condition(f"({row}.value IS ? AND {row}.type IN {types})", (value,))


def _nanoseconds(name: str, when: Any) -> Any:
    """A point in time as ``st_mtime_ns`` counts; of a collection, each."""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise ValueError(f"where[{name!r}]: {when!r} is no time such as 2024-05-01 or 2024-05-01T18:30") from None
    elif isinstance(when, date) and not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if isinstance(when, datetime):
        return round(when.timestamp() * 1_000_000) * 1000
    if isinstance(when, (int, float)) and not isinstance(when, bool):
        return round(when * 1_000_000_000)
    if isinstance(when, (list, tuple, set, frozenset)):
        return [_nanoseconds(name, item) for item in when]
    return when


# Paths and texts go to and fro as bytes, because sqlite3 hands over no text that is not valid UTF-8.


def _holds_across(before: bytes | None, text: bytes, phrase: str) -> bool:
    most = _BORDER_CHARACTERS + 4 * len(phrase)
    # The first word may be cut.
    left = _decoded(before)[-most:].partition(" ")[2] if len(before or b"") > most else _decoded(before)
    return contains_phrase(f"{left}\n{_decoded(text)[:most]}", phrase)


def _composed(raw: bytes | None) -> bytes:
    return encode(compose(_decoded(raw)))


def _decoded(raw: bytes | None) -> str:
    return decode(raw or b"")


@lru_cache(maxsize=64)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "composed": (1, _composed),
    "fits": (2, lambda raw, expression: _compiled(_decoded(expression)).fullmatch(compose(_decoded(raw))) is not None),
    "holds_option": (2, lambda raw, option: re.search(option, _decoded(raw), re.IGNORECASE) is not None),
    "holds_across": (3, _holds_across),
    "holds": (2, lambda raw, phrase: contains_phrase(_decoded(raw), phrase)),
    "path_ext": (1, lambda raw: encode(PurePosixPath(_decoded(raw)).suffix[1:].lower())),
    "path_name": (1, lambda raw: encode(_decoded(raw).rpartition("/")[2])),
}
"""Name to number of arguments and function."""
