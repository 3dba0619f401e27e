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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..text.surrogates import decode, encode
from ..text.terms import WORD, WORDS_VERSION, aligned_words, index_words
from . import settings
from .checksums import insert_sql
from .metadata import named_text
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
    "names": "SELECT document, CAST(id AS BLOB), CAST(metadata AS BLOB) FROM documents WHERE 1",
}
"""The texts whose words are in each table, by the number of their row; of names with the metadata beside them."""
_NUMBERS: dict[Table, str] = {"words": "key", "names": "document"}
K1, B = 1.2, 0.75
"""Of BM25, as FTS5 has them."""
_FEW = 200
_FEW_ROWS = 65_536
"""Of so many rows all that hold any word can be ranked."""
_COUNTED, _STRETCHES, _SAMPLED = 65_536, 64, 32
"""Words of more rows are counted in so many stretches of them, in one row of so many, and the rest is inferred."""
_AVERAGES = 1
"""Number of the record of FTS5 with the count of rows and of words (https://sqlite.org/fts5.html, the %_data table)."""
_MOST_STEMS = _MOST_TERMS = 100_000
_STEMS: dict[str, str] = {}
_STEMMER = threading.local()


class TermCounts(NamedTuple):
    """How many rows of a table there are, and how many hold each term that was asked for; it grows."""

    rows: int
    """Of texts alone, as FTS5 counts: a thousand photos must not make words of the notes beside them weigh less."""
    counted: dict[str, int]

    @classmethod
    def read(cls, db: sqlite3.Connection, table: Table) -> TermCounts:
        """Of a table, without any term yet."""
        (rows,) = db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()
        return cls(rows, {})


class Term(NamedTuple):
    """A word of a query."""

    expression: str
    """For ``MATCH``."""
    weight: float
    """Its rarity (the IDF of BM25), as often as the query has it."""
    rows: int
    """How many hold it, nearly."""


@dataclass(frozen=True)
class Terms:
    """The words of a query that tell passages apart, or names."""

    expression: str
    """For ``MATCH``: any of them, as often as the query has it; empty if no word of the query is of use."""
    max_bm25: float
    """The BM25 that none can exceed: the sum of all weights, times k1 + 1."""
    by_rarity: tuple[Term, ...] = ()
    """Each once, the rarest first; empty: there are so few rows that there is no need to know."""

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


def _with_words(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, bytes, bytes]]:
    for row, text in _texts(rows):
        yield row, *_columns(text)


def _texts(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, str]]:
    """What :data:`_SOURCES` give, as texts; names with what the metadata adds to them."""
    for row, *raw in rows:
        text, *metadata = (decode(part or b"") for part in raw)  # none in a damaged row alone
        yield row, named_text(text, *metadata) if metadata else text


def _columns(text: str) -> tuple[bytes, bytes]:
    words, extra = index_words(text)
    return encode(words), encode(extra)


def weigh(db: sqlite3.Connection, table: Table, terms: Sequence[str], known: TermCounts | None = None) -> Terms:
    """Leave out terms that FTS5 gives no weight because they stand in more than half of all rows, unless all do.

    A term that is listed twice counts twice (the query term frequency of BM25, with k3 at infinity): in the long
    questions of CISI that gains 4.7 of nDCG@10 by words alone. Passages and names are weighed each by themselves, as
    FTS5 does: in a folder of photos alone no passage holds any word, and what is rare in texts may stand in every name.

    Args:
        known: what was counted of this commit; what is counted now is added.
    """
    rows, counted = known or TermCounts.read(db, table)
    times = Counter(terms)
    counts = {term: counted[term] for term in times if term in counted}
    missing = _counts(db, table, [term for term in times if term not in counts], rows)
    counts |= missing
    if len(counted) > _MOST_TERMS:
        counted.clear()
    counted.update(missing)
    weights = {term: math.log((rows - holding + 0.5) / (holding + 0.5)) for term, holding in counts.items()}
    telling = [term for term in times if weights[term] > 0] or list(times)
    by_rarity = sorted([Term(t, times[t] * max(weights[t], 1e-6), counts[t]) for t in telling], key=lambda t: t.rows)
    expression = " OR ".join([term for term in telling for _ in range(times[term])])
    most = (K1 + 1) * sum(term.weight for term in by_rarity)
    return Terms(expression, most, tuple(by_rarity) if rows > _FEW_ROWS else ())


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


def ranked(
    db: sqlite3.Connection, table: Table, terms: Terms, most: int, allowed: Sequence[int] | None
) -> list[tuple[int, float]]:
    """Number and BM25 of the ``most`` best rows, by FTS5, which looks at all rows that hold any of the words."""
    if not terms.expression:
        return []
    inside, values = _inside(allowed)
    sql = f"SELECT rowid, rank FROM {table} WHERE {table} MATCH ? {inside} ORDER BY rank, rowid LIMIT CAST(? AS INT)"
    return [(row, -rank) for row, rank in db.execute(sql, (terms.expression, *values, str(most)))]


def matching(db: sqlite3.Connection, table: Table, expression: str, allowed: Sequence[int] | None) -> list[int]:
    """Numbers of the rows that hold what an expression asks for, ascending; of the ``allowed`` ones only."""
    inside, values = _inside(allowed)
    rows = db.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH ? {inside} ORDER BY rowid", (expression, *values))
    return [row for (row,) in rows]


def _inside(allowed: Sequence[int] | None) -> tuple[str, list[str]]:
    if allowed is None:
        return "", []
    # The plus keeps SQLite from asking FTS5 once for every row, which pays for few only.
    plus = "" if len(allowed) < _FEW else "+"
    return f"AND {plus}rowid IN (SELECT value FROM json_each(?))", [json.dumps(list(allowed))]


