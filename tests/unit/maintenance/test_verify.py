"""What goes wrong in an index is seen by `verify`."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

import edgeembed
from edgeembed import Document, Index, IndexCorruptError
from edgeembed.catalog.checksums import checksum_sql, register
from edgeembed.catalog.database import CATALOG_NAME
from tests.support.index_damage import answers, problems
from tests.support.old_layouts import downgrade


def test_a_sound_index_verifies_and_needs_no_repair(place: Path) -> None:
    with Index.open(place) as index:
        report = index.verify()
    assert (report.ok, report.notes, report.documents, report.chunks) == (True, (), 130, 130)
    assert report.embedded_again == 64
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    assert Index.repair(place).did == ()
    assert {name: (place / name).read_bytes() for name in before} == before


@pytest.mark.slow
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
    from edgeembed.catalog.rows import ChunkRow

    db = sqlite3.connect(place / CATALOG_NAME)
    register(db)
    vector = bytes([127] + [0] * 15)
    for key, *facts in db.execute(
        'SELECT c.key, c.kind, start, "end", start_line, end_line, page, text '
        "FROM chunks c JOIN unsegmented USING (key)"
    ).fetchall():
        digest = chunk_digest(ChunkRow(*facts), vector)
        db.execute("UPDATE unsegmented SET vector = ? WHERE key = ?", (vector, key))
        db.execute("UPDATE chunks SET digest = ? WHERE key = ?", (digest, key))
        db.execute(f"UPDATE chunks SET checksum = {checksum_sql('chunks')} WHERE key = ?", (key,))
    db.commit()
    db.close()
    assert "embedded again departs" in problems(place)


def test_an_older_layout_is_upgraded_in_place(place: Path) -> None:
    sound = answers(place)
    downgrade(place, 1)
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
