"""What goes wrong is seen by ``verify`` and mended by ``repair``; ``compact`` gives the disk back."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgeembed
from edgeembed import Document, Folder, Index, IndexCorruptError
from edgeembed.catalog.checksums import checksum_sql, register
from edgeembed.catalog.database import CATALOG_NAME
from edgeembed.storage import segment_merger, writer

WORDS = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]


def texts(count: int, *, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{' '.join(rng.choice(WORDS, 5))} number {i}" for i in range(count)]


@pytest.fixture
def place(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of 130 documents in three segments and some fresh rows, closed."""
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 40)
    monkeypatch.setattr(writer, "COMMIT_CHUNKS", 10)
    monkeypatch.setattr(writer, "EMBED_CHUNKS", 10)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(Document(f"d{i}", text=text, metadata={"i": i}) for i, text in enumerate(texts(130)))
        assert index.status().segments == 3
        assert index.status().fresh > 0
    return tmp_path / "index"


def change(place: Path, sql: str, *values: object) -> None:
    db = sqlite3.connect(place / CATALOG_NAME)
    db.execute(sql, values)
    db.commit()
    db.close()


def answers(place: Path) -> dict[str, list[tuple[str, float]]]:
    with Index.open(place, read_only=True) as index:
        return {q: [(hit.id, round(hit.similarity, 4)) for hit in index.search(q, k=200)] for q in WORDS}


def problems(place: Path) -> str:
    with Index.open(place, read_only=True) as index:
        return "\n".join(f"{problem.where}: {problem.what}" for problem in index.verify().problems)


def test_a_sound_index_verifies_and_needs_no_repair(place: Path) -> None:
    with Index.open(place) as index:
        report = index.verify()
    assert (report.ok, report.notes, report.documents, report.chunks) == (True, (), 130, 130)
    assert report.embedded_again == 64
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    assert Index.repair(place).did == ()
    assert {name: (place / name).read_bytes() for name in before} == before


def cut(path: Path, size: int) -> None:
    raw = path.read_bytes()
    path.unlink()
    path.write_bytes(raw[:size])


