"""Fixtures of the tests of maintenance."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Document, Index
from edgeembed.storage import segment_merger, writer
from tests.support.index_damage import texts


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
