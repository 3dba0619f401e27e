"""Full text in the catalog: SQLite FTS5 tables over passages and names, ranked by BM25.

Both are contentless: FTS5 holds the inverted index, the text stays in ``chunks`` and ``documents``. What goes in is not
that text but its words in the one form that queries have as well (``text/terms.py``, :func:`index_words`), so that
FTS5 has only to part them at spaces and to reduce them to their stems (Porter 1980, An algorithm for suffix stripping):
its own tokenizers take the marks of many scripts for spaces. Who adds or removes rows in ``chunks`` or ``documents``
does the same here, in the same transaction. (Triggers would do so by themselves, but they need ``trusted_schema``,
which a file that somebody else made should not have.) BM25 is FTS5's own, with k1 = 1.2 and b = 0.75 (Robertson and
Zaragoza 2009, The Probabilistic Relevance Framework, doi:10.1561/1500000019).
"""

from __future__ import annotations

import json
import math
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..text.surrogates import decode, encode
from ..text.terms import WORDS_VERSION, aligned_words, index_words
from . import settings
from .checksums import insert_sql
from .sqlite import in_memory

if TYPE_CHECKING:
    import sqlite3

Table = Literal["words", "names"]
_FORM = "USING fts5(text, extra, content = '', tokenize = 'porter ascii')"
SCHEMA = f"""
CREATE VIRTUAL TABLE words {_FORM};
CREATE VIRTUAL TABLE names {_FORM};
"""
_SOURCES: dict[Table, str] = {
    "words": "SELECT key, CAST(text AS BLOB) FROM chunks WHERE text IS NOT NULL",
    "names": "SELECT document, CAST(id AS BLOB) FROM documents WHERE 1",
}
"""The texts whose words are in each table, by the number of their row."""
_K1 = 1.2
_FEW = 200
_BUDGET = 3072
"""So many rows may hold the words that passages are found by; ranking a row takes about a microsecond."""
_SURE, _LIKELY = 20, 1.0
"""The best so many are to have more BM25 than so many times the weight of the terms that find nothing. None has more
than k1 + 1 times it; a passage of average length that holds each of them once has 1 time."""
_FEW_ROWS = 16384
"""Of so many rows all that hold any word can be ranked."""
_COUNTED, _STRETCHES, _SAMPLED = 1024, 5, 32
"""Words of more rows are counted in so many stretches of them, in one row of so many, and the rest is inferred."""
_MARK = "\x02"
_MARKING = threading.local()


class Term(NamedTuple):
    """A word of a query."""

    expression: str
    """For ``MATCH``, as often as the query has it."""
    weight: float
    """Of all times that the query has it."""
    rows: int
    """How many hold it, nearly."""


@dataclass(frozen=True)
class Terms:
    """The words of a query that tell passages apart, or names."""

    expression: str
    """For ``MATCH``: any of them; empty if no word of the query is of use."""
    max_bm25: float
    """The BM25 that none can exceed: the sum of all weights, times k1 + 1."""
    by_rarity: tuple[Term, ...] = ()
    """The rarest first; empty: there is no need to know."""

    def parted(self, budget: int) -> tuple[list[str], list[str], float]:
        """The rarest terms that together stand in ``budget`` rows, one at least, the others, and the others' weight."""
        held = list(accumulate(term.rows for term in self.by_rarity))
        count = max(1, bisect_right(held, budget))
        expressions = [term.expression for term in self.by_rarity]
        return expressions[:count], expressions[count:], sum(term.weight for term in self.by_rarity[count:])

    @property
    def spread(self) -> float:
        """By how much BM25 differs between them: a sum of independent parts spreads by the root of its size."""
        return math.sqrt(self.max_bm25) or 1.0


def add(db: sqlite3.Connection, table: Table, row: int, text: str) -> None:
    """Add the words of a text, under the number of its row."""
    db.execute(_insert(table), (row, *_columns(text)))


def remove(db: sqlite3.Connection, table: Table, where: str, values: Sequence[object]) -> None:
    """Remove the words of the texts in some rows of what a table is about; these must still be there.

    Args:
        where: a condition on ``chunks`` or ``documents``, in SQL.
        values: of its parameters.
    """
    rows = db.execute(f"{_SOURCES[table]} AND {where}", values)
    sql = f"INSERT INTO {table} ({table}, rowid, text, extra) VALUES ('delete', ?, CAST(? AS TEXT), CAST(? AS TEXT))"
    db.executemany(sql, _with_words(rows))


def rebuild(db: sqlite3.Connection) -> None:
    """Make both indexes anew from what the catalog holds."""
    for table in _SOURCES:
        db.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")
        _fill(db, table, table)
    db.execute(insert_sql("settings", verb="INSERT OR REPLACE"), (settings.FULL_TEXT, WORDS_VERSION))


