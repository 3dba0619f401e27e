"""Embedders and indexes that a forked child inherits: they work there, or say at once what to do."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edgeembed import Document, Embedder, ForkedError, Index, IndexLockedError
from edgeembed.catalog.database import CATALOG_NAME

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
SECONDS = 30


def in_child(work: Callable[[], object]) -> str:
    """What ``work`` says in a forked child: ``repr`` of what it returns, or the error that it raises."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = repr(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    wait_for(child)
    with os.fdopen(reader) as answer:
        return answer.read()


def wait_for(child: int) -> None:
    """Wait for the end of a process, which must not hang."""
    deadline = time.monotonic() + SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.02)


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", model=tiny_bundle, threads=3) as opened:
        opened.add(Document(f"d{n}", text=f"note {n} about a boat") for n in range(40))
        yield opened


@pytest.mark.parametrize("threads", [1, 3])
def test_an_embedder_that_worked_before_works_in_the_child(tiny_bundle: Path, threads: int) -> None:
    with Embedder.load(tiny_bundle, threads=threads) as embedder:
        texts = [f"a boat {n}" for n in range(50)]
        before = embedder.embed_texts(texts)
        for _ in range(2):
            assert in_child(lambda: bool(np.array_equal(embedder.embed_texts(texts), before))) == "True"
        assert np.array_equal(embedder.embed_texts(texts), before)
    assert in_child(lambda: embedder.embed_texts(texts)).startswith("ValueError")


def test_a_child_of_a_child_works_and_a_closed_one_stays_closed(image_bundle: Path) -> None:
    from PIL import Image

    image = Image.new("RGB", (40, 30), "red")
    with Embedder.load(image_bundle, threads=2) as embedder:
        before = embedder.embed_images([image] * 5)

        def again() -> str:
            embedder.embed_images([image])
            return in_child(lambda: bool(np.array_equal(embedder.embed_images([image] * 5), before)))

        assert in_child(again) == "'True'"

        def closed() -> object:
            embedder.close()
            return embedder.embed_images([image])

        assert in_child(closed).startswith("ValueError")
        assert len(embedder.embed_images([image])) == 1


def test_an_index_that_wrote_before_reads_and_writes_in_the_child(index: Index) -> None:
    def work() -> object:
        found = [hit.id for hit in index.search('"note 7"')]
        index.add([Document("child", text="a note of the child about a kite")])
        return found, len(index.search("kite", mode="keyword"))

    assert in_child(work) == "(['d7'], 1)"
    assert [hit.id for hit in index.search("kite", mode="keyword")] == ["child"]
    index.add([Document("parent", text="another kite, of the parent")])
    assert len(index.search("kite", mode="keyword")) == 2
    assert index.verify().ok


def test_parent_and_children_write_in_turns(index: Index) -> None:
    for number in range(6):
        assert in_child(partial(index.add, [Document(f"c{number}", text=f"kite {number}")])) == "1"
        index.add([Document(f"p{number}", text=f"another kite {number}")])
    index.close()
    with Index.open(index.path) as again:
        assert len(again.search("kite", mode="keyword", k=100)) == 12
        assert again.verify().ok


def test_a_child_that_outlives_the_parents_index_loses_nothing(index: Index) -> None:
    """SQLite would take the parent's locks for its own, and write into a log that the parent's close removes."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            index.add([Document("first", text="the first kite")])
            os.read(reader, 1)
            index.add([Document("second", text="the second kite")])
        finally:
            os._exit(0)
    for _ in range(500):
        if index.search("kite", mode="keyword"):
            break
        time.sleep(0.02)
    index.close()
    os.write(writer, b"x")
    os.waitpid(child, 0)
    with Index.open(index.path) as again:
        assert len(again.search("kite", mode="keyword")) == 2
        assert again.verify().ok


def test_a_child_that_is_forked_while_a_thread_writes_is_told_so(index: Index) -> None:
    began, end = threading.Event(), threading.Event()

    def documents() -> Iterator[Document]:
        yield Document("a", text="a kite")
        began.set()
        end.wait(SECONDS)
        yield Document("b", text="another kite")

    thread = threading.Thread(target=lambda: index.add(documents()))
    thread.start()
    began.wait(SECONDS)
    for work in (lambda: index.search("boat"), lambda: index.add([Document("c", text="a kite")]), index.status):
        said = in_child(work)
        assert said.startswith("ForkedError")
        assert "open the index after the fork" in said

    def open_again() -> object:
        with Index.open(index.path) as opened:
            return len(opened.search("boat", k=100))

    assert in_child(open_again) == "40"
    end.set()
    thread.join()
    assert len(index.search("kite", mode="keyword")) == 2


def test_a_fork_in_the_middle_of_an_add_ends_in_good_order(index: Index) -> None:
    """The child unwinds what the parent does, and must neither commit, nor unlock, nor wait for dead threads."""
    said, children = [], []

    def documents() -> Iterator[Document]:
        for number in range(6):
            yield Document(f"x{number}", text=f"kite {number}")
            if number == 3:
                said.append(in_child(lambda: index.search("boat")).partition(":")[0])
                children.append(os.fork())
                if not children[0]:
                    raise InterruptedError
                wait_for(children[0])
                with pytest.raises(IndexLockedError), Index.open(index.path) as other:
                    other.add([Document("y", text="a boat")])

    try:
        index.add(documents())
    except InterruptedError:
        os._exit(0)
    assert said == ["ForkedError"]
    assert len(index.search("kite", mode="keyword")) == 6
    assert index.verify().ok


def test_the_lock_ends_with_its_process_and_not_with_its_children(tmp_path: Path, tiny_bundle: Path) -> None:
    """A child that lives on must not keep everyone from writing."""
    place = tmp_path / "index"
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        with Index.open(place, model=tiny_bundle) as index:

            def documents() -> Iterator[Document]:
                yield Document("a", text="a boat")
                if os.fork() == 0:
                    os.read(reader, 1)
                os._exit(0)  # as if it were killed while it writes

            index.add(documents())
    wait_for(parent)
    with Index.open(place, model=tiny_bundle) as index:
        assert index.add([Document("b", text="a boat")]) == 1
    os.write(writer, b"x")


def _search(number: int) -> list[str]:
    assert SHARED is not None
    SHARED.add([Document(f"w{number}", text=f"note of worker {number}")])
    return [hit.id for hit in SHARED.search(f'"note {number}"')]


SHARED: Index | None = None


def test_a_pool_of_forked_workers_answers(index: Index) -> None:
    global SHARED
    SHARED = index
    try:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.map_async(_search, range(8)).get(SECONDS) == [[f"d{n}"] for n in range(8)]
    finally:
        SHARED = None
    assert index.status().documents == 48
    assert (index.path / CATALOG_NAME).is_file()


def test_an_error_of_ours_leaves_the_child(index: Index) -> None:
    with (
        multiprocessing.get_context("fork").Pool(1) as pool,
        pytest.raises(ForkedError, match="was in use"),
    ):
        pool.apply_async(_raise, (index.path,)).get(SECONDS)


def _raise(path: Path) -> None:
    raise ForkedError(path)
