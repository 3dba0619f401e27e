"""SQLite's errors as those of edgeembed, and connections that keep undecodable names."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edgeembed.catalog.sqlite import connect, copied, in_memory, translate
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
    ],
)
def test_each_error_says_what_it_means_to_the_user(
    error: sqlite3.DatabaseError, expected: type[Exception], words: str
) -> None:
    translated = translate(error, Path("notes/.edgeembed/catalog.sqlite"))
    assert type(translated) is expected
    assert words in str(translated)
    assert ".edgeembed" in str(translated)


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
