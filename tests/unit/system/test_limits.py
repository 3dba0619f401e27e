"""How many cores and how much memory this process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeembed import Embedder, Folder, Index
from edgeembed.system.limits import _quota, checked_threads, memory_bytes, usable_cores


def test_quota_of_a_container(tmp_path: Path) -> None:
    assert _quota(tmp_path) is None
    for text, cores in (("max 100000", None), ("250000 100000", 2), ("50000 100000", 1), ("nonsense", None)):
        (tmp_path / "cpu.max").write_text(text)
        assert _quota(tmp_path) == cores
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    for text, cores in (("-1\n", None), ("300000\n", 3)):
        (tmp_path / "cpu/cpu.cfs_quota_us").write_text(text)
        assert _quota(tmp_path) == cores


def test_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity")
def test_a_process_that_is_held_to_one_core_uses_one() -> None:
    code = """
import os
from edgeembed.system.limits import usable_cores
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
print(usable_cores())
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say how much memory there is")
def test_memory_is_at_most_that_of_the_machine() -> None:
    memory = memory_bytes()
    assert memory is not None
    assert 1 << 24 < memory <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize("threads", [None, 1, 3, np.int64(2)])
def test_a_number_of_threads_is_taken(threads: object) -> None:
    assert checked_threads(threads) == (None if threads is None else int(str(threads)))


@pytest.mark.parametrize(
    ("threads", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        ("2", TypeError),
        (1.5, TypeError),
        (2.0, TypeError),
        (True, TypeError),
        (False, TypeError),
        (np.True_, TypeError),
        (b"2", TypeError),
        ([2], TypeError),
    ],
)
def test_what_is_no_number_of_threads_is_refused_alike_everywhere(
    tmp_path: Path, tiny_bundle: Path, threads: Any, error: type[Exception]
) -> None:
    notes, place = tmp_path / "notes", tmp_path / "index"
    notes.mkdir()
    said = set()
    for call in (
        lambda: checked_threads(threads),
        lambda: Embedder.load(tiny_bundle, threads=threads),
        lambda: Index.open(place, model=tiny_bundle, threads=threads),
        lambda: Index.repair(place, threads=threads),
        lambda: Folder.open(notes, model=tiny_bundle, threads=threads),
        lambda: Folder.rebuild(notes, model=tiny_bundle, threads=threads),
    ):
        with pytest.raises(error, match="threads must be") as caught:
            call()
        said.add(str(caught.value))
    assert len(said) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes"]  # nothing was made
    assert not any(notes.iterdir())
