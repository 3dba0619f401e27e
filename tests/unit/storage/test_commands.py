"""Changes of the catalog as values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed.catalog.database import Catalog, create_catalog
from edgeembed.catalog.rows import ChunkRow, FileRow
from edgeembed.errors import ImageError
from edgeembed.storage.commands import (
    AddChunk,
    Command,
    CompleteContent,
    FailedImage,
    Outcome,
    PutDocument,
    PutSetting,
    Removed,
    RemoveDocuments,
    SkipFile,
)
from edgeembed.storage.embed_queue import PendingChunk

FILE = FileRow(3, 5, 7, None)
DIGEST = b"d" * 16


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    create_catalog(tmp_path, {})
    catalog = Catalog(tmp_path)
    yield catalog
    catalog.close()


def apply(catalog: Catalog, *commands: Command) -> list[Outcome]:
    with catalog.write() as transaction:
        return [command.apply(transaction) for command in commands]


def text(words: str, vector: bytes | None = bytes(16)) -> PendingChunk:
    return PendingChunk(DIGEST, ChunkRow("text", 0, len(words), 1, 1, None, words), vector=vector)


def put(id: str, *, file: FileRow | None = None, image: PendingChunk | None = None) -> PutDocument:
    kind = "text" if image is None else "image"
    return PutDocument(id, DIGEST, kind, "{}", "new", file, image, None if image is None else Path("a.png"))


def test_a_document_is_there_once_its_chunks_are_added_and_complete(catalog: Catalog) -> None:
    apply(catalog, AddChunk(text("a boat")), CompleteContent(DIGEST, "text"), put("a.txt", file=FILE))
    with catalog.read() as snapshot:
        number = snapshot.document("a.txt")
        assert number is not None
        assert snapshot.content_state(DIGEST) == (1, True)
        assert snapshot.files() == {"a.txt": FILE}
        assert snapshot.lines(number, 1, 1) == [(1, "a boat")]
    assert apply(catalog, RemoveDocuments(("a.txt", "not there"))) == [Removed(1)]
    with catalog.read() as snapshot:
        assert snapshot.ids() == []
        assert snapshot.files() == {}


def test_what_waits_for_its_vector_is_not_ready() -> None:
    chunk = text("a boat", vector=None)
    commands = [AddChunk(chunk), CompleteContent(DIGEST, "image", chunk), put("a.png", image=chunk)]
    assert not any(command.is_ready for command in commands)
    chunk.vector = bytes(16)
    assert all(command.is_ready for command in commands)
    ready = [CompleteContent(DIGEST, "text"), put("a.txt"), RemoveDocuments(()), PutSetting("name", "value")]
    assert all(command.is_ready for command in [*ready, SkipFile("a", FILE, keep=True)])


@pytest.mark.parametrize("file", [FILE, None], ids=["of a file", "of an application"])
def test_an_image_that_cannot_be_read_is_given_up(catalog: Catalog, file: FileRow | None) -> None:
    chunk = PendingChunk(DIGEST, ChunkRow("image", None, None, None, None, None, None))
    chunk.error = ImageError(None, "damaged picture")
    *nothing, failed = apply(
        catalog, AddChunk(chunk), CompleteContent(DIGEST, "image", chunk), put("a.png", file=file, image=chunk)
    )
    assert nothing == [None, None]
    assert isinstance(failed, FailedImage)
    assert (failed.id, failed.change, failed.is_file) == ("a.png", "new", file is not None)
    assert str(failed.error) == "a.png: damaged picture (document 'a.png')"
    with catalog.read() as snapshot:
        assert snapshot.ids() == []
        assert snapshot.counts()["chunks"] == 0
        assert snapshot.files() == ({} if file is None else {"a.png": FILE.skipped("damaged picture")})


def test_a_skipped_file_keeps_or_loses_what_was_indexed_of_it(catalog: Catalog) -> None:
    apply(catalog, AddChunk(text("a boat")), CompleteContent(DIGEST, "text"), put("a.txt", file=FILE))
    skipped = FILE._replace(reason="not readable")
    for keep, ids in ((True, ["a.txt"]), (False, [])):
        apply(catalog, SkipFile("a.txt", skipped, keep=keep))
        with catalog.read() as snapshot:
            assert snapshot.ids() == ids
            assert snapshot.files() == {"a.txt": skipped}


def test_a_setting_is_replaced(catalog: Catalog) -> None:
    apply(catalog, PutSetting("colour", "red"), PutSetting("colour", "blue"))
    with catalog.read() as snapshot:
        assert snapshot.setting("colour") == "blue"
