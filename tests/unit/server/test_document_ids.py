"""Opaque ids of documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.server.document_ids import DocumentIds, id_key


def test_an_id_is_of_one_document_in_one_index(tmp_path: Path) -> None:
    ids = DocumentIds(b"key")
    id = ids.of(tmp_path / "a", 7, "notes/a.md")
    place = ids.place(id)
    assert place is not None
    assert place[1] == 7
    assert ids.fits(place[0], tmp_path / "a")
    assert not ids.fits(place[0], tmp_path / "b")
    assert ids.proves(id, tmp_path / "a", 7, "notes/a.md")
    assert not ids.proves(id, tmp_path / "a", 7, "notes/b.md")
    assert not ids.proves(id, tmp_path / "a", 8, "notes/a.md")
    assert not DocumentIds(b"other").proves(id, tmp_path / "a", 7, "notes/a.md")
    assert "notes" not in id
    assert ids.of(tmp_path, 1, "cut \ud83d") != ids.of(tmp_path, 1, "cut \udce9")


@pytest.mark.parametrize(
    "id", ["", "x", "../../etc/passwd", "a" * 27, "ä" * 27, "A" * 26 + "=", "_" * 27, "A" * 27 + "\n"]
)
def test_what_was_made_up_is_of_no_document(id: str, tmp_path: Path) -> None:
    place = DocumentIds.place(id)
    assert place is None or not DocumentIds(b"key").proves(id, tmp_path, place[1], "a.md")


def test_the_key_is_kept_and_private() -> None:
    key = id_key()
    assert id_key() == key
    assert len(key) == 32
