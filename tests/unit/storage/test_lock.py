"""One writer at a time: a lock that is freed when its process ends, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeembed.errors import IndexLockedError
from edgeembed.storage.lock import LOCK_FILES, forget_owner, process_lock

HOLD = """
import os, sys
from pathlib import Path
from edgeembed.storage.lock import process_lock
with process_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
    if sys.argv[2:]:
        os._exit(9)
"""


def holder(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


@pytest.mark.parametrize("end", [[], ["dies"]])
def test_another_process_is_kept_out_and_named_until_it_ends(tmp_path: Path, end: list[str]) -> None:
    process = holder(tmp_path, *end)
    with pytest.raises(IndexLockedError) as caught, process_lock(tmp_path):
        pytest.fail("two writers at a time")
    assert caught.value.path == tmp_path
    assert f"process {process.pid}" in caught.value.owner
    process.communicate("")
    with process_lock(tmp_path, wait_seconds=5):
        assert f"process {os.getpid()}" in (tmp_path / LOCK_FILES[1]).read_text()
    forget_owner(tmp_path)
    assert not (tmp_path / LOCK_FILES[1]).exists()


def test_waiting_goes_on_when_the_other_one_ends(tmp_path: Path) -> None:
    process = holder(tmp_path)
    assert process.stdin is not None
    process.stdin.close()
    with process_lock(tmp_path, wait_seconds=30):
        process.wait(30)
    assert process.returncode == 0


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="in the middle"), process_lock(tmp_path):
        raise RuntimeError("in the middle")
    with process_lock(tmp_path):
        pass


def test_an_owner_that_left_no_name_is_another_process(tmp_path: Path) -> None:
    process = holder(tmp_path)
    forget_owner(tmp_path)
    with pytest.raises(IndexLockedError, match="another process"), process_lock(tmp_path):
        pytest.fail("two writers at a time")
    process.communicate("")


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights on Windows")
def test_the_name_is_not_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / LOCK_FILES[1]).symlink_to(target)
    with process_lock(tmp_path):
        assert target.read_text() == "mine"
