"""Fresh rows become segments, and these become fewer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeembed import Document, Hit, Index
from edgeembed.storage import segment_merger, writer


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Small segments in place of large ones."""
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 40)
    monkeypatch.setattr(writer, "COMMIT_CHUNKS", 10)
    with Index.open(tmp_path / "index", model=tiny_bundle) as opened:
        yield opened


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_fresh_rows_are_flushed_to_segments_which_are_merged_and_answer_as_one(index: Index) -> None:
    words = ["boat", "garden", "fence", "tomato", "letter", "dawn", "harbour", "paint", "seed", "invoice"]
    rng = np.random.default_rng(0)
    documents = [Document(f"d{i}", text=f"{' '.join(rng.choice(words, 5))} number {i}") for i in range(700)]
    index.add(documents)
    status = index.status()
    assert status.fresh < 50
    assert 1 <= status.segments < 10  # merged: 700 rows were sealed 40 at a time
    files = {path.name for path in index.path.glob("*.usearch*")}
    assert len(files) == status.segments  # nothing that no commit names is left

    vectors = index.embedder.embed_texts([document.text or "" for document in documents])
    query = index.embedder.embed_texts(["boat in the harbour"], role="query")[0]
    best = [f"d{i}" for i in np.argsort(-(vectors @ query))[:10]]
    assert len(set(best) & set(ids(index.search("boat in the harbour", mode="vector")))) >= 9

    index.remove(best[:5] + [f"d{i}" for i in range(400)])
    left = [name for name in best if name not in best[:5] and int(name[1:]) >= 400]
    found = ids(index.search("boat in the harbour", k=20, mode="vector"))
    assert len(found) == 20
    assert set(left) <= set(found)
    assert not set(best[:5]) & set(found)
    assert len(index.search("boat", k=1000)) == index.status().documents


def test_segments_that_lost_most_of_their_rows_are_written_anew(index: Index) -> None:
    index.add(Document(f"d{i}", text=f"boat number {i}") for i in range(130))

    def facts() -> dict[str, int]:
        return index._store.read(lambda snapshot: {facts.file: facts.rows for facts in snapshot.segments()})

    before = facts()
    first, *others = before
    index.remove([f"d{i}" for i in range(15)])
    assert facts() == before  # fewer than half are gone
    index.remove([f"d{i}" for i in range(30)])
    assert first not in facts()
    assert set(others) < set(facts())
    index.compact()
    assert len(facts()) == 1
    assert index.verify().ok
