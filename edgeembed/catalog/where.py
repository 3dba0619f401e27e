"""Conditions on documents, applied in SQL before the best are taken.

``where`` is a mapping from names to what they must be: all of them must hold. A name is one of the top level of a
document's metadata, or one of these facts: ``document.id``, ``document.kind`` (``text`` or ``image``), and in a folder
``file.path`` (relative, with ``/``), ``file.name``, ``file.ext`` (lower case, without the dot), ``file.size_bytes``,
``file.modified``, ``file.date``, which of a photo is when it was taken (``photo.taken``), if that is known, and
``file.part``, which of a message in a mailbox is its number. The path of such a message is that of the mailbox, and for
all tests but ranges ``Mail/inbox.mbox/12`` as well. What it must be is one of

- a value: equal (a string, number, bool or ``None``; ``True`` is not 1);
- ``{">=": 2020, "<": 2025}``: a range of numbers or strings, with any of ``<``, ``<=``, ``>``, ``>=``;
  times take ``datetime`` and ``date`` objects, ISO strings (``"2024-05-01"``), or seconds since 1970;
- ``{"in": ["ann", "bob"]}``: one of a set; ``{"!=": "ann"}``: another value, or none at all;
- ``{"glob": "notes/**/*.md"}``: a pattern as in ``.gitignore``, or a list of patterns, any of them. ``*`` and ``?``
  stand for any characters but ``/``, ``[a-z]`` for one of a set, ``**`` for any number of folders, ``{a,b}`` for one of
  several patterns, ``\\*`` for a star itself. A pattern with a ``/`` before its end is for the path from the top; one
  without is for any file or folder name on the way. What fits a folder fits all that is in it. Letters may be composed
  (NFC) or not (NFD), as in tests of the names of files;
- ``{"not glob": "*.bak"}``: a text that fits none of such patterns, or another value, or none at all;
- ``{"has": "red"}``: a list that holds the value;
- ``{"near": (48.2, 16.4, 5)}``: latitude and longitude in degrees, in a list such as ``photo.position``, at most so
  many kilometres from these.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from reprlib import repr as shortened
from typing import Any

from ..document import PART
from ..text.globs import alternatives, any_of, translate
from ..text.normalize import compose
from ..text.surrogates import decode, encode
from ..text.terms import border_expression, contains_phrase, has_words, phrase_expression
from .metadata import comparable, distance_km, mended, named_text, nanoseconds, taken_ns
from .schema import KINDS
from .sqlite import Connection

_TAKEN = "iif(instr(d.metadata, '\"photo.taken\"'), taken(CAST(d.metadata AS BLOB)), NULL)"
IS_PART = f"instr(d.metadata, '\"{PART}\"')"
"""Whether a document ``d`` is a part of a file."""
FILE_OF = f"iif({IS_PART}, substr(d.id, 1, length(rtrim(d.id, '0123456789')) - 1), d.id)"
"""The path of the file that a document ``d`` comes from: of a part its id without the number."""
PART_OF = f"iif({IS_PART}, json_extract(d.metadata, '$.\"{PART}\"'), NULL)"
_FILE = f"(SELECT {{}} FROM files WHERE path = {FILE_OF})"
_FACTS = {
    "document.id": "d.id",
    "document.kind": "(SELECT kind FROM contents WHERE content = d.content)",
    "file.path": _FILE.format("path"),
    PART: PART_OF,
    "file.name": "CAST(path_name(CAST({} AS BLOB)) AS TEXT)".format(_FILE.format("path")),
    "file.ext": "CAST(path_ext(CAST({} AS BLOB)) AS TEXT)".format(_FILE.format("path")),
    "file.size_bytes": _FILE.format("size_bytes"),
    "file.modified": _FILE.format("mtime_ns"),
    "file.date": f"coalesce({_TAKEN}, {_FILE.format('mtime_ns')})",
    "photo.taken": _TAKEN,
}
_OWN_PATH = f"SELECT d.id WHERE {IS_PART} AND EXISTS (SELECT 1 FROM files WHERE path = {FILE_OF})"
"""Of a part its id, which names it as a path names a file."""
_TIMES = ("file.modified", "file.date", "photo.taken")
_RANGES = ("<", "<=", ">", ">=")
_OPERATORS = (*_RANGES, "in", "!=", "glob", "not glob", "has", "near")
_NEGATED = ("!=", "not glob")
"""True if there is no such value."""
_BORDER_WORDS = 3
"""Least words of a passage in the midst of a phrase; by it, that many passages before the last one are looked at."""
_MAX_LOOK_BACK = 32
_BORDER_CHARACTERS = 2000
"""So much of either side, beside four times the length of a phrase, is looked at."""
# Metadata of an older edgeembed may hold NaN, over which json_each would stumble.
_METADATA = "json_each(CASE WHEN json_valid(d.metadata) THEN d.metadata ELSE mended(d.metadata) END)"
_MAX_TESTS = 5000
"""Of one filter: SQLite takes 32766 values, and a test has up to five."""
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
        return joined([self, other], "AND")

    def __invert__(self) -> Condition:
        return Condition(f"NOT ({self.sql})", self.values)


def among(documents: Sequence[int]) -> Condition:
    """That it is one of these documents, by their numbers."""
    return Condition("d.document IN (SELECT value FROM json_each(?))", (json.dumps(list(documents)),))


def joined(conditions: Sequence[Condition], operator: str) -> Condition:
    """Conditions of which all (``AND``) or any (``OR``) must hold, those that ask for nothing left out.

    A tree of even depth: SQLite takes expressions of up to 1000 levels, and a chain has one for each part.
    """
    parts = [part for part in conditions if part]
    if len(parts) <= 2:
        sql = f" {operator} ".join(part.sql for part in parts)
        return Condition(sql, tuple(value for part in parts for value in part.values))
    half = len(parts) // 2
    left, right = joined(parts[:half], operator), joined(parts[half:], operator)
    return Condition(f"({left.sql}) {operator} ({right.sql})", left.values + right.values)


def condition(where: Mapping[str, Any]) -> Condition:
    """``where`` as SQL; false if it asks for nothing.

    Raises:
        TypeError, ValueError: it asks for something that cannot be compared, or for too many things.
    """
    if not isinstance(where, Mapping):
        raise TypeError(f"where must be a mapping such as {{'file.ext': 'md'}}, not {shortened(where)}")
    conditions = []
    for name, value in where.items():
        if not isinstance(name, str):
            raise TypeError(f"where must have names for keys, such as 'file.ext', not {shortened(name)}")
        tests = value if isinstance(value, Mapping) else {"=": value}
        if not tests or not set(tests) <= {*_OPERATORS, "="}:
            raise ValueError(
                f"where[{name!r}] must be a value or hold some of {', '.join(_OPERATORS)}, not {shortened(value)}"
            )
        conditions += [_one(name, operator, operand) for operator, operand in tests.items()]
    if len(conditions) > _MAX_TESTS:
        raise ValueError(
            f"where has {len(conditions):,} tests, and at most {_MAX_TESTS:,} are possible; values of one name go into "
            "one test: {'in': […]}"
        )
    return joined(conditions, "AND")


def word_condition(phrases: Sequence[str], excluded: Sequence[str]) -> Condition:
    """That passage or name holds every phrase, and neither document nor name any of what is excluded.

    Raises:
        ValueError: these are too many.
    """
    tests = []
    for phrase in dict.fromkeys(phrases):
        passages, names = _passages_with(phrase), _names_with(phrase)
        test = f"(c.key IN ({passages.sql}) OR d.document IN ({names.sql}))"
        tests.append(Condition(test, passages.values + names.values))
    for phrase in dict.fromkeys(excluded):
        passages, names = _passages_with(phrase), _names_with(phrase)
        contents = f"SELECT content FROM chunks WHERE key IN ({passages.sql})"
        test = f"(d.content NOT IN ({contents}) AND d.document NOT IN ({names.sql}))"
        tests.append(Condition(test, passages.values + names.values))
    if len(tests) > _MAX_TESTS:
        raise ValueError(
            f"the query has {len(tests):,} phrases and excluded words, and at most {_MAX_TESTS:,} are possible"
        )
    return joined(tests, "AND")


_HOLDING = (
    "SELECT p.key FROM words w JOIN chunks p ON p.key = w.rowid WHERE words MATCH ? AND holds(CAST(p.text AS BLOB), ?)"
)
_TEXT_BEFORE = (
    "(SELECT group_concat(text, char(10)) FROM (SELECT text FROM (SELECT text, start FROM chunks b "
    "WHERE b.content = p.content AND b.start < p.start ORDER BY b.start DESC LIMIT ?) ORDER BY start))"
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
    look_back = min(1 + len(phrase.split()) // _BORDER_WORDS, _MAX_LOOK_BACK)
    return Condition(f"{holding.sql} UNION {_OVER_BORDER}", (*holding.values, beginning, look_back, phrase))


def _names_with(phrase: str) -> Condition:
    sql = "SELECT n.rowid FROM names n JOIN documents e ON e.document = n.rowid "
    sql += "WHERE names MATCH ? AND holds(named(CAST(e.id AS BLOB), CAST(e.metadata AS BLOB)), ?)"
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
        ValueError: as :func:`alternatives` and :func:`translate`.
    """
    expressions = []
    for body in alternatives(pattern.removeprefix("./").rstrip("/")):
        anywhere = "" if "/" in body else "(?:.*/)?"
        expressions.append(
            f"{anywhere}{translate(body, strict=True)}(?:/.*)?"
        )  # what fits a folder fits all that is in it
    return any_of(expressions) if len(expressions) > 1 else expressions[0]


