"""SQLite's errors as those of edgeembed, and connections that keep undecodable names."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edgeembed.catalog.sqlite import connect, copied, in_memory, says_damage, translate
from edgeembed.errors import EdgeEmbedError, IndexCorruptError, IndexLockedError, IndexNotWritableError


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (sqlite3.OperationalError("database is locked"), IndexLockedError, "another process"),
        (sqlite3.OperationalError("database or disk is full"), EdgeEmbedError, "make room and run the command again"),
        (sqlite3.OperationalError("disk I/O error"), EdgeEmbedError, "make room"),
        (sqlite3.OperationalError("attempt to write a readonly database"), IndexNotWritableError, "readonly"),
        (sqlite3.OperationalError("unable to open database file"), IndexNotWritableError, "unable to open"),
        (sqlite3.OperationalError("no such table: chunks"), IndexCorruptError, "no such table"),
        (sqlite3.DatabaseError("file is not a database"), IndexCorruptError, "not a database"),
        (sqlite3.OperationalError("malformed JSON"), IndexCorruptError, "malformed"),
        (sqlite3.OperationalError("Expression tree is too large (maximum depth 1000)"), EdgeEmbedError, "ask for less"),
        (sqlite3.OperationalError("too many SQL variables"), EdgeEmbedError, "ask for less"),
        (sqlite3.OperationalError("parser stack overflow"), EdgeEmbedError, "ask for less"),
        (sqlite3.OperationalError("fts5: parser stack overflow"), EdgeEmbedError, "ask for less"),
        (sqlite3.DataError("string or blob too big"), EdgeEmbedError, "add less"),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), ValueError, "open it again"),
    ],
)
def test_each_error_says_what_it_means_to_the_user(
    error: sqlite3.DatabaseError, expected: type[Exception], words: str
) -> None:
    translated = translate(error, Path("notes/.edgeembed/catalog.sqlite"))
    assert type(translated) is expected
    assert words in str(translated)
    assert ".edgeembed" in str(translated)


def test_what_is_beyond_the_limits_of_sqlite_is_no_damage() -> None:
    db = in_memory()
    for sql, values in (
        ("SELECT " + " AND ".join(["1"] * 2000), ()),
        (f"SELECT {', '.join('?' * 300_000)}", (1,) * 300_000),
        ("SELECT zeroblob(2000000000)", ()),
    ):
        with pytest.raises(sqlite3.DatabaseError) as caught:
            db.execute(sql, values).fetchall()
        assert not says_damage(caught.value)
    db.close()


def test_text_that_is_not_unicode_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%.sqlite"
    db = connect(path, mode="rwc")
    db.execute("CREATE TABLE t (a TEXT)")
    db.execute("INSERT INTO t VALUES (CAST(? AS TEXT))", ("caf\udce9".encode("utf-8", "surrogatepass"),))
    assert db.execute("SELECT a FROM t").fetchall() == [("caf\udce9",)]
    db.close()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connect(path, mode="ro").execute("DELETE FROM t")


def test_a_copy_does_not_change_what_it_was_made_from() -> None:
    db = in_memory()
    db.execute("CREATE TABLE t (a)")
    copy = copied(db)
    copy.execute("INSERT INTO t VALUES (1)")
    assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    copy.close()
    db.close()