def mean_length(db: sqlite3.Connection, table: Table) -> float:
    """Of the rows, in words, as BM25 has it."""
    row = db.execute(f"SELECT block FROM {table}_data WHERE id = {_AVERAGES}").fetchone()
    rows, *words = _varints(row[0]) if row and row[0] else [0]
    return sum(words) / rows if rows else 0.0


def _varints(block: bytes) -> list[int]:
    """Numbers as SQLite stores them (https://sqlite.org/fileformat2.html#varint), of up to eight bytes each."""
    numbers, number = [], 0
    for byte in block:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return numbers


def occurrences(
    db: sqlite3.Connection, table: Table, rows: Sequence[int], terms: Sequence[str]
) -> dict[int, tuple[int, list[int]]]:
    """Of each row how many words it has, and how often it holds each of some terms.

    FTS5 tells this only of a row that it ranks, for which it goes through all rows of every word of the query.
    """
    source = f"{_SOURCES[table]} AND {_NUMBERS[table]} IN (SELECT value FROM json_each(?))"
    found = [(row, _tokens(text)) for row, text in _texts(db.execute(source, (json.dumps(list(rows)),)))]
    phrases = [_Phrase.of(term) for term in terms]
    stems = _stems_within(phrases, set[str]().union(*[words for _, columns in found for words in columns]))
    return {row: (sum(map(len, columns)), _count_phrases(phrases, stems, columns)) for row, columns in found}


class _Phrase(NamedTuple):
    """A term that :func:`query_terms` gives: words one after the other."""

    stems: tuple[str, ...]
    is_prefix: bool
    """Whether words that begin with it count as well; it is one word then."""

    @classmethod
    def of(cls, term: str) -> _Phrase:
        words = term[1 : term.rindex('"')].split(" ")
        known = stems(words)
        return cls(tuple([known[word] for word in words]), term.endswith("*"))

    def places(self, words: Sequence[str | None]) -> list[int]:
        """Where it begins in a text, given by the stems of its words."""
        first, *rest = self.stems
        if self.is_prefix:
            return [at for at, word in enumerate(words) if word and word.startswith(first)]
        places = [at for at, word in enumerate(words) if word == first]
        return [at for at in places if list(words[at + 1 : at + 1 + len(rest)]) == rest] if rest else places


def _count_phrases(phrases: Sequence[_Phrase], stems: Mapping[str, str], columns: Iterable[Sequence[str]]) -> list[int]:
    stemmed = [list(map(stems.get, words)) for words in columns]
    held = [stem for stem in chain.from_iterable(stemmed) if stem]
    counts = []
    for phrase in phrases:
        if not phrase.is_prefix and len(phrase.stems) == 1:
            counts.append(held.count(phrase.stems[0]))
        else:
            counts.append(sum(len(phrase.places(words)) for words in stemmed) if held else 0)
    return counts


def _stems_within(phrases: Sequence[_Phrase], words: Set[str]) -> dict[str, str]:
    """The stems of those words whose stems are in ``phrases``."""
    wanted = {stem for phrase in phrases for stem in phrase.stems}
    prefixes = tuple(phrase.stems[0] for phrase in phrases if phrase.is_prefix)
    beginnings = tuple({stem[:2] for stem in wanted})  # a stem and its word begin alike
    known = stems([word for word in words if word.startswith(beginnings)])
    return {word: stem for word, stem in known.items() if stem in wanted or stem.startswith(prefixes)}


def stems(words: Iterable[str]) -> dict[str, str]:
    """The stem of each word, as FTS5 makes it.

    Args:
        words: as :func:`index_words` gives them, small letters and digits only.
    """
    known = {word: _STEMS.get(word, "") for word in words}
    missing = [word for word, stem in known.items() if not stem]
    if missing:
        if len(_STEMS) > _MOST_STEMS:
            _STEMS.clear()
        made = _stemmed(missing)
        _STEMS.update(made)
        known.update(made)
    return known


def _stemmed(words: Sequence[str]) -> dict[str, str]:
    # A table for each thread: making one takes as long as some hundred stems.
    if not hasattr(_STEMMER, "db"):
        _STEMMER.db = in_memory()
        _STEMMER.db.execute("CREATE VIRTUAL TABLE words USING fts5(text, content = '', tokenize = 'porter ascii')")
        _STEMMER.db.execute("CREATE VIRTUAL TABLE stems USING fts5vocab(words, instance)")
    db: sqlite3.Connection = _STEMMER.db
    db.execute("INSERT INTO words (rowid, text) VALUES (1, CAST(? AS TEXT))", (encode(" ".join(words)),))
    try:
        places = db.execute("SELECT offset, term FROM stems").fetchall()
        return {words[offset]: stem for offset, stem in places}
    finally:
        db.execute("INSERT INTO words (words) VALUES ('delete-all')")


def _tokens(text: str) -> tuple[list[str], list[str]]:
    """The words of a text, and those beside them, as FTS5 reads what :func:`index_words` gives."""
    words, extra = index_words(text)
    return WORD.findall(words.lower() if words.isascii() else words), extra.split()


def marks(text: str, expression: str) -> list[tuple[int, int]]:
    """Where the words of a query stand in a text: characters, half open, ascending; they may overlap.

    Args:
        expression: terms with ``OR`` between them.
    """
    phrases = [_Phrase.of(term) for term in dict.fromkeys(expression.split(" OR "))]
    columns = aligned_words(text)
    known = _stems_within(phrases, {word.text for words in columns for word in words})
    spans: set[tuple[int, int]] = set()
    for words in columns:
        stemmed = [known.get(word.text) for word in words]
        for phrase in phrases:
            for at in phrase.places(stemmed):
                spans.update((word.start, word.end) for word in words[at : at + len(phrase.stems)])
    return sorted(spans)
