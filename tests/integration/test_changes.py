"""What a change writes, and what compacting gives back: small here, large by ``python -m tests.benchmarks.changes``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.changes import measure

_FOLDED = 1000 * 4200
"""Now and then SQLite folds its log, a thousand pages, into the file."""


@pytest.mark.slow
def test_bytes_written_follow_the_change_and_the_disk_comes_back(tmp_path: Path) -> None:
    costs = [(what, size) for what, _, size in measure(tmp_path, 3000)]
    one = [size for what, size in costs if what.startswith("change 1 ")]
    ten, hundred = (size for what, size in costs if what.startswith(("change 10 ", "change 100 ")))
    assert min(one) < 400_000  # some pages of 4 kB in each of a dozen trees, twice
    assert ten < 10 * min(one) + _FOLDED
    assert hundred < 100 * min(one) + _FOLDED
    full, left = (size for what, size in costs if what.startswith("size"))
    assert left <= 0.55 * full
