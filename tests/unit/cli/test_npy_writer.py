"""A .npy file that is written row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeembed.cli.npy_writer import NpyWriter


@pytest.mark.parametrize("parts", [[], [1], [3, 1, 200], [0, 2]])
def test_numpy_reads_what_was_appended(tmp_path: Path, parts: list[int]) -> None:
    blocks = [np.random.default_rng(n).standard_normal((n, 5)).astype(np.float32) for n in parts]
    with NpyWriter(tmp_path / "out.npy", 5) as writer:
        for block in blocks:
            writer.append(block)
    rows = np.load(tmp_path / "out.npy", mmap_mode="r")
    assert rows.dtype == np.float32
    assert np.array_equal(rows, np.concatenate([np.empty((0, 5), np.float32), *blocks]))


def test_rows_in_another_memory_order_are_written_as_rows(tmp_path: Path) -> None:
    block = np.arange(6, dtype=np.float32).reshape(3, 2).T  # (2, 3)
    with NpyWriter(tmp_path / "out.npy", 3) as writer:
        writer.append(block)
    assert np.array_equal(np.load(tmp_path / "out.npy"), block)


def test_what_was_written_before_an_error_can_be_read(tmp_path: Path) -> None:
    def interrupted() -> None:
        with NpyWriter(tmp_path / "out.npy", 2) as writer:
            writer.append(np.ones((4, 2), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert np.load(tmp_path / "out.npy").shape == (4, 2)
