"""Full text in the catalog: SQLite FTS5 tables over passages and names, ranked by BM25.

Both are external-content tables: FTS5 holds the inverted index, the text stays in ``chunks`` and ``documents``. Who
adds or removes rows there does the same here, in the same transaction. (Triggers would do so by themselves, but they
need ``trusted_schema``, which a file that somebody else made should not have.) Words are reduced to their stems
(Porter 1980, An algorithm for suffix stripping) and lose their accents; marks of Indic and other scripts stay, of
which the default would make spaces. BM25 is FTS5's own, with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009,
The Probabilistic Relevance Framework, doi:10.1561/1500000019).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3

_TOKENIZER = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
SCHEMA = f"""
CREATE VIRTUAL TABLE words USING fts5(
    text, extra, content = 'chunks', content_rowid = 'key', tokenize = "{_TOKENIZER}"
);
CREATE VIRTUAL TABLE names USING fts5(
    id, extra, content = 'documents', content_rowid = 'document', tokenize = "{_TOKENIZER}"
);
"""
_K1 = 1.2
_FEW = 200
_MARK = "\x02\x03"


@dataclass(frozen=True)
class Terms:
    """The words of a query that tell passages apart, or names."""

    expression: str
    """For ``MATCH``: any of them; empty if no word of the query is of use."""
    max_bm25: float
    """The BM25 that none can exceed: the sum of all weights, times k1 + 1."""

    @property
    def spread(self) -> float:
        """By how much BM25 differs between them: a sum of independent parts spreads by the root of its size."""
        return math.sqrt(self.max_bm25) or 1.0


# What a row is must be said on removal, while it is still in the table.
ADD_WORDS = "INSERT INTO words (rowid, text, extra) SELECT key, text, extra FROM chunks WHERE text IS NOT NULL"
ADD_NAMES = "INSERT INTO names (rowid, id, extra) SELECT document, id, extra FROM documents WHERE 1"
REMOVE_WORDS = (
    "INSERT INTO words (words, rowid, text, extra) SELECT 'delete', key, text, extra FROM chunks WHERE text IS NOT NULL"
)
REMOVE_NAMES = "INSERT INTO names (names, rowid, id, extra) SELECT 'delete', document, id, extra FROM documents WHERE 1"


def rebuild(db: sqlite3.Connection) -> None:
    """Make both indexes anew from what the catalog holds."""
    for table in ("words", "names"):
        db.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")
    db.execute(ADD_WORDS)
    db.execute(ADD_NAMES)


def check(db: sqlite3.Connection) -> None:
    """Raise ``DatabaseError`` unless both indexes say what the catalog holds; ``db`` must be writable."""
    db.execute("SAVEPOINT check_words")
    try:
        # Pictures have no words, and FTS5 would take that for a loss.
        db.execute("DELETE FROM chunks WHERE text IS NULL")
        for table in ("words", "names"):
            db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
    finally:
        db.execute("ROLLBACK TO check_words")
        db.execute("RELEASE check_words")


def count(db: sqlite3.Connection) -> int:
    """How many passages there are, pictures among them, by an index: going through their texts would take long."""
    return int(db.execute("SELECT count(*) FROM chunks").fetchone()[0])


def weigh(db: sqlite3.Connection, table: Literal["words", "names"], terms: Sequence[str]) -> Terms:
    """Leave out terms that FTS5 gives no weight because they stand in more than half of all rows, unless all do.

    Passages and names are weighed each by themselves, as FTS5 does: in a folder of photos alone no passage holds any
    word, and what is rare in texts may stand in every name.
    """
    # Of texts alone, as FTS5 counts: a thousand photos must not make words of the notes beside them weigh less.
    (rows,) = db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()
    weights = {}
    for term in terms:
        (holding,) = db.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH ?", (term,)).fetchone()
        weights[term] = math.log((rows - holding + 0.5) / (holding + 0.5))
    telling = [term for term, weight in weights.items() if weight > 0] or list(weights)
    most = (_K1 + 1) * sum(max(weights[term], 1e-6) for term in telling)
    return Terms(" OR ".join(telling), most)


def passages(db: sqlite3.Connection, terms: Terms, most: int, allowed: Sequence[int] | None) -> list[tuple[int, float]]:
    """Key and BM25 of the ``most`` best passages, best first; of the ``allowed`` ones only (``None``: of all)."""
    if not terms.expression:
        return []
    inside = ""
    values: list[str | int] = [terms.expression, most]
    if allowed is not None:
        # The plus keeps SQLite from asking FTS5 once for every row, which pays for few only.
        inside = f"AND {'' if len(allowed) < _FEW else '+'}rowid IN (SELECT value FROM json_each(?3))"
        values.append(json.dumps(list(allowed)))
    rows = db.execute(
        f"SELECT rowid, rank FROM words WHERE words MATCH ?1 {inside} ORDER BY rank, rowid LIMIT ?2", values
    )
    return [(key, -rank) for key, rank in rows]


def names(db: sqlite3.Connection, terms: Terms, most: int) -> list[tuple[int, float]]:
    """Document and BM25 of the ``most`` names that fit best, best first."""
    if not terms.expression:
        return []
    rows = db.execute(
        "SELECT rowid, rank FROM names WHERE names MATCH ? ORDER BY rank, rowid LIMIT ?", (terms.expression, most)
    )
    return [(document, -rank) for document, rank in rows]


def marks(db: sqlite3.Connection, expression: str, key: int) -> Iterator[tuple[int, int]]:
    """Where the words of a query stand in the text of a passage: characters, half open, ascending."""
    row = db.execute(
        "SELECT highlight(words, 0, ?, ?) FROM words WHERE words MATCH ? AND rowid = ?", (*_MARK, expression, key)
    ).fetchone()
    if row is None:
        return
    # The text may hold the marks itself; then nothing is marked, which is better than the wrong place.
    first, *parts = row[0].split(_MARK[0])
    at = len(first)
    for part in parts:
        inside, mark, rest = part.partition(_MARK[1])
        if not mark:
            return
        yield at, at + len(inside)
        at += len(inside) + len(rest)
