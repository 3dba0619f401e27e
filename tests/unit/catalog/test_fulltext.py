"""Full text by SQLite FTS5: ranks, weights, marks, and that both tables follow what they index."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from sqlite3 import Connection

import pytest

from edgeembed.catalog import fulltext
from edgeembed.catalog.checksums import insert_sql, register
from edgeembed.catalog.schema import SCHEMA
from edgeembed.catalog.sqlite import in_memory

TEXTS = ("the boat leaves the harbour", "a boat, a boat and a lighthouse", "tomato seedlings", "the garden in spring")


@pytest.fixture
def db() -> Iterator[Connection]:
    with closing(in_memory()) as connection:
        register(connection)
        connection.executescript(SCHEMA)
        for number, text in enumerate(TEXTS, 1):
            connection.execute(insert_sql("contents"), (bytes([number]), b"text", 1, 1))
            connection.execute(insert_sql("documents"), (f"notes/{number}.txt".encode(), number, b"{}"))
            chunk = (number, b"text", 0, len(text), 1, 1, None, text.encode(), b"", None)
            connection.execute(insert_sql("chunks"), chunk)
        fulltext.rebuild(connection)
        yield connection


def test_the_passage_with_more_of_a_word_comes_first(db: Connection) -> None:
    terms = fulltext.Terms('"boat"', 1.0)
    ranked = fulltext.ranked(db, "words", terms, 10, None)
    assert [key for key, _ in ranked] == [2, 1]
    assert ranked[0][1] > ranked[1][1] > 0
    assert fulltext.ranked(db, "words", terms, 1, None) == ranked[:1]


@pytest.mark.parametrize("allowed", [[1], list(range(1, 2)) + list(range(50, 400))])
def test_only_allowed_passages_are_ranked(db: Connection, allowed: list[int]) -> None:
    assert [key for key, _ in fulltext.ranked(db, "words", fulltext.Terms('"boat"', 1.0), 10, allowed)] == [1]


def test_words_are_found_by_their_stem_and_without_accents(db: Connection) -> None:
    assert [key for key, _ in fulltext.ranked(db, "words", fulltext.Terms('"gardens"', 1.0), 10, None)] == [4]
    assert [key for key, _ in fulltext.ranked(db, "words", fulltext.Terms('"tomato"', 1.0), 10, None)] == [3]


def test_no_expression_finds_nothing(db: Connection) -> None:
    nothing = fulltext.Terms("", 0.0)
    assert fulltext.ranked(db, "words", nothing, 10, None) == fulltext.ranked(db, "names", nothing, 10, None) == []
    assert nothing.spread == 1.0


def test_a_word_of_most_passages_has_no_weight_unless_no_other_is_there(db: Connection) -> None:
    db.execute(insert_sql("contents"), (b"\x09", b"text", 1, 1))
    db.execute(insert_sql("chunks"), (5, b"text", 0, 4, 1, 1, None, b"the", b"", None))
    fulltext.rebuild(db)
    weighed = fulltext.weigh(db, "words", ['"the"', '"tomato"'])
    assert weighed.expression == '"tomato"'
    weight = math.log((5 - 1 + 0.5) / (1 + 0.5))
    assert weighed.max_bm25 == pytest.approx(2.2 * weight)
    assert weighed.spread == pytest.approx(math.sqrt(weighed.max_bm25))
    assert fulltext.weigh(db, "words", ['"the"']).expression == '"the"'
    twice = fulltext.weigh(db, "words", ['"tomato"', '"the"', '"tomato"'])
    assert (twice.expression, twice.max_bm25) == ('"tomato" OR "tomato"', pytest.approx(4.4 * weight))


def test_terms_are_counted_once_for_a_commit(db: Connection) -> None:
    known = fulltext.TermCounts.read(db, "words")
    for asked in (['"boat"', '"tomato"'], ['"boat"', '"gardens"', '"none"'], ['"none"']):
        assert fulltext.weigh(db, "words", asked, known) == fulltext.weigh(db, "words", asked)
    assert set(known.counted) == {'"boat"', '"tomato"', '"gardens"', '"none"'}
    known.counted['"tomato"'] = 3
    assert fulltext.weigh(db, "words", ['"tomato"'], known) != fulltext.weigh(db, "words", ['"tomato"'])


def test_names_are_found_by_their_parts(db: Connection) -> None:
    assert [document for document, _ in fulltext.ranked(db, "names", fulltext.Terms('"3"', 1.0), 10, None)] == [3]


def test_marks_say_where_the_words_stand() -> None:
    assert fulltext.marks(TEXTS[1], '"boats" OR "lighthouse"') == [(2, 6), (10, 14), (21, 31)]
    assert fulltext.marks(TEXTS[2], '"boat"') == []
    assert fulltext.marks("Zu\u0308rich, ｶﾞｲﾄﾞ", '"zurich" OR "イド"') == [(0, 7), (11, 14)]
    assert fulltext.marks("fetchGitHubRepos()", '"github"') == [(5, 11)]
    assert fulltext.marks("\x02 boat \x02", '"boat"') == [(2, 6)]


def test_the_check_notices_what_was_changed_behind_its_back(db: Connection) -> None:
    assert fulltext.check(db)
    assert db.execute("SELECT count(*) FROM words_docsize").fetchone() == (4,)
    db.execute("UPDATE chunks SET text = 'another text' WHERE key = 3")
    assert not fulltext.check(db)
    fulltext.rebuild(db)
    assert fulltext.check(db)
    for sql in (
        "UPDATE words_docsize SET sz = x'0900' WHERE id = 2",
        "UPDATE words_data SET block = x'04090909' WHERE id = 1",
        "DELETE FROM names_docsize WHERE id = 1",
    ):
        db.execute(sql)
        assert not fulltext.check(db), sql
        fulltext.rebuild(db)


def test_what_is_removed_leaves_nothing(db: Connection) -> None:
    fulltext.remove(db, "words", "key IN (1, 2)", ())
    db.execute("DELETE FROM chunks WHERE key IN (1, 2)")
    assert fulltext.check(db)
    assert fulltext.ranked(db, "words", fulltext.Terms('"boat"', 1.0), 10, None) == []


def _filled(db: Connection, texts: list[str]) -> None:
    """Replace all texts."""
    db.execute("DELETE FROM chunks")
    db.execute("DELETE FROM documents")
    for text in texts:
        chunk = (1, b"text", 0, len(text), 1, 1, None, text.encode(), b"", None)
        db.execute(insert_sql("chunks"), chunk)
    fulltext.rebuild(db)


def _many(count: int) -> list[str]:
    """Texts in which the word w1 stands in nearly half, w2 in a third, and so on, and u0, u1 … in three each."""
    rng = random.Random(0)
    words = [[f"w{n}" for n in range(1, 9) if rng.random() < 0.95 / (n + 1)] for _ in range(count)]
    return [
        " ".join([*held * rng.randint(1, 2), f"u{n // 3}", *["x"] * rng.randint(0, 9)]) for n, held in enumerate(words)
    ]


def test_words_of_many_passages_are_counted_nearly(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _many(2000)
    _filled(db, texts)
    exact = {f'"w{n}"': sum(f"w{n}" in text.split() for text in texts) for n in (1, 2, 8)} | {'"u5"': 3, '"no"': 0}
    assert fulltext._counts(db, "words", list(exact), 2000) == exact
    for name, value in (("_FEW_ROWS", 1000), ("_COUNTED", 50), ("_SAMPLED", 4), ("_STRETCHES", 5)):
        monkeypatch.setattr(fulltext, name, value)
    for term, counted in fulltext._counts(db, "words", list(exact), 2000).items():
        assert counted == pytest.approx(exact[term], rel=0.25), term


def test_marks_of_one_text_are_not_those_of_the_text_before() -> None:
    assert fulltext.marks("a boat", '"boat"') == [(2, 6)]
    assert fulltext.marks("a barn", '"boat"') == []
    with ThreadPoolExecutor(4) as pool:
        texts = [f"{'x ' * n}boat" for n in range(50)]
        assert list(pool.map(lambda text: fulltext.marks(text, '"boat"'), texts)) == [
            [(2 * n, 2 * n + 4)] for n in range(50)
        ]


def test_words_are_counted_in_texts_as_the_index_counts_them(db: Connection) -> None:
    texts = ["Boats, boating; a BOAT: don't", "parseConfigFile e-mail email", "東京タワー 東京", "", "ab aba"]
    _filled(db, texts)
    keys = [key for (key,) in db.execute("SELECT key FROM chunks ORDER BY key")]
    terms = ['"boat"', '"don t"', '"configfile"', '"email"', '"東京"', '"ab" *']
    counts = fulltext.occurrences(db, "words", keys, terms)
    assert [counts[key][1] for key in keys] == [
        [3, 1, 0, 0, 0, 0],
        [0, 0, 1, 2, 0, 0],
        [0, 0, 0, 0, 2, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 2],
    ]
    assert sum(length for length, _ in counts.values()) == pytest.approx(5 * fulltext.mean_length(db, "words"))
    assert fulltext.occurrences(db, "names", [2], ['"notes"', '"3"']) == {}
    assert fulltext.occurrences(db, "words", [], terms) == {}


def test_the_mean_length_is_that_of_the_rows_that_are_left(db: Connection) -> None:
    assert fulltext.mean_length(db, "words") == pytest.approx(sum(len(text.split()) for text in TEXTS) / 4)
    assert fulltext.mean_length(db, "names") == 3
    fulltext.remove(db, "words", "key > 1", ())
    assert fulltext.mean_length(db, "words") == 5
    fulltext.remove(db, "words", "key = 1", ())
    assert fulltext.mean_length(db, "words") == 0


def test_stems_are_those_of_the_index() -> None:
    words = {
        "running": "run",
        "boats": "boat",
        "is": "is",
        "cafes": "cafe",
        "東京": "東京",
        "x" * 80 + "ing": "x" * 80 + "ing",
    }
    assert fulltext.stems(words) == words
    assert fulltext.stems(["boats", "boats"]) == {"boats": "boat"}
    assert fulltext.stems([]) == {}


def test_rows_that_match_are_ascending_and_only_those_allowed(db: Connection) -> None:
    assert fulltext.matching(db, "words", '"a" OR "the"', None) == [1, 2, 4]
    assert fulltext.matching(db, "words", '"a" OR "the"', [4, 2, 9]) == [2, 4]
    assert fulltext.matching(db, "words", '"a"', list(range(2, 400))) == [2]
    assert fulltext.matching(db, "words", '"nowhere"', None) == []
