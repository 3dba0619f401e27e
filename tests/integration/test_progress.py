"""Progress that follows what is embedded, and a cancel that does not wait: with a model that takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from edgeembed.sync.report import SyncProgress
from tests.support.old_files import write

MODEL = "minilm-l6-int8"


def prose(number: int, words: int) -> str:
    """Text of which no two passages are alike."""
    return " ".join(
        f"In week {number * 7919 + i} the price of item {i * 31 + number} rose again." for i in range(words)
    )


class Clock:
    """Notes when each step of a run came."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.steps: list[tuple[float, SyncProgress]] = []

    def note(self, step: SyncProgress) -> None:
        self.steps.append((time.monotonic() - self.begun, step))

    def share_of_time(self, share_of_work: float) -> float:
        """When so much of the work was said to be done, as a share of the whole time."""
        at = next(at for at, step in self.steps if step.done_bytes >= share_of_work * step.total_bytes)
        return at / (time.monotonic() - self.begun)


@pytest.mark.slow
@pytest.mark.parametrize("files", [1, 60])
def test_half_of_the_work_is_said_to_be_done_after_about_half_of_the_time(tmp_path: Path, files: int) -> None:
    for number in range(files):
        write(tmp_path / "notes" / f"{number:03}.txt", prose(number, 2400 // files))
    with Folder.open(tmp_path / "notes", model=MODEL) as folder:
        folder.index.embedder.embed_texts(["loaded before"])
        clock = Clock()
        assert folder.sync(progress=clock.note).added == files
        assert 0.25 < clock.share_of_time(0.5) < 0.75
        assert clock.share_of_time(1.0) > 0.7
    done = [step.done_bytes for _, step in clock.steps]
    assert done == sorted(done)
    assert len(set(done)) > 5  # also within one file
    assert (clock.steps[-1][1].done_bytes, clock.steps[-1][1].done_files) == (clock.steps[-1][1].total_bytes, files)


def cancel_after(seconds: float) -> tuple[Callable[[], bool], list[float]]:
    begun, seen = time.monotonic(), []

    def cancel() -> bool:
        if time.monotonic() - begun > seconds:
            seen.append(time.monotonic())
            return True
        return False

    return cancel, seen


@pytest.mark.parametrize("files", [1, 40])
def test_a_cancelled_sync_ends_soon_and_keeps_what_is_embedded(tmp_path: Path, files: int) -> None:
    for number in range(files):
        write(tmp_path / "notes" / f"{number:03}.txt", prose(number, 12_000 // files))
    with Folder.open(tmp_path / "notes", model=MODEL) as folder:
        folder.index.embedder.embed_texts(["loaded before"])
        cancel, seen = cancel_after(1.5)
        report = folder.sync(cancel=cancel)
        assert report.cancelled
        assert time.monotonic() - seen[0] < 5  # a second on a machine that has nothing else to do
        held = folder.status().chunks
        assert held > 0
        assert report.added == folder.status().documents < files + (files == 1)
        assert folder.index.verify().ok
        (tmp_path / "notes" / "000.txt").unlink()
        for path in sorted((tmp_path / "notes").glob("*.txt"))[2:]:
            path.unlink()
        assert not folder.sync().cancelled  # and the next one goes on


def test_a_cancelled_add_says_what_is_kept(tmp_path: Path) -> None:
    with Index.open(tmp_path / "index", model=MODEL) as index:
        index.embedder.embed_texts(["loaded before"])
        cancel, seen = cancel_after(1.0)
        counts: list[int] = []
        documents = (Document(f"d{n}", text=prose(n, 40)) for n in range(2000))
        added = index.add(documents, progress=counts.append, cancel=cancel)
        assert time.monotonic() - seen[0] < 5
        assert 0 < added == index.status().documents < 2000
        assert counts == list(range(1, len(counts) + 1))
        assert len(counts) >= added
        assert index.verify().ok


def test_progress_of_an_add_names_each_document_once(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        counts: list[int] = []
        documents = [Document(f"d{n}", text="the same text" if n % 2 else f"text {n}") for n in range(300)]
        assert index.add(documents, progress=counts.append) == 300
        assert counts == list(range(1, 301))
        counts.clear()
        assert index.add(documents[:5], progress=counts.append) == 5
        assert counts == [1, 2, 3, 4, 5]