def _one(name: str, operator: str, operand: Any) -> Condition:
    """One test of one name."""
    rows = _rows(name, is_range=operator in _RANGES)
    if name in _TIMES:
        operand = nanoseconds(name, operand)
    test = _test(name, operator, operand)
    exists = "NOT EXISTS" if operator in _NEGATED else "EXISTS"
    return Condition(f"{exists} (SELECT 1 FROM {rows.sql} AND {test.sql})", rows.values + test.values)


def _rows(name: str, *, is_range: bool = False) -> Condition:
    """What has a name, as rows ``m`` with their ``value`` and ``type``; none if the metadata has no such name."""
    if name in _FACTS:
        values = f"SELECT {_FACTS[name]} AS value"
        if name == "file.path" and not is_range:  # each end of a range would take the value that fits it
            values += f" UNION ALL {_OWN_PATH}"
        # Without the LIMIT SQLite would put the expression in the place of each ``value``, and work it out twice.
        return Condition(f"(SELECT value, typeof(value) AS type FROM ({values} LIMIT 2)) m WHERE 1")
    if name.startswith(("file.", "document.")):
        raise ValueError(f"where[{name!r}]: the facts are {', '.join(_FACTS)}")
    return Condition(f"{_METADATA} m WHERE m.key = {_TEXT}", (encode(name),))


