"""One watched folder, with a source of events that the test feeds."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgeembed.errors import EdgeEmbedError, IndexLockedError
from edgeembed.reading.entries import EMPTIED, Skipped
from edgeembed.sync.report import SyncReport
from edgeembed.watching import watched_folder
from edgeembed.watching.events import LISTS_FOLDERS, EventsLostError, EventsUnavailableError
from edgeembed.watching.reports import Batch, Notice
from edgeembed.watching.watched_folder import WatchedFolder

SECONDS = 30
NOTHING = SyncReport(0, 0, 0, 0, (), 0, False)


class FakeEvents:
    is_polling = False

    def __init__(self) -> None:
        self.answers: queue.Queue[Collection[str] | Exception] = queue.Queue()
        self.folders: list[set[str]] = []
        self.refuses: Exception | None = None
        self.stop = threading.Event()

    def open(self, folders: Collection[str], stop: threading.Event) -> FakeEvents:
        if self.refuses is not None:
            raise self.refuses
        self.folders.append(set(folders))
        self.stop = stop
        return self

    def wait(self, seconds: float) -> Mapping[str, bool]:
        try:
            answer = self.answers.get(timeout=min(seconds, 0.05))
        except queue.Empty:
            return {}
        if isinstance(answer, Exception):
            raise answer
        return dict.fromkeys(answer, True)

    def close(self) -> None:
        pass


class FakeTarget:
    below = ""

    def __init__(self, root: Path) -> None:
        self.shown = root
        self.root = root.resolve()
        self.index_dir = self.root / ".edgeembed"
        self.calls: list[tuple[str, frozenset[str]]] = []
        self.answers: list[SyncReport | Exception] = []
        self.reopened = 0

    def sync(
        self, *, below: tuple[str, ...], deep: bool, later: Collection[str], cancel: Callable[[], bool]
    ) -> SyncReport:
        self.calls.append((" ".join(below) + "/..." * deep, frozenset(later)))
        answer = self.answers.pop(0) if self.answers else NOTHING
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reopen(self) -> None:
        self.reopened += 1


class Watch:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.events = FakeEvents()
        self.target = FakeTarget(root)
        self.told: list[Batch | Notice] = []
        self.stop = threading.Event()

    @contextmanager
    def running(self, **arguments: Any) -> Iterator[Watch]:
        folder = WatchedFolder(self.target, self.told.append, self.stop, open_events=self.events.open, **arguments)
        thread = threading.Thread(target=folder.run)
        thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            thread.join(SECONDS)
            assert not thread.is_alive()

    def change(self, *paths: str) -> None:
        self.events.answers.put({str(self.target.root / path) for path in paths})

    def until(self, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, (self.target.calls, self.told)
            time.sleep(0.01)

    def synced(self, count: int) -> None:
        self.until(lambda: len(self.target.calls) >= count)

    def notices(self, kind: str) -> list[str]:
        return [told.message for told in self.told if isinstance(told, Notice) and told.kind == kind]

    def reasons(self) -> list[str]:
        return [told.reason for told in self.told if isinstance(told, Batch)]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    for name in ("_AWAY_SECONDS", "_LOCKED_SECONDS", "_FIRST_RETRY_SECONDS", "_STORM_SECONDS"):
        monkeypatch.setattr(watched_folder, name, 0.05)
    root = tmp_path / "folder"
    (root / "a").mkdir(parents=True)
    (root / "b").mkdir()
    for name in ("a/x.txt", "a/grows.txt", "b/y.txt", "b/rests.txt"):
        (root / name).write_text("x")
    return Watch(root)


def test_it_begins_with_a_look_at_everything(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
    assert watch.target.calls == [("/...", frozenset())]
    assert watch.reasons() == ["start"]


def test_a_change_is_looked_at_once_it_rests_and_where_it_is(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
        begun = time.monotonic()
        watch.change("a/x.txt")
        watch.synced(2)
        assert time.monotonic() - begun >= 0.9
    assert watch.target.calls[1] == ("a", frozenset())
    assert watch.reasons() == ["start", "change"]


def test_a_file_that_grows_is_left_for_later(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
        watch.change("b/rests.txt")
        for _ in range(15):
            watch.change("a/grows.txt")
            time.sleep(0.1)
        watch.synced(2)
        watch.synced(3)
    assert watch.target.calls[1] == ("b", frozenset({"a/grows.txt"}))
    assert watch.target.calls[2] == ("a", frozenset())


def test_what_is_ignored_causes_no_sync(watch: Watch) -> None:
    (watch.root / ".gitignore").write_text("*.log\n")
    with watch.running():
        watch.synced(1)
        watch.change("a/server.log", ".edgeembed/catalog.sqlite-wal", "a/.x.swp")
        watch.change("b/y.txt")
        watch.synced(2)
    assert watch.target.calls[1:] == [("b", frozenset())]


def test_a_writer_elsewhere_is_waited_for_and_named_once(watch: Watch) -> None:
    locked = IndexLockedError(watch.root, "process 7 (edgeembed)")
    watch.target.answers = [locked, locked, locked]
    with watch.running():
        watch.synced(4)
        watch.until(watch.reasons)
    assert [below for below, _ in watch.target.calls] == ["/..."] * 4
    assert watch.notices("locked") == ["process 7 (edgeembed) is writing to its index; trying again until that is done"]


def test_an_error_is_told_once_and_tried_again(watch: Watch) -> None:
    watch.target.answers = [EdgeEmbedError(f"{watch.root}: is odd"), EdgeEmbedError(f"{watch.root}: is odd")]
    with watch.running():
        watch.synced(3)
    assert watch.notices("error") == ["is odd"]


def test_after_lost_events_everything_is_looked_at(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
        watch.events.answers.put(EventsLostError("odd"))
        watch.synced(2)
        watch.until(lambda: len(watch.reasons()) == 2)
    assert watch.target.calls[1] == ("/...", frozenset())
    assert watch.reasons() == ["start", "look"]
    assert len(watch.events.folders) == 2


def test_after_a_storm_everything_is_looked_at(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
        watch.change(*(f"a/{number}.txt" for number in range(1200)))
        watch.synced(2)
    assert watch.target.calls[1][0] == "/..."


def test_where_the_system_cannot_watch_it_polls_and_says_so(watch: Watch) -> None:
    watch.events.refuses = EventsUnavailableError("the system's limit is reached")
    with watch.running():
        watch.synced(1)
    assert watch.notices("polling") == ["the system's limit is reached; meanwhile all of it is looked at now and then"]


def test_polling_looks_again_and_again(watch: Watch) -> None:
    with watch.running(poll_seconds=0.05):
        watch.synced(4)
    assert {below for below, _ in watch.target.calls} == {"/..."}
    assert watch.events.folders == []


def test_a_limit_that_is_reached_on_the_way_makes_it_poll(watch: Watch) -> None:
    with watch.running():
        watch.synced(1)
        watch.events.answers.put(EventsUnavailableError("the limit is reached"))
        watch.synced(2)
        watch.until(lambda: watch.notices("polling"))
    assert watch.target.calls[1][0] == "/..."


@pytest.mark.skipif(not LISTS_FOLDERS, reason="elsewhere a folder is watched with all that is in it")
def test_folders_are_watched_that_are_taken_in_also_new_ones(watch: Watch) -> None:
    (watch.root / ".gitignore").write_text("junk/\n")
    (watch.root / "junk/inner").mkdir(parents=True)
    root = watch.target.root
    with watch.running():
        watch.synced(1)
        assert watch.events.folders == [{str(root), str(root / "a"), str(root / "b")}]
        (root / "new/inner").mkdir(parents=True)
        (root / "junk/more").mkdir()
        watch.change("new", "junk/more")
        watch.synced(2)
        (root / "a").rename(root / "c")
        watch.change("a", "c")
        watch.synced(4)  # with all that is in these two, then the files beside them
        (root / "new").rename(root / "elsewhere")
        (root / "new/inner").mkdir(parents=True)
        shutil.rmtree(root / "elsewhere")
        watch.change("new")
        watch.synced(5)
    assert watch.events.folders[1] - watch.events.folders[0] == {str(root / "new"), str(root / "new/inner")}
    assert watch.events.folders[2] - watch.events.folders[1] == {str(root / "c")}
    assert watch.events.folders[3] == watch.events.folders[2]  # new once more, under the name it had
    assert str(root / "a") not in watch.events.folders[2]
    assert watch.target.calls[1][0] == "new/..."


def test_a_folder_that_is_away_is_waited_for(watch: Watch, tmp_path: Path) -> None:
    with watch.running():
        watch.synced(1)
        watch.root.rename(tmp_path / "moved")
        watch.change("")
        watch.until(lambda: watch.notices("away"))
        watch.root.mkdir()
        time.sleep(0.3)
        assert len(watch.target.calls) == 1
        watch.root.rmdir()
        (tmp_path / "moved").rename(watch.root)
        watch.synced(2)
        watch.until(lambda: len(watch.reasons()) == 2)
    assert watch.target.reopened == 1
    assert watch.notices("back") == ["is back"]
    assert watch.reasons() == ["start", "back"]


def test_an_index_that_is_removed_ends_it(watch: Watch) -> None:
    (watch.root / ".edgeembed").mkdir()
    (watch.root / ".edgeembed/catalog.sqlite").touch()
    with watch.running():
        watch.synced(1)
        (watch.root / ".edgeembed/catalog.sqlite").unlink()
        watch.until(lambda: watch.notices("removed"))
    assert len(watch.target.calls) == 1


def test_a_folder_without_files_is_told_of_once(watch: Watch) -> None:
    emptied = SyncReport(0, 0, 0, 3, (Skipped(".", EMPTIED),), 0, False)
    watch.target.answers = [emptied, emptied]
    with watch.running(poll_seconds=0.05):
        watch.synced(3)
    assert len(watch.notices("emptied")) == 1
