"""Checksums of catalog rows: a flipped byte, a moved value and a null are all noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from sqlite3 import Connection

import pytest

from edgeembed.catalog.checksums import CHECKSUMMED, checksum_sql, chunk_digest, insert_sql, register, row_checksum
from edgeembed.catalog.schema import SCHEMA
from edgeembed.catalog.sqlite import in_memory


@pytest.fixture
def db() -> Iterator[Connection]:
    with closing(in_memory()) as connection:
        register(connection)
        connection.executescript(SCHEMA)
        yield connection


def test_the_checksum_is_blake2b_over_lengths_and_values() -> None:
    written_by_hand = b"\x01\0\0\0a" + b"\xff\xff\xff\xff" + b"\0\0\0\0"
    expected = hashlib.blake2b(written_by_hand, digest_size=8).hexdigest()
    assert row_checksum(b"a", None, b"").hex() == expected == "4328a3117a8431ff"  # catalogs on disk depend on it


def test_where_a_value_ends_and_what_is_null_count_too() -> None:
    rows = [(b"a", b"b"), (b"ab", b""), (b"", b"ab"), (b"ab",), (b"b", b"a"), (b"ab", None), (None, b"ab"), ()]
    assert len({row_checksum(*row) for row in rows}) == len(rows)


def test_each_table_with_a_checksum_has_these_columns_and_it_last(db: Connection) -> None:
    for table, columns in CHECKSUMMED.items():
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        assert names[-1] == "checksum"
        assert set(columns) < set(names)


def test_an_inserted_row_fits_its_checksum_and_an_altered_one_does_not(db: Connection) -> None:
    db.execute(insert_sql("settings"), (b"mod\xc3\xa8le", b"{}"))
    db.execute(insert_sql("files"), (b"caf\xe9.txt", 1, 2, 3, None, b"indexed", None, 7, None))
    intact = "SELECT count(*) FROM {0} WHERE checksum = " + "{1}"
    for table in ("settings", "files"):
        assert db.execute(intact.format(table, checksum_sql(table))).fetchone() == (1,)
    db.execute("UPDATE settings SET value = '{ }'")
    db.execute("UPDATE files SET reason = ''")
    for table in ("settings", "files"):
        assert db.execute(intact.format(table, checksum_sql(table))).fetchone() == (0,)


def test_the_digest_of_a_chunk_covers_span_text_and_vector() -> None:
    row = ("text", 0, 5, 1, 1, None, "hello")
    digest = chunk_digest(row, b"\x01\x02")
    assert digest != chunk_digest((*row[:2], 6, *row[3:]), b"\x01\x02")
    assert digest != chunk_digest((*row[:-1], "hallo"), b"\x01\x02")
    assert digest != chunk_digest(row, b"\x01\x03")
    assert len(chunk_digest((*row[:-1], "odd \udce9"), b"")) == 8