def flip(path: Path, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 0x10
    path.unlink()
    path.write_bytes(raw)


def segment(place: Path) -> Path:
    return sorted(place.glob("*.usearch"))[0]


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a segment's vector": (lambda p: flip(segment(p), 100), "is damaged"),
    "a segment cut off": (lambda p: cut(segment(p), 500), "size or header"),
    "a segment gone": (lambda p: segment(p).unlink(), "is missing"),
    "a segment's row": (lambda p: change(p, "UPDATE segments SET first_key = first_key + 1"), "segments"),
    "a fresh vector": (
        lambda p: change(p, "UPDATE fresh SET vector = zeroblob(16) WHERE key = 129"),
        "129: text, span",
    ),
    "a fresh vector of a wrong size": (
        lambda p: change(p, "UPDATE fresh SET vector = x'00' WHERE key = 129"),
        "129: has no vector",
    ),
    "a fresh vector gone": (lambda p: change(p, "DELETE FROM fresh WHERE key = 130"), "130: has no vector"),
    "a vector twice": (lambda p: change(p, "INSERT INTO fresh VALUES (7, 'text', zeroblob(16))"), "has its own"),
    "a text": (
        lambda p: change(p, "UPDATE chunks SET text = 'x' || text WHERE key = 5"),
        "not as it was",
    ),
    "a chunk elsewhere": (lambda p: change(p, "UPDATE chunks SET content = 8 WHERE key = 9"), "not as it was written"),
    "a chunk gone": (lambda p: change(p, "DELETE FROM chunks WHERE key = 11"), "not as many chunks"),
    "a span": (lambda p: change(p, "UPDATE chunks SET start = start + 1 WHERE key = 6"), "not as it was written"),
    "an id": (lambda p: change(p, "UPDATE documents SET id = 'd777' WHERE id = 'd77'"), "not as it was written"),
    "a document's content": (lambda p: change(p, "UPDATE documents SET content = 5 WHERE id = 'd77'"), "not as it was"),
    "metadata": (lambda p: change(p, "UPDATE documents SET metadata = '{}' WHERE id = 'd77'"), "not as it was written"),
    "a content gone": (lambda p: change(p, "DELETE FROM contents WHERE content = 12"), "refers to a row of contents"),
    "a content's hash": (lambda p: change(p, "UPDATE contents SET hash = x'00' WHERE content = 12"), "not as it was"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_mended(place: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    sound = answers(place)
    damage(place)
    assert message in problems(place)
    report = Index.repair(place)
    assert report.did
    assert report.documents == 130 - len(report.lost)
    with Index.open(place) as index:
        assert index.verify().ok
        assert len(index.search("boat", k=200)) == report.documents >= 127
        index.add(Document(f"d{i}", text=text, metadata={"i": i}) for i, text in enumerate(texts(130)))
        assert index.verify().ok
    assert answers(place) == sound
    assert {path.name for path in place.iterdir()} >= {CATALOG_NAME}
    assert not list(place.glob("*.part*"))


def test_repair_embeds_the_rows_of_a_lost_segment_again(place: Path) -> None:
    sound = answers(place)
    segment(place).unlink()
    report = Index.repair(place)
    assert (report.embedded, report.lost, report.documents) == (40, (), 130)
    assert "was given up: is missing" in report.did[0]
    assert answers(place) == sound


def test_without_the_model_texts_of_a_lost_segment_are_to_be_added_again(place: Path, tmp_path: Path) -> None:
    with Index.open(place) as index:
        model = index.embedder.bundle.path
    hidden = model.rename(model.with_name("hidden"))
    try:
        segment(place).unlink()
        report = Index.repair(place)
    finally:
        hidden.rename(model)
    assert (report.embedded, report.documents, len(report.lost)) == (0, 90, 40)
    assert any("no such bundle" in line for line in report.did)
    with Index.open(place) as index:
        assert index.verify().ok


@pytest.mark.parametrize("page", [2, 5, 9])
def test_a_page_of_zeros_costs_its_rows_only(place: Path, page: int) -> None:
    raw = bytearray((place / CATALOG_NAME).read_bytes())
    raw[page * 4096 : (page + 1) * 4096] = bytes(4096)
    (place / CATALOG_NAME).write_bytes(raw)
    with contextlib.suppress(IndexCorruptError):  # also an answer
        assert problems(place)
    report = Index.repair(place)
    with Index.open(place) as index:
        assert index.verify().ok
        assert index.status().documents == report.documents
        index.add(Document(f"d{i}", text=text, metadata={"i": i}) for i, text in enumerate(texts(130)))
        assert index.status().documents == 130


def test_most_of_a_page_of_zeros_is_found_wherever_it_is(place: Path, tmp_path: Path) -> None:
    """Of rows it makes ones with key 0, behind the last of which reading could go on without end."""
    size = (place / CATALOG_NAME).stat().st_size
    right = answers(place)
    for start in range(4096, size, 4096):
        copy = Path(shutil.copytree(place, tmp_path / f"at-{start}"))
        with (copy / CATALOG_NAME).open("r+b") as file:
            file.seek(start + 1024)
            file.write(bytes(3072))
        with contextlib.suppress(IndexCorruptError):
            assert problems(copy) or answers(copy) == right
        shutil.rmtree(copy)


def test_a_vector_that_the_model_would_not_give_is_found(place: Path) -> None:
    """Everything sealed again after the change: only embedding the text once more can tell."""
    from edgeembed.catalog.checksums import chunk_digest
    from edgeembed.catalog.snapshot import ChunkRow

    db = sqlite3.connect(place / CATALOG_NAME)
    register(db)
    vector = bytes([127] + [0] * 15)
    for key, *facts in db.execute(
        'SELECT c.key, c.kind, start, "end", start_line, end_line, page, text FROM chunks c JOIN fresh USING (key)'
    ).fetchall():
        digest = chunk_digest(ChunkRow(*facts), vector)
        db.execute("UPDATE fresh SET vector = ? WHERE key = ?", (vector, key))
        db.execute("UPDATE chunks SET digest = ? WHERE key = ?", (digest, key))
        db.execute(f"UPDATE chunks SET seal = {checksum_sql('chunks')} WHERE key = ?", (key,))
    db.commit()
    db.close()
    assert "embedded again departs" in problems(place)


def test_a_folder_takes_lost_documents_anew_at_the_next_sync(tmp_path: Path, tiny_bundle: Path) -> None:
    for i, text in enumerate(texts(20)):
        (tmp_path / f"{i}.txt").write_text(text)
        os.utime(tmp_path / f"{i}.txt", (1_600_000_000, 1_600_000_000))
    with Folder.open(tmp_path, model=tiny_bundle) as folder:
        folder.sync()
        place = folder.index.path
    change(place, "UPDATE chunks SET text = 'x' WHERE key = 3")
    change(place, "UPDATE documents SET id = 'other.txt' WHERE id = '7.txt'")
    report = Index.repair(place)
    assert report.lost == ("10.txt", "7.txt", "other.txt")  # what the damaged row says, too
    assert report.documents == 18
    with Folder.open(tmp_path) as folder:
        again = folder.sync()
        assert (again.added, again.embedded) == (2, 1)
        assert folder.plan().is_empty
        assert folder.index.verify().ok


def test_compact_gives_back_the_disk_and_wipes_what_was_removed(place: Path) -> None:
    with Index.open(place) as index:
        index.add([Document("secret", text="the password is xyzzy-plugh-42")])
        before = index.status().size_bytes
        index.remove(["secret", *(f"d{i}" for i in range(65))])
        report = index.compact()
        assert report.notes == ()
        assert report.after_bytes == index.status().size_bytes < before * 0.75
        assert index.status().segments == 1
        assert index.verify().ok
        assert len(index.search("boat", k=200)) == 65
    assert not any(b"plugh" in file.read_bytes() for file in place.iterdir())


@pytest.mark.slow
def test_compact_says_when_a_reader_holds_the_log(place: Path) -> None:
    with Index.open(place) as index, Index.open(place) as other:
        index.remove(["d1"])
        with other._store.catalog.read() as snapshot:
            snapshot.ids()
            notes = index.compact().notes
        assert "goes once that has ended" in notes[0]
        assert index.compact().notes == ()


def test_an_older_layout_is_upgraded_in_place(place: Path, downgrade: Callable[[Path], None]) -> None:
    sound = answers(place)
    downgrade(place)
    with pytest.raises(edgeembed.EdgeEmbedError, match=r"older edgeembed \(layout 1.*upgrades it in place"):
        Index.open(place, read_only=True)
    with Index.open(place) as index:
        assert index.verify().ok
        index.add([Document("one more", text="a boat")])
        index.remove(["one more"])
    assert answers(place) == sound
    with sqlite3.connect(place / CATALOG_NAME) as db:
        assert db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'chunks'").fetchone() == (131,)


def test_text_without_lines_verifies(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([Document("slides", text="a boat\n\na garden", lines=False)])
        assert index.search("boat")[0].start_line is None
        assert index.verify().ok


def test_full_text_that_says_something_else_is_found_and_made_again(place: Path) -> None:
    with sqlite3.connect(place / CATALOG_NAME) as db:
        db.execute("DELETE FROM words_idx")
        db.execute("DELETE FROM words_data WHERE id > 10")
    with Index.open(place) as index:
        assert any("full text" in problem.what for problem in index.verify().problems)
    Index.repair(place)
    with Index.open(place) as index:
        assert index.verify().ok
        assert index.search("boat", mode="keyword")
