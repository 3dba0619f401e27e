"""Files that take too long, or that their reader cannot cope with: what was indexed stays, and they are tried again."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest

from edgeembed import Folder
from edgeembed.reading.entries import Skipped
from edgeembed.reading.sandbox.process import Limits, Worker
from edgeembed.sync import retries
from edgeembed.sync import sync as sync_module
from tests.support.old_files import OLD_NS, write


@pytest.fixture
def folder(tmp_path: Path, tiny_bundle: Path) -> Folder:
    for number in range(3):
        write(tmp_path / "notes" / f"pad{number}.txt", f"a note about boat {number}")
    return Folder.open(tmp_path / "notes", model=tiny_bundle)


def found(folder: Folder, words: str) -> list[str]:
    return sorted(hit.id for hit in folder.search(words, mode="keyword", k=100))


def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for a machine on which no time is enough."""
    monkeypatch.setattr(sync_module, "Worker", partial(Worker, Limits(seconds=0.0001)))


def test_one_slow_look_at_an_indexed_file_loses_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    page = folder.path / "chat.html"
    page.write_text("<p>the theremin lesson is on Friday</p>")
    assert folder.sync().added == 4
    assert found(folder, "theremin") == ["chat.html"]
    with monkeypatch.context() as patched:
        busy(patched)
        report = folder.sync()  # it is so young that it is looked at again
        assert [item.path for item in report.skipped] == ["chat.html"]
        assert found(folder, "theremin") == ["chat.html"]
        write(page, "<p>the theremin lesson is on Sunday</p>")
        report = folder.sync()  # also where it changed: nothing better is there
        assert found(folder, "theremin Friday") == ["chat.html"]
    report = folder.sync()
    assert (report.skipped, report.updated) == ((), 1)
    assert found(folder, "Sunday") == ["chat.html"]
    assert found(folder, "Friday") == []
    assert folder.index.verify().ok


def test_it_is_tried_again_and_not_at_each_sync_for_ever(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder.path / "chat.html", "<p>the theremin lesson</p>")
    with monkeypatch.context() as patched:
        busy(patched)
        for number, pending in enumerate((1, 1, 0, 0)):
            assert len(folder.plan().recheck) + len(folder.plan().new) - (3 if number == 0 else 0) == pending
            (item,) = folder.sync().skipped
        assert item.reason.endswith("by the clock (tried 2 times)")
        patched.setattr(retries, "_HOUR_NS", 1)  # an hour later
        assert len(folder.plan().recheck) == 1
        folder.sync()
        assert folder.status().skipped[0].reason.endswith("(tried 3 times)")
        patched.undo()
    monkeypatch.setattr(retries, "_HOUR_NS", 1)
    report = folder.sync()
    assert (report.added, report.skipped) == (1, ())
    assert folder.plan().is_empty


def test_a_file_that_is_damaged_now_and_unchanged_stays_as_it_was(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = folder.path / "chat.html"
    page.write_text("<p>the theremin lesson</p>")
    folder.sync()

    def broken(root: Path, stat: object, **_: object) -> Skipped:
        return Skipped("chat.html", "damaged: the program that reads it crashed")

    with monkeypatch.context() as patched:
        patched.setattr(sync_module, "read_document", broken)
        assert len(folder.sync().skipped) == 1
        assert found(folder, "theremin") == ["chat.html"]
        os.utime(page, ns=(OLD_NS, OLD_NS))
        folder.sync()
    assert found(folder, "theremin") == []  # it changed: what was indexed is not what is in it


@pytest.mark.skipif(os.name == "nt", reason="only time and size tell there")
def test_a_damaged_file_in_the_place_of_one_of_the_same_size_and_time_is_another(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write(folder.path / "chat.html", "<p>the theremin lesson</p>")
    folder.sync()
    write(folder.path / "chat.html", "<p>the trombone lesson</p>")
    assert (page.stat().st_size, page.stat().st_mtime_ns) == (26, OLD_NS)

    def broken(root: Path, stat: object, **_: object) -> Skipped:
        return Skipped("chat.html", "damaged: the program that reads it crashed")

    with monkeypatch.context() as patched:
        patched.setattr(sync_module, "read_document", broken)
        assert len(folder.sync().skipped) == 1
    assert found(folder, "theremin") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("deep.json", "[" * 200_000 + '"theremin"' + "]" * 200_000, "theremin"),
        ("large.json", "[" + ",".join(['{"a": "theremin", "n": [1, 2, {"b": null}]}'] * 40_000) + "]", "theremin"),
    ],
)
def test_what_a_parser_gives_up_is_read_all_the_same(
    folder: Folder, tmp_path: Path, name: str, content: str, word: str
) -> None:
    write(folder.path / name, content)
    begun = time.monotonic()
    report = folder.sync(cancel=lambda: time.monotonic() - begun > 60)
    assert report.skipped == ()
    assert found(folder, word) == [name]


@pytest.mark.slow
def test_a_page_with_which_the_parser_takes_too_long_is_read_without_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "Worker", partial(Worker, Limits(seconds=0.3)))
    write(folder.path / "odd.html", "<p>a theremin</p>" + "<![CDATA[" * 200_000)
    assert folder.sync().skipped == ()
    assert found(folder, "theremin") == ["odd.html"]
