"""`compact`: the disk comes back, and removed text is gone from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Document, Index


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
