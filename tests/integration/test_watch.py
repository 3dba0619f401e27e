"""``edgeembed watch`` with real files: what changed can be found a moment later."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import Folder
from edgeembed.storage.lock import process_lock
from tests.support.commands import edge
from tests.support.output_schema import validate
from tests.support.server import serving
from tests.support.watching import RunningWatch, watching

posix = pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be moved there, nor a process be signalled")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "my nötes"
    (folder / "garden").mkdir(parents=True)
    (folder / "garden/beds.txt").write_text("tomatoes grow in the warm bed\n")
    return folder


@pytest.fixture
def watch(notes: Path) -> Iterator[RunningWatch]:
    with watching(notes) as watch:
        watch.until(lambda: watch.batches)
        yield watch


def found(folder: Path, word: str) -> list[str]:
    """Names of files, as a program that only reads finds them."""
    with Folder.open(folder, read_only=True) as opened:
        return [hit.id for hit in opened.search(word, mode="keyword", min_score=None)]


def test_what_is_written_can_be_found(notes: Path, watch: RunningWatch) -> None:
    assert watch.batches[0]["reason"] == "start"
    assert watch.total("added") == 1
    (notes / "garden/pond.txt").write_text("a heron stands in the pond\n")
    watch.until(lambda: watch.total("added") == 2)
    assert found(notes, "heron") == ["garden/pond.txt"]
    assert (watch.batches[-1]["below"], watch.batches[-1]["deep"]) == (["garden"], False)
    (notes / "garden/pond.txt").write_text("a kingfisher sits by the pond\n")
    watch.until(lambda: watch.total("updated") == 1)
    assert (found(notes, "heron"), found(notes, "kingfisher")) == ([], ["garden/pond.txt"])
    (notes / "garden/pond.txt").unlink()
    watch.until(lambda: watch.total("removed") == 1)
    assert found(notes, "kingfisher") == []
    for batch in watch.batches:
        validate(json.dumps(batch), "batch")


def test_new_folders_are_watched_as_well(notes: Path, watch: RunningWatch) -> None:
    (notes / "a/b/c").mkdir(parents=True)
    (notes / "a/b/c/one.txt").write_text("a violin\n")
    watch.until(lambda: watch.total("added") == 2)
    (notes / "a/b/c/two.txt").write_text("a trumpet\n")
    watch.until(lambda: watch.total("added") == 3)
    (notes / "a").rename(notes / "z")
    watch.until(lambda: found(notes, "trumpet") == ["z/b/c/two.txt"])
    (notes / "z/b/c/three.txt").write_text("a bassoon\n")
    watch.until(lambda: found(notes, "bassoon") == ["z/b/c/three.txt"])


@pytest.mark.slow
def test_ignored_files_and_its_own_index_wake_nobody(notes: Path, watch: RunningWatch) -> None:
    (notes / ".gitignore").write_text("*.log\nbuild/\n")
    (notes / "build").mkdir()
    time.sleep(2)
    before = len(watch.batches)
    for number in range(5):
        (notes / "server.log").write_text(f"line {number}\n")
        (notes / "build/x.txt").write_text(f"line {number}\n")
        (notes / ".edgeembed/mine").write_text("x")
        time.sleep(0.3)
    (notes / "last.txt").write_text("an owl\n")
    watch.until(lambda: found(notes, "owl"))
    assert len(watch.batches) == before + 1


def test_a_file_that_grows_is_taken_once_it_rests(notes: Path, watch: RunningWatch) -> None:
    with (notes / "garden/diary.txt").open("w") as file:
        for number in range(12):
            file.write(f"day {number}\n")
            file.flush()
            time.sleep(0.25)
            assert watch.total("added") == 1
        file.write("a nightingale sang\n")
    watch.until(lambda: found(notes, "nightingale"))
    assert watch.total("added") == 2
    assert watch.total("updated") == 0


def test_a_writer_elsewhere_is_waited_for(notes: Path, watch: RunningWatch) -> None:
    with process_lock(notes / ".edgeembed"):
        (notes / "late.txt").write_text("a woodpecker\n")
        watch.until(lambda: any("is writing to its index" in note for note in watch.notes))
        assert watch.total("added") == 1
    watch.until(lambda: found(notes, "woodpecker"))


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(notes: Path, watch: RunningWatch, number: int) -> None:
    assert watch.end(number) < 5
    assert any("ended; what was indexed is kept" in note for note in watch.notes)
    assert edge("verify", notes).returncode == 0


@posix
def test_a_signal_ends_it_amid_much_work(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number}.txt").write_text(f"file {number} of a long row, about {number * 7} herons\n" * 20)
    with watching(folder) as watch:
        watch.until(lambda: (folder / ".edgeembed/catalog.sqlite").exists())
        time.sleep(1)
        assert watch.end() < 10
    assert edge("verify", folder).returncode == 0


@posix
def test_a_folder_that_goes_away_is_waited_for(notes: Path, watch: RunningWatch, tmp_path: Path) -> None:
    notes.rename(tmp_path / "moved")
    watch.until(lambda: any("waiting for it" in note for note in watch.notes))
    notes.mkdir()  # an empty mount point
    time.sleep(2)
    assert list(notes.iterdir()) == []
    notes.rmdir()
    (tmp_path / "moved/new.txt").write_text("a cuckoo\n")
    (tmp_path / "moved").rename(notes)
    watch.until(lambda: any("is back" in note for note in watch.notes))
    watch.until(lambda: found(notes, "cuckoo"))
    assert watch.total("removed") == 0


@pytest.mark.slow
@posix
def test_an_index_elsewhere_keeps_what_a_missing_drive_held(notes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    with watching(notes, "--index", index) as watch:
        watch.until(lambda: watch.batches)
        shutil.move(notes, tmp_path / "moved")
        notes.mkdir()
        watch.until(lambda: any("waiting for it" in note for note in watch.notes))
        time.sleep(2)
    with Folder.open(notes, index=index, read_only=True) as opened:
        assert [hit.id for hit in opened.search("tomatoes", min_score=None)] == ["garden/beds.txt"]


@pytest.mark.slow
def test_one_folder_does_not_hinder_the_other(notes: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("x\n")
    assert edge("index", other).returncode == 0
    with process_lock(other / ".edgeembed"):
        (other / "y.txt").write_text("y\n")
        with watching(notes, other) as watch:
            watch.until(lambda: any("is writing" in note for note in watch.notes))
            (notes / "new.txt").write_text("a stork\n")
            watch.until(lambda: found(notes, "stork"))


def test_a_part_of_an_index_is_watched_alone(notes: Path) -> None:
    assert edge("index", notes).returncode == 0
    with watching(notes / "garden") as watch:
        watch.until(lambda: watch.batches)
        (notes / "outside.txt").write_text("a magpie\n")
        (notes / "garden/inside.txt").write_text("a jackdaw\n")
        watch.until(lambda: found(notes, "jackdaw"))
        assert found(notes, "magpie") == []


def test_polling_finds_it_too(notes: Path) -> None:
    with watching(notes, "--poll", "1") as watch:
        watch.until(lambda: watch.batches)
        (notes / "new.txt").write_text("a plover\n")
        watch.until(lambda: found(notes, "plover"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_unicode_are_found_as_well(notes: Path, watch: RunningWatch) -> None:
    folder = os.fsencode(notes)
    Path(os.fsdecode(folder + b"/gr\xfcn.txt")).write_text("a lapwing\n")
    watch.until(lambda: found(notes, "lapwing"))
    Path(os.fsdecode(folder + b"/d\xfcne")).mkdir()
    Path(os.fsdecode(folder + b"/d\xfcne/x.txt")).write_text("a dunlin\n")
    watch.until(lambda: found(notes, "dunlin"))


def test_a_server_follows_its_folders(notes: Path) -> None:
    with serving(notes) as server:
        server.sync()
        (notes / "new.txt").write_text("an oystercatcher\n")
        end = time.monotonic() + 60
        while not (hits := server.search("oystercatcher", min_score=None, mode="keyword")):
            assert time.monotonic() < end
            time.sleep(0.1)
        assert hits[0]["path"].endswith("new.txt")


@pytest.mark.slow
def test_many_changes_at_once_are_all_found(notes: Path, watch: RunningWatch) -> None:
    def write(part: int) -> None:
        folder = notes / f"part{part}/inner"
        folder.mkdir(parents=True)
        for number in range(100):
            (folder / f"{number}.txt").write_text(f"bird {number % 7} of {part}\n")

    threads = [threading.Thread(target=write, args=(part,)) for part in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.until(lambda: watch.total("added") == 1201)


def test_a_service_is_printed_for_each_system(notes: Path) -> None:
    run = edge("watch", notes, "--print-service=launchd")
    assert run.returncode == 0
    assert f"<string>{notes.resolve()}</string>" in run.stdout
    assert "launchctl bootstrap" in run.stderr
    assert "ExecStart=" in edge("watch", notes, "--print-service=systemd", "--poll", "5").stdout
    assert "Register-ScheduledTask" in edge("watch", notes, "--print-service=windows").stdout
    assert not (notes / ".edgeembed").exists()


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    run = edge("watch", tmp_path / "none", "--json")
    assert run.returncode == 2
    assert str(tmp_path / "none") in run.stderr
