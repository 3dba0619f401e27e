"""What the tests of searches share: an index of a few texts in several scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Document, Index
from tests.support.search_texts import TEXTS


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Index:
    index = Index.open(tmp_path / "index", model=tiny_bundle)
    index.add(Document(name, text=text) for name, text in TEXTS.items())
    return index
