"""A catalog of layout 1 becomes one of this layout, with everything in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed.catalog import fulltext
from edgeembed.catalog.database import CATALOG_NAME, Catalog, create_catalog, upgrade_catalog
from edgeembed.catalog.schema import LAYOUT, OutdatedLayoutError, expected_schema, schema_rows
from edgeembed.catalog.snapshot import ChunkRow, FileRow
from edgeembed.catalog.sqlite import connect


@pytest.fixture
def folder(tmp_path: Path, downgrade: Callable[[Path], None]) -> Path:
    """A catalog as the first version left it: no full text, no checksums."""
    create_catalog(tmp_path, {"model": "{}", "généré": "ü"})
    catalog = Catalog(tmp_path)
    with catalog.write() as transaction:
        content = transaction.content(b"1", "text")
        for text in ("parseConfigFile is a name", "die Straße"):
            transaction.add_chunk(content, ChunkRow("text", 0, len(text), 1, 1, None, text), b"\x01\x02", b"digest")
        transaction.complete(content)
        transaction.put_document("sub/getUserName.py", content, '{"a": 1}')
        transaction.content(b"2", "text")  # begun, and not complete
        transaction.put_file("sub/getUserName.py", FileRow(1, 2, 3, None))
    catalog.close()
    downgrade(tmp_path)
    return tmp_path


def test_an_older_layout_must_be_upgraded_first(folder: Path) -> None:
    with pytest.raises(OutdatedLayoutError, match=f"layout 1, here {LAYOUT}"):
        Catalog(folder)


def test_an_upgrade_keeps_everything_and_adds_what_is_new(folder: Path) -> None:
    upgrade_catalog(folder)
    catalog = Catalog(folder)
    with catalog.read() as snapshot:
        assert schema_rows(snapshot.connection) == expected_schema()
        assert (snapshot.setting("model"), snapshot.setting("généré")) == ("{}", "ü")
        assert snapshot.document_state("sub/getUserName.py") == (b"1", '{"a": 1}')
        assert snapshot.content_state(b"1")[1]
        assert not snapshot.content_state(b"2")[1]
        assert snapshot.files() == {"sub/getUserName.py": FileRow(1, 2, 3, None)}
        assert snapshot.unsegmented_rows("text") == [(1, b"\x01\x02"), (2, b"\x01\x02")]
        assert snapshot.connection.execute("SELECT chunks FROM contents ORDER BY content").fetchall() == [(2,), (0,)]
        words = fulltext.weigh(snapshot.connection, "words", ['"config"'])  # an extra word that layout 1 did not have
        assert [key for key, _ in fulltext.passages(snapshot.connection, words, 10, None)] == [1]
        names = fulltext.weigh(snapshot.connection, "names", ['"user"'])
        assert [document for document, _ in fulltext.names(snapshot.connection, names, 10)] == [1]
        assert snapshot.full_text_is_intact()
    with catalog.write() as transaction:  # keys go on where they were
        transaction.add_chunk(1, ChunkRow("text", 0, 1, 1, 1, None, "x"), b"\x01\x02", b"digest")
        assert transaction.live_keys("text", 0, 99)[-1] == 3
    catalog.close()


def test_an_upgrade_that_fails_leaves_the_old_layout(folder: Path) -> None:
    db = connect(folder / CATALOG_NAME)
    db.execute("ALTER TABLE documents RENAME COLUMN metadata TO facts")  # then the new column would be null
    db.close()
    with pytest.raises(Exception, match="NOT NULL"):
        upgrade_catalog(folder)
    db = connect(folder / CATALOG_NAME)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM documents").fetchone() == (1,)
    db.close()
