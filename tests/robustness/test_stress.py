"""Many processes at once: some seconds here, minutes by ``python -m tests.robustness.stress``."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Index
from tests.robustness import stress


@pytest.mark.slow
def test_readers_and_writers_in_many_processes(tmp_path: Path, tiny_bundle: Path) -> None:
    Index.open(tmp_path / "index", model=tiny_bundle).close()
    results = stress.run(tmp_path / "index", seconds=4)
    assert sum(int(str(result.get("wrote", 0))) for result in results) > 0
    assert all(result["searched"] for result in results if str(result["role"]).startswith("read"))
