"""`repair`: damage of every sort is mended, as far as what is left allows."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index, IndexCorruptError
from edgeembed.catalog.database import CATALOG_NAME
from tests.support.index_damage import answers, change, cut, flip, problems, segment, texts

DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a segment's vector": (lambda p: flip(segment(p), 100), "is damaged"),
    "a segment cut off": (lambda p: cut(segment(p), 500), "size or header"),
    "a segment gone": (lambda p: segment(p).unlink(), "is missing"),
    "a segment's row": (lambda p: change(p, "UPDATE segments SET first_key = first_key + 1"), "segments"),
    "a fresh vector": (
        lambda p: change(p, "UPDATE unsegmented SET vector = zeroblob(16) WHERE key = 129"),
        "129: text, span",
    ),
    "a fresh vector of a wrong size": (
        lambda p: change(p, "UPDATE unsegmented SET vector = x'00' WHERE key = 129"),
        "129: has no vector",
    ),
    "a fresh vector gone": (lambda p: change(p, "DELETE FROM unsegmented WHERE key = 130"), "130: has no vector"),
    "a vector twice": (lambda p: change(p, "INSERT INTO unsegmented VALUES (7, 'text', zeroblob(16))"), "has its own"),
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