def is_current(db: sqlite3.Connection) -> bool:
    """Whether the words in full text are made as queries are read here; with another Unicode they may not be."""
    row = db.execute("SELECT value FROM settings WHERE name = ?", (settings.FULL_TEXT,)).fetchone()
    return row is not None and row[0] == WORDS_VERSION


def check(db: sqlite3.Connection) -> bool:
    """Whether both indexes say what the catalog holds: they are made again beside the old ones, and compared."""
    for table in _SOURCES:
        again, (old, new) = f"again_{table}", (f"{table}_rows", f"again_{table}_rows")
        db.execute(f"CREATE VIRTUAL TABLE temp.{again} {_FORM}")
        db.execute(f"CREATE VIRTUAL TABLE temp.{old} USING fts5vocab(main, {table}, instance)")
        db.execute(f"CREATE VIRTUAL TABLE temp.{new} USING fts5vocab(temp, {again}, instance)")
        try:
            _fill(db, table, again)
            db.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
            db.execute("SAVEPOINT written")  # then FTS5 keeps nothing back
            db.execute("RELEASE written")
            if not _are_equal(db, "SELECT * FROM {}_rows", table, again):
                return False
            # Lengths and their sum, which BM25 is computed with.
            sizes = "SELECT id, sz FROM {0}_docsize UNION ALL SELECT 0, block FROM {0}_data WHERE id = 1 "
            sizes += "AND EXISTS (SELECT 1 FROM {0}_docsize) ORDER BY 1"
            if not _are_equal(db, sizes, table, again):
                return False
        finally:
            for name in (old, new, again):
                db.execute(f"DROP TABLE temp.{name}")
    return True


def _are_equal(db: sqlite3.Connection, query: str, one: str, other: str) -> bool:
    return all(a == b for a, b in zip_longest(db.execute(query.format(one)), db.execute(query.format(other))))


def _fill(db: sqlite3.Connection, source: Table, table: str) -> None:
    db.executemany(_insert(table), _with_words(db.execute(_SOURCES[source])))


def _insert(table: str) -> str:
    return f"INSERT INTO {table} (rowid, text, extra) VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT))"


