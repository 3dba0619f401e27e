"""Several folders, and a watcher inside a program."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from edgeembed import Folder
from edgeembed.sync.report import SyncReport
from edgeembed.watching import watcher as module
from edgeembed.watching.reports import Batch, Notice
from edgeembed.watching.watcher import OpenedFolder, Watcher


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_watches_a_folder(tmp_path: Path, tiny_bundle: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    told: list[Batch | Notice] = []
    target = OpenedFolder(folder, "", folder / ".edgeembed", lambda: Folder.open(folder, model=tiny_bundle))
    watcher = Watcher([target], told.append)
    assert not watcher.is_running
    watcher.start()
    until(lambda: told)
    assert watcher.is_running
    (folder / "a.txt").write_text("a heron")
    until(lambda: any(isinstance(item, Batch) and item.report.added == 1 for item in told))
    watcher.stop()
    assert not watcher.is_running
    target.close()
    with Folder.open(folder, read_only=True) as opened:
        assert [hit.id for hit in opened.search("heron", min_score=None)] == ["a.txt"]


def test_an_index_is_opened_again_when_it_is_asked_for(tmp_path: Path, tiny_bundle: Path) -> None:
    opened: list[Folder] = []

    def open_folder() -> Folder:
        opened.append(Folder.open(tmp_path, model=tiny_bundle))
        return opened[-1]

    target = OpenedFolder(tmp_path, "", tmp_path / ".edgeembed", open_folder)
    target.reopen()
    target.reopen()
    assert len(opened) == 1
    target.sync(below=("",), deep=True, later=(), cancel=lambda: False)
    assert len(opened) == 2
    target.close()


class Odd:
    """A target with a fault of ours."""

    below = ""

    def __init__(self, root: Path) -> None:
        self.shown = self.root = root
        self.index_dir = root / ".edgeembed"

    def sync(
        self, *, below: tuple[str, ...], deep: bool, later: Collection[str], cancel: Callable[[], bool]
    ) -> SyncReport:
        raise KeyError("a fault")

    def reopen(self) -> None:
        pass


def test_a_fault_in_one_folder_is_told_and_stops_that_one_only(tmp_path: Path, tiny_bundle: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    told: list[Batch | Notice] = []
    target = OpenedFolder(good, "", good / ".edgeembed", lambda: Folder.open(good, model=tiny_bundle))
    watcher = Watcher([Odd(tmp_path), target], told.append)
    watcher.start()
    until(lambda: any(isinstance(item, Notice) and "KeyError" in item.message for item in told))
    until(lambda: any(isinstance(item, Batch) for item in told))
    assert watcher.is_running
    watcher.stop()
    target.close()


def test_whether_it_can_be_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.can_watch()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not module.can_watch()
