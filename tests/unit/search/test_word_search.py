"""Passages by their words: of many rows a part is ranked, with the same BM25 as if all were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from sqlite3 import Connection
from typing import Any

import pytest

from edgeembed.catalog import fulltext
from edgeembed.catalog.checksums import insert_sql, register
from edgeembed.catalog.schema import SCHEMA
from edgeembed.catalog.sqlite import in_memory
from edgeembed.search import word_search
from edgeembed.search.word_search import best_names, best_passages


@pytest.fixture
def db() -> Iterator[Connection]:
    with closing(in_memory()) as connection:
        register(connection)
        connection.executescript(SCHEMA)
        connection.execute(insert_sql("contents"), (b"1", b"text", 1, 1))
        yield connection


def fill(db: Connection, texts: list[str]) -> None:
    for text in texts:
        chunk = (1, b"text", 0, len(text), 1, 1, None, text.encode(), b"", None)
        db.execute(insert_sql("chunks"), chunk)
    fulltext.rebuild(db)


def many(count: int) -> list[str]:
    """Texts in which the word w1 stands in nearly half, w2 in a third, and so on, and u0, u1 … in three each."""
    rng = random.Random(0)
    words = [[f"w{n}" for n in range(1, 9) if rng.random() < 0.95 / (n + 1)] for _ in range(count)]
    return [
        " ".join([*held * rng.randint(1, 2), f"u{n // 3}", *["x"] * rng.randint(0, 9)]) for n, held in enumerate(words)
    ]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulltext, "_FEW_ROWS", 10)
    monkeypatch.setattr(word_search, "_BUDGET", 30)


@pytest.mark.parametrize("query", ["w1 w2 u7 u9", "w1 w3 w5 w8", "w1 w2", "u3", "w8 u1 u2 u3 u4", "w1 u5 u5", "w1 no"])
@pytest.mark.usefixtures("small_limits")
def test_ranking_a_part_finds_the_best_of_all(db: Connection, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    fill(db, many(600))
    terms = fulltext.weigh(db, "words", [f'"{word}"' for word in query.split()])
    assert terms.by_rarity
    expected = fulltext.ranked(db, "words", terms, 600, None)
    found = best_passages(db, terms, 600, None, least=1)
    assert [bm25 for _, bm25 in found] == sorted((bm25 for _, bm25 in found), reverse=True)
    computed = dict(found[:20])
    assert computed == pytest.approx({key: bm25 for key, bm25 in expected if key in computed})
    # All rows that hold a rare word are there, and with a bound that nothing exceeds nothing is missing.
    (rare, _) = word_search._parted(terms.by_rarity, 30)
    holding = fulltext.matching(db, "words", " OR ".join(term.expression for term in rare), None)
    assert set(holding) <= {key for key, _ in found}
    monkeypatch.setattr(word_search, "_LIKELY", 2.2)
    monkeypatch.setattr(word_search, "_BLOCK", 600)
    found = best_passages(db, terms, 600, None, least=1)
    assert [key for key, _ in found[:20]] == [key for key, _ in expected[:20]]
    only = [key for key, _ in expected[::2]]
    assert [key for key, _ in best_passages(db, terms, 600, only, least=1)[:5]] == only[:5]


@pytest.mark.usefixtures("small_limits")
def test_what_is_not_computed_counts_as_of_average_length(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(db, many(600))
    monkeypatch.setattr(word_search, "_MOST_COMPUTED", 3)
    terms = fulltext.weigh(db, "words", ['"w8"', '"w1"'])
    found = dict(best_passages(db, terms, 600, None, least=1))
    weights = {term.expression: term.weight for term in terms.by_rarity}
    usual = {weights['"w8"'], sum(weights.values())}
    assert sum(any(bm25 == pytest.approx(value) for value in usual) for bm25 in found.values()) >= len(found) - 3


@pytest.mark.usefixtures("small_limits")
def test_more_rows_are_ranked_where_more_are_asked_for(db: Connection) -> None:
    fill(db, many(600))
    terms = fulltext.weigh(db, "words", ['"u3"', '"w1"', '"w2"'])
    assert len(best_passages(db, terms, 600, None, least=100)) >= 100
    assert len(best_passages(db, terms, 7, None, least=100)) == 7


@pytest.mark.usefixtures("small_limits")
def test_questions_of_frequent_words_alone_stop_somewhere(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(db, many(600))
    monkeypatch.setattr(word_search, "_MOST_ROWS", 30)
    monkeypatch.setattr(word_search, "_LIKELY", 9.0)
    terms = fulltext.weigh(db, "words", ['"w1"', '"w2"', '"w3"'])
    rarest = terms.by_rarity[0]
    assert len(best_passages(db, terms, 600, None, least=1)) == rarest.rows


@pytest.mark.usefixtures("small_limits")
def test_words_that_all_passages_hold_and_rows_that_are_gone(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(db, [f"same n{n}" for n in range(300)])
    fulltext.remove(db, "words", "key BETWEEN 20 AND 280", ())
    db.execute("DELETE FROM chunks WHERE key BETWEEN 20 AND 280")
    monkeypatch.setattr(fulltext, "_COUNTED", 5)
    assert fulltext._counts(db, "words", ['"same"'], 39)['"same"'] <= 39
    weighed = fulltext.weigh(db, "words", ['"same"', '"n3"'])
    (alone,) = db.execute("SELECT key FROM chunks WHERE text = CAST('same n3' AS BLOB) OR text = 'same n3'").fetchone()
    assert [key for key, _ in best_passages(db, weighed, 5, None, least=1)] == [alone]
    everywhere = fulltext.weigh(db, "words", ['"same"'])
    assert len(best_passages(db, everywhere, 50, None, least=1)) == 39
    assert best_passages(db, fulltext.Terms("", 0.0), 5, None, least=1) == []


@pytest.mark.usefixtures("small_limits")
def test_names_are_found_as_passages_are(db: Connection) -> None:
    for number in range(40):
        db.execute(
            insert_sql("documents"), (f"notes/{'boat' if number % 9 == 0 else 'x'}{number}.txt".encode(), 1, b"{}")
        )
    db.execute(insert_sql("documents"), (b"notes/harbour boat.txt", 1, b"{}"))
    fulltext.rebuild(db)
    terms = fulltext.weigh(db, "names", ['"harbour"', '"txt"', '"boat"'])
    assert best_names(db, terms, 1, least=1)[0][0] == 41


@pytest.mark.usefixtures("small_limits")
def test_rows_are_computed_until_more_of_them_bring_up_no_better_one(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_search, "_BLOCK", 10)
    monkeypatch.setattr(word_search, "_SURE", 5)
    often = [" ".join(["w1 w2"] * (1 + 20 * (n == 44))) + " x" * (30 * (n != 44)) for n in range(45)]
    fill(db, [*often, *["y"] * 60])  # as estimated all are equal, and row 44 comes last
    terms = fulltext.weigh(db, "words", ['"w1"', '"w2"'])
    asked: list[int] = []
    computed = word_search._computed

    def counted(*arguments: Any) -> dict[int, float]:
        asked.append(len(arguments[3]))
        return computed(*arguments)

    monkeypatch.setattr(word_search, "_computed", counted)
    best_passages(db, terms, 45, None, least=1)
    assert asked == [10, 10]  # equals: the second ten are no better than the first
