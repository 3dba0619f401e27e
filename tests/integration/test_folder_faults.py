"""A folder whose files or drive cannot be read, and a sync that is interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeembed import Folder, Skipped
from edgeembed.sync.report import SyncProgress
from tests.support.old_files import OLD_NS, write


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    write(root / "boat.md", "# Boat\n\nThe boat leaves the harbour at dawn.\n")
    write(root / "garden/tomato.txt", "Tomato seedlings want warmth.\n")
    write(root / "Straße/Müll.txt", "Bins are emptied on Tuesday.\n")
    return root


@pytest.fixture
def folder(notes: Path, tiny_bundle: Path) -> Folder:
    return Folder.open(notes, model=tiny_bundle)


def found(folder: Folder, query: str = "boat tomato bins") -> list[str]:
    return sorted(hit.id for hit in folder.search(query, k=100))


def test_a_file_that_cannot_be_used_is_listed_and_ends_nothing(folder: Folder, notes: Path) -> None:
    (notes / "empty.txt").touch()
    (notes / "binary.txt").write_bytes(bytes(range(256)) * 40)
    with (notes / "huge.txt").open("wb") as file:
        file.truncate(2 << 30)
    report = folder.sync()
    reasons = {item.path: item.reason for item in report.skipped}
    assert reasons.keys() == {"empty.txt", "binary.txt", "huge.txt"}
    assert "empty" in reasons["empty.txt"]
    assert "not text" in reasons["binary.txt"]
    assert report.added == 3
    assert {item.path for item in folder.status().skipped} == reasons.keys()
    for name in ("empty.txt", "binary.txt"):
        os.utime(notes / name, ns=(OLD_NS, OLD_NS))
    folder.sync()
    assert {item.path for item in folder.sync().skipped} == reasons.keys()  # still said when nothing is new


def test_a_file_that_is_unreadable_for_a_while_stays_indexed(
    folder: Folder, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeembed.reading import read_file
    from edgeembed.sync import sync as sync_module

    folder.sync()

    def refuse(root: Path, stat: object, **options: object) -> read_file.Skipped:
        return read_file.Skipped("boat.md", "not readable: permission denied")

    os.utime(notes / "boat.md", ns=(OLD_NS + 9, OLD_NS + 9))
    with monkeypatch.context() as patched:  # root may read everything, so permissions alone cannot show it
        patched.setattr(sync_module, "read_document", refuse)
        assert [item.path for item in folder.sync().skipped] == ["boat.md"]
    assert "boat.md" in found(folder)
    report = folder.sync()  # tried again without having changed
    assert (report.skipped, report.unchanged, report.embedded) == ((), 3, 0)


def test_a_file_that_may_not_be_read_is_skipped_and_not_pending(
    folder: Folder, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(notes / "secret.txt", "the password of the router")
    opened = os.open

    def refuse(path: str | Path, *args: int, **options: int) -> int:  # root may read everything, whatever the mode
        if Path(path).name == "secret.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    reason = Skipped("secret.txt", "not readable: permission denied")
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        for _ in range(2):
            assert folder.sync().skipped == (reason,)
            plan = folder.plan()
            assert (plan.new, plan.changed, plan.removed) == ((), (), ())
            assert [stat.path for stat in plan.recheck] == ["secret.txt"]  # it is tried every time
            assert folder.status().skipped == (reason,)
    assert [stat.path for stat in folder.plan().changed] == ["secret.txt"]
    report = folder.sync()
    assert (report.added, report.skipped) == (1, ())


@pytest.mark.skipif(os.name == "nt", reason="pipes and links as on POSIX")
def test_a_pipe_in_place_of_a_file_is_listed_and_the_file_is_removed(folder: Folder, notes: Path) -> None:
    (notes / "link.txt").symlink_to("boat.md")
    assert folder.sync().added == 4
    os.mkfifo(notes / "pipe")
    (notes / "boat.md").unlink()
    (notes / "garden/tomato.txt").unlink()
    os.mkfifo(notes / "garden/tomato.txt")
    others = {"garden/tomato.txt": "a pipe", "link.txt": "a broken link", "pipe": "a pipe"}
    assert {item.path: item.reason for item in folder.plan().skipped} == {
        path: f"not a file: {kind}" for path, kind in others.items()
    }
    report = folder.sync()
    assert (report.removed, len(report.skipped)) == (3, 3)
    assert found(folder) == ["Straße/Müll.txt"]
    assert folder.plan().is_empty


def test_a_file_that_moved_to_the_cloud_keeps_what_was_indexed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeembed.sync import plan as plan_module
    from edgeembed.sync import walk as walk_module

    folder.sync()

    def walk(root: Path, **options: object) -> list[object]:
        found = [entry for entry in walk_module.walk(root) if isinstance(entry, walk_module.FileStat)]
        cloud = Skipped("boat.md", "kept in the cloud, not on this machine")
        return [entry for entry in found if entry.path != "boat.md"] + [cloud]

    monkeypatch.setattr(plan_module, "walk", walk)  # no system here has such files
    report = folder.sync()
    assert (report.removed, [item.path for item in report.skipped]) == (0, ["boat.md"])
    assert "boat.md" in found(folder)


def test_cancelling_does_not_wait_for_a_slow_file(folder: Folder, notes: Path) -> None:
    write(notes / "a.html", "<![CDATA[" * 1_000_000)  # takes minutes
    begun = time.monotonic()
    report = folder.sync(cancel=lambda: time.monotonic() - begun > 1)
    assert report.cancelled
    assert time.monotonic() - begun < 6
    assert {item.path for item in report.skipped} == set()


def test_cancel_keeps_what_is_done(folder: Folder) -> None:
    report = folder.sync(cancel=lambda: True)
    assert report.cancelled
    report = folder.sync()
    assert not report.cancelled
    assert len(found(folder)) == 3


@pytest.mark.parametrize(("name", "error"), [("missing", FileNotFoundError), ("notes/boat.md", NotADirectoryError)])
def test_what_is_no_folder(notes: Path, tmp_path: Path, name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="give the folder"):
        Folder.open(tmp_path / name)
    assert not (tmp_path / "missing").exists()


SLOW_SYNC = """
import sys, edgeembed
edgeembed.Folder.open(sys.argv[1], model=sys.argv[2], threads=1).sync()
"""


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(tmp_path: Path) -> None:
    """SIGKILL while indexing with the shipped model: what was committed answers at once, and the rest follows."""
    notes = tmp_path / "many"
    for i in range(1600):
        write(notes / f"{i:04}.txt", f"Note {i}. " + f"The price of item {i} rose again in week {i % 52}. " * 12)
    process = subprocess.Popen([sys.executable, "-c", SLOW_SYNC, notes, "minilm-l6-int8"])
    place = notes / ".edgeembed"
    held = 0
    deadline = time.monotonic() + 120
    while not held and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
        if (place / "catalog.sqlite").exists():
            with Folder.open(notes, read_only=True) as reader:
                held = reader.status().documents
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < held < 1600
    with Folder.open(notes) as folder:
        assert folder.status().documents >= held
        assert folder.search("price of item")
        report = folder.sync()
        assert report.added + folder.status().documents - report.added == 1600
        assert report.embedded <= 1600 - held
        assert folder.plan().is_empty


@pytest.mark.parametrize("leaves_mount_point", [False, True])
def test_a_folder_that_goes_away_during_a_sync_is_an_error(
    notes: Path, tmp_path: Path, tiny_bundle: Path, leaves_mount_point: bool
) -> None:
    def go(_: SyncProgress) -> None:
        if not (tmp_path / "away").exists():
            notes.rename(tmp_path / "away")
            if leaves_mount_point:
                notes.mkdir()

    for number in range(20):
        write(notes / f"{number}.txt", f"note {number}")
    with Folder.open(notes, index=tmp_path / "index", model=tiny_bundle) as folder:
        with pytest.raises(FileNotFoundError, match="went away while it was read; nothing was taken for deleted"):
            folder.sync(progress=go)
        assert folder.status().skipped == ()
        shutil.rmtree(notes, ignore_errors=True)
        (tmp_path / "away").rename(notes)
        folder.sync()
        assert len(found(folder)) == 23


def test_a_folder_that_goes_away_while_its_files_are_listed_is_an_error(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeembed.sync import walk as walk_module

    root = write(tmp_path / "notes" / "a.txt", "a boat").parent

    def ignored(*_: object) -> bool:
        root.rename(tmp_path / "away")
        return False

    with Folder.open(root, index=tmp_path / "index", model=tiny_bundle) as folder:
        folder.sync()
        with monkeypatch.context() as patched:
            patched.setattr(walk_module, "ignored", ignored)
            with pytest.raises(FileNotFoundError, match="went away"):
                folder.sync()
        assert found(folder, "boat") == ["a.txt"]


def test_a_folder_without_files_may_be_a_drive_that_is_not_mounted(
    notes: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    with Folder.open(notes, index=tmp_path / "index", model=tiny_bundle) as folder:
        folder.sync()
        notes.rename(tmp_path / "away")
        notes.mkdir()
        assert folder.plan().removed == ()
        report = folder.sync()
        assert (report.removed, report.unchanged) == (0, 3)
        assert report.skipped == (Skipped(".", "holds no file any more: what was indexed of it is kept"),)
        assert len(found(folder)) == 3
        notes.rmdir()
        (tmp_path / "away").rename(notes)
        assert folder.sync().skipped == ()
        shutil.rmtree(notes)
        notes.mkdir()
    assert Folder.rebuild(notes, index=tmp_path / "index").added == 0
    with Folder.open(notes, index=tmp_path / "index") as folder:
        assert folder.sync().skipped == ()
        assert folder.status().documents == 0


def test_a_folder_that_holds_its_own_index_was_really_emptied(folder: Folder, notes: Path) -> None:
    folder.sync()
    for name in ("boat.md", "garden/tomato.txt", "Straße/Müll.txt"):
        (notes / name).unlink()
    report = folder.sync()
    assert (report.removed, report.skipped) == (3, ())
    assert found(folder) == []