def _test(name: str, operator: str, operand: Any) -> Condition:
    """The test of a row ``m``; of what is negated, what must not be."""
    if operator in ("=", "!="):
        return _equal(name, operand, "m")
    if operator == "in":
        return _in(name, operand)
    if operator == "has":
        element = _equal(name, operand, "e")
        exists = f"EXISTS (SELECT 1 FROM json_each(m.value) e WHERE {element.sql})"
        return Condition(f"m.type = 'array' AND {exists}", element.values)
    if operator in ("glob", "not glob"):
        return _glob(name, operand)
    if operator == "near":
        return _near(name, operand)
    return _in_range(name, operator, operand)


def _in(name: str, operand: Any) -> Condition:
    """One of many values, which go over as a table each of texts, numbers and names of types."""
    if isinstance(operand, (str, bytes, Mapping)) or not hasattr(operand, "__iter__"):
        raise TypeError(f"where[{name!r}]: 'in' takes a list of values, not {shortened(operand)}")
    values = [_compared(name, value) for value in operand]
    texts = [value for value in values if isinstance(value, str)]
    # JSON of SQLite ends a text at NUL, and names of files are compared composed.
    alone = {text for text in texts if "\0" in text or (name.startswith("file.") and not text.isascii())}
    single = [_equal(name, text, "m") for text in dict.fromkeys(texts) if text in alone]
    texts = [text for text in texts if text not in alone]
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    types = [json.dumps(value) for value in values if value is None or isinstance(value, bool)]
    tables = (
        ("m.type = 'text' AND m.value", texts),
        ("m.type IN ('integer', 'real') AND m.value", [value for value in numbers if math.isfinite(value)]),
        ("m.type", types),
    )
    several = [
        Condition(f"({column} IN (SELECT value FROM json_each(?)))", (json.dumps(table),))
        for column, table in tables
        if table
    ]
    one_of = joined([*several, *single] or [Condition("0")], "OR")
    return Condition(f"({one_of.sql})", one_of.values)


