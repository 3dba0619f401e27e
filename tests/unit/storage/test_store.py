"""The parts of an open index: one writes, many read, and each sees the newest commit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import Document, Hit, Index, IndexCorruptError
from edgeembed.catalog.snapshot import Snapshot

MAILS = [
    Document("mail-1", text="the boat leaves the harbour at dawn"),
    Document("mail-2", text="tomato seedlings for the garden"),
    Document("mail-3", text="an invoice for painting the fence"),
]


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", model=tiny_bundle) as opened:
        yield opened


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_read_is_retried_on_a_newer_commit_when_a_segment_was_merged_away(index: Index, tmp_path: Path) -> None:
    asked: list[str | None] = []

    def question(snapshot: Snapshot) -> str | None:
        asked.append(snapshot.setting("generation"))
        if len(asked) < 3:
            index.add([Document("more", text=f"number {len(asked)}")])
            (tmp_path / "text-0.usearch").stat()
        return asked[-1]

    assert index._store.read(question) == asked[-1]
    assert len(set(asked)) == 3


def test_what_is_missing_for_good_is_damage(index: Index, tmp_path: Path) -> None:
    with pytest.raises(IndexCorruptError, match=r"text-0\.usearch: is missing"):
        index._store.read(lambda _: (tmp_path / "text-0.usearch").stat())


def test_another_process_that_writes_is_named(tmp_path: Path, index: Index) -> None:
    index.add(MAILS[:1])
    code = "import sys, edgeembed; edgeembed.Index.open(sys.argv[1]).remove(['mail-1'])"
    with index._store.writing():
        run = subprocess.run([sys.executable, "-c", code, index.path], capture_output=True, text=True)
        assert f"IndexLockedError: {index.path}: process {os.getpid()}" in run.stderr
        assert ids(index.search("boat")) == ["mail-1"]  # readers do not wait
    assert subprocess.run([sys.executable, "-c", code, index.path]).returncode == 0


def test_a_document_that_fails_loses_nothing_that_came_before(index: Index) -> None:
    def documents():  # type: ignore[no-untyped-def]
        yield from MAILS
        raise OSError("the disk behind the application is gone")

    with pytest.raises(OSError, match="is gone"):
        index.add(documents())
    assert index.status().documents == 3


def test_threads_search_while_one_writes(index: Index) -> None:
    index.add(MAILS)
    errors: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(30):
                assert len(index.search("boat", k=3)) == 3
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    index.add(Document(f"more-{i}", text=f"note number {i}") for i in range(300))
    for thread in threads:
        thread.join()
    assert not errors
    assert index.status().documents == 303
