"""Catalogs of older layouts become ones of this layout, with everything in them; the one before is read as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.catalog import fulltext
from edgeembed.catalog.database import CATALOG_NAME, Catalog, create_catalog, upgrade_catalog
from edgeembed.catalog.rows import ChunkRow, EncoderInfo, FileRow, SegmentInfo
from edgeembed.catalog.schema import LAYOUT, OutdatedLayoutError, expected_schema, schema_rows
from edgeembed.catalog.snapshot import Snapshot
from edgeembed.catalog.sqlite import connect
from edgeembed.text.terms import WORDS_VERSION, query_terms
from tests.support.old_layouts import downgrade

MODEL = '{"name": "tiny", "encoder": "e1", "space": "s", "dim": 2, "image": {"name": "eye", "encoder": "e2"}}'
TEXTS = ("parseConfigFile is a name", "die Straße, отчёт")
SEGMENT = SegmentInfo(f"image-{7:032x}.usearch", "image", 9, 9, 1, 99, "sha", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_catalog(tmp_path, {"model": MODEL, "généré": "ü", "needs_gc": "1"})
    catalog = Catalog(tmp_path)
    with catalog.write() as transaction:
        content = transaction.content(b"1", "text")
        for text in TEXTS:
            encoder = EncoderInfo("e1", "tiny", "s", 2)
            row = ChunkRow("text", 0, len(text), 1, 1, None, text)
            transaction.add_chunk(content, row, b"\x01\x02", b"digest", encoder)
        transaction.complete(content)
        transaction.put_document("sub/getUserName.py", content, '{"a": 1}')
        transaction.content(b"2", "text")  # begun, and not complete
        transaction.put_file("sub/getUserName.py", FileRow(1, 2, 3, None))
        transaction.put_file("locked.pdf", FileRow(4, 5, 6).skipped("encrypted"))
        transaction.replace_segments([], SEGMENT)
    catalog.close()
    return tmp_path


def keys(snapshot: Snapshot, query: str) -> list[int]:
    words = fulltext.weigh(snapshot.connection, "words", query_terms(query))
    return [key for key, _ in fulltext.ranked(snapshot.connection, "words", words, 10, None)]


@pytest.mark.parametrize("layout", [1, 2])
def test_an_older_layout_must_be_upgraded_before_it_is_written(folder: Path, layout: int) -> None:
    downgrade(folder, layout)
    with pytest.raises(OutdatedLayoutError, match=f"layout {layout}, here {LAYOUT}"):
        Catalog(folder)


@pytest.mark.parametrize("layout", [1, 2])
def test_an_upgrade_keeps_everything_and_adds_what_is_new(folder: Path, layout: int) -> None:
    downgrade(folder, layout)
    upgrade_catalog(folder)
    catalog = Catalog(folder)
    with catalog.read() as snapshot:
        assert schema_rows(snapshot.connection) == expected_schema()
        assert (snapshot.setting("model"), snapshot.setting("généré")) == (MODEL, "ü")
        assert (snapshot.setting("needs_gc"), snapshot.setting("unswept")) == ("1", None)
        assert snapshot.document_state("sub/getUserName.py") == (b"1", '{"a": 1}')
        assert snapshot.content_state(b"1")[1]
        assert not snapshot.content_state(b"2")[1]
        assert snapshot.files() == {
            "sub/getUserName.py": FileRow(1, 2, 3),
            "locked.pdf": FileRow(4, 5, 6).skipped("encrypted"),
        }
        assert snapshot.unsegmented_rows("text", 1) == [(1, b"\x01\x02"), (2, b"\x01\x02")]
        encoders = snapshot.connection.execute("SELECT encoder, digest, name, dim FROM encoders").fetchall()
        assert encoders == [(1, "e1", "tiny", 2), (2, "e2", "eye", 0)]
        assert [info.encoder for info in snapshot.segments()] == [2]
        assert snapshot.connection.execute("SELECT chunks FROM contents ORDER BY content").fetchall() == [(2,), (0,)]
        assert keys(snapshot, "config") == [1]
        assert keys(snapshot, "ОТЧЕТ strasse") == [2]
        names = fulltext.weigh(snapshot.connection, "names", ['"user"'])
        assert [document for document, _ in fulltext.ranked(snapshot.connection, "names", names, 10, None)] == [1]
        assert snapshot.full_text_is_intact()
    with catalog.write() as transaction:  # keys go on where they were
        transaction.add_chunk(1, ChunkRow("text", 0, 1, 1, 1, None, "x"), None, b"digest", None)
        assert transaction.connection.execute("SELECT max(key) FROM chunks").fetchone() == (3,)
    catalog.close()


def test_an_upgrade_that_fails_leaves_the_old_layout(folder: Path) -> None:
    downgrade(folder, 1)
    db = connect(folder / CATALOG_NAME)
    db.execute("ALTER TABLE documents RENAME COLUMN metadata TO facts")  # then the new column would be null
    db.close()
    with pytest.raises(Exception, match="NOT NULL"):
        upgrade_catalog(folder)
    db = connect(folder / CATALOG_NAME)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM documents").fetchone() == (1,)
    db.close()


def test_the_layout_before_is_read_as_it_is(folder: Path) -> None:
    downgrade(folder, 2)
    before = (folder / CATALOG_NAME).read_bytes()
    catalog = Catalog(folder, read_only=True)
    with catalog.read() as snapshot:
        assert snapshot.layout == 2
        assert snapshot.files()["locked.pdf"] == FileRow(4, 5, 6).skipped("encrypted")
        assert snapshot.unsegmented_rows("text") == [(1, b"\x01\x02"), (2, b"\x01\x02")]
        assert snapshot.segments() == [SEGMENT]
        assert snapshot.chunk(2).text == TEXTS[1]
        assert snapshot.counts()["chunks"] == 2
        assert keys(snapshot, "name") == [1]
    catalog.close()
    assert (folder / CATALOG_NAME).read_bytes() == before


def test_a_reader_goes_on_after_the_layout_before_was_upgraded(folder: Path) -> None:
    downgrade(folder, 2)
    reader = Catalog(folder, read_only=True)
    upgrade_catalog(folder)
    with reader.read() as snapshot:
        assert snapshot.layout == LAYOUT
        assert keys(snapshot, "ОТЧЕТ") == [2]
    reader.close()


@pytest.mark.parametrize("sql", ["CREATE VIEW v AS SELECT 1", "CREATE TABLE more (a)", "DROP INDEX chunks_by_content"])
def test_the_layout_before_with_other_tables_is_not_read(folder: Path, sql: str) -> None:
    downgrade(folder, 2)
    db = connect(folder / CATALOG_NAME)
    db.execute(sql)
    db.close()
    with pytest.raises(OutdatedLayoutError):
        Catalog(folder, read_only=True)


def test_words_that_another_version_made_are_made_anew(folder: Path) -> None:
    catalog = Catalog(folder)
    with catalog.write() as transaction:
        transaction.set("full_text", "0 of another Unicode")
        transaction.connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    catalog.close()
    reader = Catalog(folder, read_only=True)  # which may change nothing
    reader.close()
    with pytest.raises(OutdatedLayoutError, match="words"):
        Catalog(folder)
    upgrade_catalog(folder)
    catalog = Catalog(folder)
    with catalog.read() as snapshot:
        assert snapshot.setting("full_text") == WORDS_VERSION
        assert keys(snapshot, "config") == [1]
    catalog.close()