def _glob(name: str, operand: Any) -> Condition:
    is_list = hasattr(operand, "__iter__") and not isinstance(operand, (str, Mapping))
    patterns = list(operand) if is_list else [operand]
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"where[{name!r}]: 'glob' takes a pattern or a list of patterns, not {shortened(operand)}")
    expressions = []
    for pattern in patterns:
        try:
            expressions.append(_glob_expression(compose(pattern)))
        except ValueError as error:
            raise ValueError(f"{name}: {pattern!r:.80} is no pattern that can be used: {error}") from None
    return Condition("m.type = 'text' AND fits(CAST(m.value AS BLOB), ?)", (encode(any_of(expressions)),))


def _near(name: str, operand: Any) -> Condition:
    """A latitude and a longitude, as a list, at most so many kilometres from others."""
    values = [_compared(name, value) for value in operand] if isinstance(operand, Sequence) else []
    if isinstance(operand, str) or len(values) != 3 or not all(_is_number(value) for value in values):
        raise TypeError(f"where[{name!r}]: 'near' takes latitude, longitude and kilometres, not {shortened(operand)}")
    latitude, longitude, most_km = values
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and most_km >= 0):
        raise ValueError(f"where[{name!r}]: 'near' takes degrees, such as (48.2, 16.4, 5), not {shortened(operand)}")
    return Condition("m.type = 'array' AND distance(m.value, ?, ?) <= ?", (latitude, longitude, most_km))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _in_range(name: str, operator: str, operand: Any) -> Condition:
    operand = _compared(name, operand, is_range=True)
    if isinstance(operand, bool) or not isinstance(operand, (str, int, float)):
        raise TypeError(f"where[{name!r}]: {operator!r} takes a number or a string, not {shortened(operand)}")
    if isinstance(operand, str):
        return Condition(f"m.type = 'text' AND m.value {operator} {_TEXT}", (encode(operand),))
    return Condition(f"m.type IN ('integer', 'real') AND m.value {operator} ?", (operand,))


def _compared(name: str, value: Any, *, is_range: bool = False) -> Any:
    """A value as it is compared with those of ``name``; a range may begin or end beyond 64 bits.

    Raises:
        TypeError, ValueError: it cannot be compared.
    """
    if is_range and isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return float(value) if abs(value) < 1 << 1000 else math.inf if value > 0 else -math.inf
    value = comparable(name, value)
    if name == "document.kind" and not is_range and value not in KINDS:
        raise ValueError(f"where[{name!r}]: the kinds are {', '.join(KINDS)}, not {value!r:.80}")
    return value


def _equal(name: str, value: Any, row: str) -> Condition:
    value = _compared(name, value)
    if isinstance(value, str) and name.startswith("file.") and not value.isascii():
        return Condition(
            f"({row}.type = 'text' AND composed(CAST({row}.value AS BLOB)) IS ?)", (_composed(encode(value)),)
        )
    if isinstance(value, str):
        return Condition(f"({row}.type = 'text' AND {row}.value IS {_TEXT})", (encode(value),))
    types = "('true', 'false')" if isinstance(value, bool) else "('integer', 'real', 'null')"
    return Condition(f"({row}.value IS ? AND {row}.type IN {types})", (value,))


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
    "distance": (3, distance_km),
    "fits": (2, lambda raw, expression: _compiled(_decoded(expression)).fullmatch(compose(_decoded(raw))) is not None),
    "holds_option": (2, lambda raw, option: re.search(option, _decoded(raw), re.IGNORECASE) is not None),
    "holds_across": (3, _holds_across),
    "mended": (1, mended),
    "holds": (2, lambda raw, phrase: contains_phrase(_decoded(raw), phrase)),
    "named": (2, lambda id, metadata: encode(named_text(_decoded(id), _decoded(metadata)))),
    "path_ext": (1, lambda raw: encode(PurePosixPath(_decoded(raw)).suffix[1:].lower())),
    "path_name": (1, lambda raw: encode(_decoded(raw).rpartition("/")[2])),
    "taken": (1, taken_ns),
}
"""Name to number of arguments and function."""
