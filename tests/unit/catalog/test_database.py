"""The SQLite catalog."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edgeembed.catalog.database import CATALOG_NAME, Catalog, create_catalog
from edgeembed.catalog.rows import ChunkRow, EncoderInfo, FileRow
from edgeembed.catalog.transaction import Transaction
from edgeembed.errors import EdgeEmbedError, IndexCorruptError

ENCODER = EncoderInfo("digest", "model", "space", 2)
CHUNK = ChunkRow("text", 0, 5, 1, 1, None, "hello")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    create_catalog(tmp_path, {"model": "{}"})
    return Catalog(tmp_path)


def put(transaction: Transaction, id: str, digest: bytes, metadata: str = "{}") -> None:
    content = transaction.content(digest, "text")
    transaction.add_chunk(content, CHUNK, b"\x01\x02", b"digest", ENCODER)
    transaction.complete(content)
    transaction.put_document(id, content, metadata)


def test_a_failed_transaction_leaves_nothing(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as transaction:
            put(transaction, "a", b"1")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with catalog.read() as snapshot:
        assert snapshot.counts() == dict.fromkeys(snapshot.counts(), 0)
        assert snapshot.setting("generation") is None


def test_a_read_sees_one_commit_only(catalog: Catalog) -> None:
    with catalog.read() as snapshot:
        assert snapshot.ids() == []
        with catalog.write() as transaction:
            put(transaction, "a", b"1")
        assert snapshot.ids() == []
    with catalog.read() as snapshot:
        assert snapshot.ids() == ["a"]
        assert snapshot.setting("generation") == "1"


def test_what_is_kept_of_a_commit_is_read_once_and_anew_after_the_next(catalog: Catalog, tmp_path: Path) -> None:
    with catalog.write() as transaction:
        put(transaction, "a", b"1")
        assert transaction.kept("ids", transaction.ids) == ["a"]
        put(transaction, "b", b"2")
        assert transaction.kept("ids", transaction.ids) == ["a", "b"]  # nothing of a commit that is being made
    for _ in range(2):
        with catalog.read() as snapshot:
            kept = snapshot.kept("ids", snapshot.ids)
            assert kept == ["a", "b"]
            assert snapshot.kept("ids", lambda: ["another"]) is kept
    other = Catalog(tmp_path)  # as another process would write
    with catalog.read() as before, other.write() as transaction:
        assert before.kept("ids", before.ids) == ["a", "b"]
        put(transaction, "c", b"3")
    with catalog.read() as snapshot:
        assert snapshot.kept("ids", snapshot.ids) == ["a", "b", "c"]


def test_contents_are_shared_and_swept_with_their_last_document(catalog: Catalog) -> None:
    with catalog.write() as transaction:
        put(transaction, "a", b"1")
        content = transaction.content(b"1", "text")
        transaction.put_document("b", content, "{}")
    with catalog.write() as transaction:
        assert transaction.remove_documents(["a", "unknown"]) == 1
        assert transaction.collect_contents() == 0
        assert [row.id for row in transaction.passages([1], {})] == ["b"]
        transaction.remove_documents(["b"])
        assert transaction.collect_contents() == 1
        assert transaction.counts()["chunks"] == transaction.counts()["unsegmented"] == 0


def test_keys_are_never_reused(catalog: Catalog) -> None:
    with catalog.write() as transaction:
        put(transaction, "a", b"1")
        transaction.remove_documents(["a"])
        transaction.collect_contents()
        put(transaction, "a", b"1")
        assert [key for key, _ in transaction.unsegmented_rows("text")] == [2]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"from": "ann"}, ["a"]),
        ({"from": "ann", "year": 2024}, ["a"]),
        ({"from": "ann", "year": 2025}, []),
        ({"flag": True}, ["b"]),
        ({"flag": 1}, ["c"]),
        ({"flag": False}, []),
        ({"from": None}, ["c"]),
        ({'it\'s "odd".key': "ü"}, ["b"]),
    ],
)
def test_where_is_equality_on_top_level_values(catalog: Catalog, where: dict[str, object], expected: list[str]) -> None:
    with catalog.write() as transaction:
        put(transaction, "a", b"1", '{"from": "ann", "year": 2024}')
        put(transaction, "b", b"2", '{"from": "bob", "flag": true, "it\'s \\"odd\\".key": "ü"}')
        put(transaction, "c", b"3", '{"from": null, "flag": 1}')
    with catalog.read() as snapshot:
        assert sorted(row.id for row in snapshot.passages([1, 2, 3], where)) == expected
        assert len(snapshot.allowed_keys("text", where)) == len(expected)


def test_where_refuses_what_it_cannot_compare(catalog: Catalog) -> None:
    with catalog.read() as snapshot, pytest.raises(TypeError, match="must be a string, number"):
        snapshot.passages([1], {"tags": ["a"]})


def test_names_and_texts_that_are_not_unicode_come_back(catalog: Catalog) -> None:
    name = "caf\udce9/\x00\n🙂.txt"
    with catalog.write() as transaction:
        put(transaction, name, b"1")
        transaction.put_file(name, FileRow(1, 2, 3, None))
    with catalog.read() as snapshot:
        assert snapshot.ids() == [name]
        assert snapshot.files() == {name: FileRow(1, 2, 3, None)}
        assert snapshot.document_state(name) == (b"1", "{}")


def test_a_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / CATALOG_NAME).write_bytes(b"this is not a database, not at all" * 100)
    with pytest.raises(IndexCorruptError, match=r"catalog\.sqlite.*not a database"):
        Catalog(tmp_path)
    (tmp_path / CATALOG_NAME).unlink()
    sqlite3.connect(tmp_path / CATALOG_NAME).execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(IndexCorruptError, match="not an edgeembed catalog"):
        Catalog(tmp_path)


def test_a_newer_layout_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    catalog.close()
    sqlite3.connect(tmp_path / CATALOG_NAME).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(EdgeEmbedError, match=r"newer edgeembed.*upgrade"):
        Catalog(tmp_path)


def test_read_only_leaves_the_folder_alone(catalog: Catalog, tmp_path: Path) -> None:
    with catalog.write() as transaction:
        put(transaction, "a", b"1")
    catalog.close()
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    reader = Catalog(tmp_path, read_only=True)
    with reader.read() as snapshot:
        assert snapshot.ids() == ["a"]
    reader.close()
    assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before


def test_only_the_owner_may_read(catalog: Catalog, tmp_path: Path) -> None:
    assert (tmp_path / CATALOG_NAME).stat().st_mode & 0o077 == 0
