"""Events of the system, as watchfiles gives them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import watchfiles._rust_notify as notify

from edgeembed.watching import events
from edgeembed.watching.events import EventsLostError, EventsUnavailableError, Polling, SystemEvents, has_unicode_name


def heard(source: SystemEvents, path: Path) -> bool:
    """Whether a path is named within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(os.path.realpath(name) == os.path.realpath(path) for name in source.wait(5)):
            return True
    return False


def test_what_changes_is_named(tmp_path: Path) -> None:
    source = SystemEvents([str(tmp_path)], threading.Event())
    (tmp_path / "a.txt").write_text("a")
    assert heard(source, tmp_path / "a.txt")
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert heard(source, tmp_path / "b.txt")
    source.close()


def test_a_wait_ends_in_time_and_when_it_is_told_to(tmp_path: Path) -> None:
    stop = threading.Event()
    source = SystemEvents([str(tmp_path)], stop)
    begun = time.monotonic()
    assert not source.wait(0.2)
    threading.Timer(0.3, stop.set).start()
    assert not source.wait(300)
    assert time.monotonic() - begun < 60
    source.close()


@pytest.mark.skipif(not events.LISTS_FOLDERS, reason="elsewhere one folder is named, with all that is in it")
def test_folders_that_are_gone_or_cannot_be_named_are_passed_over(tmp_path: Path) -> None:
    odd = os.path.join(tmp_path, os.fsdecode(b"\xff"))  # noqa: PTH118
    os.mkdir(odd)  # noqa: PTH102
    source = SystemEvents([str(tmp_path), str(tmp_path / "gone"), odd], threading.Event())
    (tmp_path / "a.txt").write_text("a")
    assert heard(source, tmp_path / "a.txt")
    source.close()
    assert not has_unicode_name(odd)


def fails(error: Exception) -> Callable[..., None]:
    def make(*arguments: object) -> None:
        raise error

    return make


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError('OS file watch limit reached. about ["/x"] (Error { kind: MaxFilesWatch })'), "max_user_watches"),
        (FileNotFoundError('OS file watch limit reached. about ["/x"]'), "max_user_watches"),
        (RuntimeError("Error creating recommended watcher: Too many open files (os error 24)"), "max_user_instances"),
        (OSError('Function not implemented (os error 38) about ["/x"]'), "Function not implemented"),
    ],
)
def test_what_the_system_cannot_do_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, said: str
) -> None:
    monkeypatch.setattr(notify, "RustNotify", fails(error))
    with pytest.raises(EventsUnavailableError, match=said) as caught:
        SystemEvents([str(tmp_path)], threading.Event())
    assert "/x" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("error in underlying watcher: OS file watch limit reached.", EventsUnavailableError),
        ("Unable to decode path", EventsLostError),
    ],
)
def test_what_goes_wrong_later_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, message: str, kind: type[Exception]
) -> None:
    class Broken:
        def __init__(self, *arguments: object) -> None:
            pass

        def watch(self, *arguments: object) -> None:
            raise notify.WatchfilesRustInternalError(message)

    monkeypatch.setattr(notify, "RustNotify", Broken)
    with pytest.raises(kind):
        SystemEvents([str(tmp_path)], threading.Event()).wait(1)


def test_what_came_or_went_is_told_from_what_is_another_now(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "x.txt").write_text("x")
    source = SystemEvents([str(tmp_path)], threading.Event())
    (tmp_path / "x.txt").write_text("y")
    (tmp_path / "old").rename(tmp_path / "new")
    told: dict[str, bool] = {}
    end = time.monotonic() + 60
    while len(told) < 3 and time.monotonic() < end:
        told.update({Path(path).name: is_name for path, is_name in source.wait(5).items()})
    source.close()
    assert (told["old"], told["new"]) == (True, True)
    if events.LISTS_FOLDERS:
        assert told["x.txt"] is False


def test_folders_that_come_and_go_are_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(notify, "RustNotify", fails(FileNotFoundError("No path was found.")))
    with pytest.raises(EventsLostError):
        SystemEvents([str(tmp_path)], threading.Event())


def test_polling_waits() -> None:
    stop = threading.Event()
    polling = Polling(stop)
    begun = time.monotonic()
    assert polling.is_polling
    assert polling.wait(0.05) == {}
    stop.set()
    assert polling.wait(300) == {}
    assert 0.04 < time.monotonic() - begun < 60