def _with_words(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    return ((row, *_columns(decode(raw))) for row, raw in rows)


def _columns(text: str) -> tuple[bytes, bytes]:
    words, extra = index_words(text)
    return encode(words), encode(extra)


def count(db: sqlite3.Connection) -> int:
    """How many passages there are, pictures among them, by an index: going through their texts would take long."""
    return int(db.execute("SELECT count(*) FROM chunks").fetchone()[0])


def weigh(db: sqlite3.Connection, table: Table, terms: Sequence[str]) -> Terms:
    """Leave out terms that FTS5 gives no weight because they stand in more than half of all rows, unless all do.

    A term that is listed twice counts twice (the query term frequency of BM25, with k3 at infinity): in the long
    questions of CISI that gains 4.7 of nDCG@10 by words alone. Passages and names are weighed each by themselves, as
    FTS5 does: in a folder of photos alone no passage holds any word, and what is rare in texts may stand in every name.
    """
    # Of texts alone, as FTS5 counts: a thousand photos must not make words of the notes beside them weigh less.
    (rows,) = db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()
    times = Counter(terms)
    counts = _counts(db, table, list(times), rows)
    weights = {term: math.log((rows - holding + 0.5) / (holding + 0.5)) for term, holding in counts.items()}
    telling = [term for term in times if weights[term] > 0] or list(times)
    weighed = [Term(" OR ".join([t] * times[t]), times[t] * max(weights[t], 1e-6), counts[t]) for t in telling]
    expression = " OR ".join([term.expression for term in weighed])
    most = (_K1 + 1) * sum(term.weight for term in weighed)
    by_rarity = sorted(weighed, key=lambda term: term.rows) if rows > _FEW_ROWS else ()
    return Terms(expression, most, tuple(by_rarity))


def _counts(db: sqlite3.Connection, table: Table, terms: Sequence[str], rows: int) -> dict[str, int]:
    """How many rows hold each term: of many rows exactly up to ``_COUNTED``, above it inferred from samples."""
    counts: dict[str, int] = {}
    stretches: list[tuple[int, int]] = []
    sampled = 0
    exact = rows + 1 if rows <= _FEW_ROWS else _COUNTED
    for term in terms:
        counts[term] = _count(db, table, term, exact)
        if counts[term] < exact:
            continue
        if not stretches:
            # One by one: both at once SQLite finds by going through all rows.
            first, last = (db.execute(f"SELECT {end}(id) FROM {table}_docsize").fetchone()[0] for end in ("min", "max"))
            step = (last - first + 1) / _STRETCHES
            starts = [first + int(step * number) for number in range(_STRETCHES)]
            stretches = [(start, start + int(step / _SAMPLED)) for start in starts]
            sql = f"SELECT count(*) FROM {table}_docsize WHERE id BETWEEN ? AND ?"
            sampled = sum(db.execute(sql, stretch).fetchone()[0] for stretch in stretches)
        sql = f"SELECT count(*) FROM {table} WHERE {table} MATCH ? AND rowid BETWEEN ? AND ?"
        found = sum(db.execute(sql, (term, *stretch)).fetchone()[0] for stretch in stretches)
        counts[term] = min(rows, max(_COUNTED, found * rows // max(1, sampled)))
    return counts


def _count(db: sqlite3.Connection, table: Table, expression: str, most: int) -> int:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"
    return int(db.execute(sql, (expression, most)).fetchone()[0])


def frequency(db: sqlite3.Connection, expression: str, most: int) -> int:
    """How many passages and names hold what an expression asks for, counted up to ``most`` of each."""
    return sum(_count(db, table, expression, most) for table in _SOURCES)


def holding(db: sqlite3.Connection, table: Table, expression: str, rows: Sequence[int]) -> list[int]:
    """Those of some rows that hold what an expression asks for."""
    plus = "" if len(rows) < _FEW else "+"  # as in `passages`
    found = db.execute(
        f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND {plus}rowid IN (SELECT value FROM json_each(?))",
        (expression, json.dumps(list(rows))),
    )
    return [row for (row,) in found]


def passages(db: sqlite3.Connection, terms: Terms, most: int, allowed: Sequence[int] | None) -> list[tuple[int, float]]:
    """Key and BM25 of the ``most`` best passages, best first; of the ``allowed`` ones only (``None``: of all)."""
    return _ranked(db, "words", terms, most, allowed)


def names(db: sqlite3.Connection, terms: Terms, most: int) -> list[tuple[int, float]]:
    """Document and BM25 of the ``most`` names that fit best, best first."""
    return _ranked(db, "names", terms, most, None)


def _ranked(
    db: sqlite3.Connection, table: Table, terms: Terms, most: int, allowed: Sequence[int] | None
) -> list[tuple[int, float]]:
    """Rows of a table and their BM25, best first.

    Of many rows only those are ranked that hold rare terms, as ranking all that hold any would take as long as nearly
    all rows of the index. More are ranked until the best are better than what frequent terms alone are likely to give
    (Turtle and Flood 1995, Query evaluation: strategies and optimizations, doi:10.1016/0306-4573(95)00020-H).
    """
    if not terms.expression:
        return []
    inside, values = "", [str(most)]
    if allowed is not None:
        # The plus keeps SQLite from asking FTS5 once for every row, which pays for few only.
        inside = f"AND {'' if len(allowed) < _FEW else '+'}rowid IN (SELECT value FROM json_each(?3))"
        values.append(json.dumps(list(allowed)))
    sql = f"SELECT rowid, rank FROM {table} WHERE {table} MATCH ?1 {inside} ORDER BY rank, rowid LIMIT CAST(?2 AS INT)"
    budget, is_parted = _BUDGET, bool(terms.by_rarity) and (allowed is None or len(allowed) > _BUDGET)
    while True:
        rare, frequent, weight = terms.parted(budget) if is_parted else ([], [], 0.0)
        if not frequent:
            return [(row, -rank) for row, rank in db.execute(sql, (terms.expression, *values))]
        some, others = " OR ".join(rare), " OR ".join(frequent)
        expressions = (f"({some}) AND ({others})", f"({some}) NOT ({others})")  # the rank of each row is that of all
        found = [row for expression in expressions for row in db.execute(sql, (expression, *values))]
        found.sort(key=lambda item: (item[1], item[0]))
        if len(found) >= _SURE and -found[_SURE - 1][1] >= _LIKELY * weight:
            return [(row, -rank) for row, rank in found[:most]]
        budget *= 4


def _one_text() -> sqlite3.Connection:
    """A table for one text at a time, of each thread its own: making one takes a third as long as marking a text."""
    if not hasattr(_MARKING, "db"):
        _MARKING.db = in_memory()
        _MARKING.db.execute("CREATE VIRTUAL TABLE words USING fts5(text, extra, tokenize = 'porter ascii')")
    return _MARKING.db  # type: ignore[no-any-return]


def marks(text: str, expression: str) -> list[tuple[int, int]]:
    """Where the words of a query stand in a text: characters, half open, ascending; they may overlap."""
    columns = aligned_words(text)
    db = _one_text()
    with closing(db.cursor()) as cursor:
        values = [encode(" ".join([word.text for word in words])) for words in columns]
        cursor.execute(
            "INSERT OR REPLACE INTO words (rowid, text, extra) VALUES (1, CAST(? AS TEXT), CAST(? AS TEXT))", values
        )
        row = cursor.execute(
            "SELECT highlight(words, 0, ?1, ''), highlight(words, 1, ?1, '') FROM words WHERE words MATCH ?2",
            (_MARK, expression),
        ).fetchone()
    spans = [
        (word.start, word.end)
        for words, marked in zip(columns, row or ("", ""), strict=True)
        for word, shown in zip(words, marked.split(" "), strict=False)
        if shown.startswith(_MARK)
    ]
    return sorted(set(spans))
