"""Whoever follows forks is asked before and after each, and descriptors that are owned lead nowhere in children."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed.system.forks import disown, follow_forks, own

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


class Follower:
    """Notes what it was asked."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self._name, self._calls = name, calls

    def before_fork(self) -> None:
        self._calls.append(f"{self._name} before")

    def after_fork(self, *, in_child: bool) -> None:
        self._calls.append(f"{self._name} after{' in child' if in_child else ''}")


def said_by_child(work: Callable[[], str]) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = work()
        except BaseException as error:
            answer = repr(error)
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer


def test_each_is_asked_in_parent_and_child_and_released_in_the_reverse_order() -> None:
    calls: list[str] = []
    followers = [Follower(name, calls) for name in "ab"]
    for follower in followers:
        follow_forks(follower)
    child = said_by_child(lambda: ", ".join(calls)).split(", ")
    assert len(calls) == len(child) == 4
    first, second = (call[0] for call in calls[:2])
    assert {first, second} == {"a", "b"}
    assert calls == [f"{first} before", f"{second} before", f"{second} after", f"{first} after"]
    assert child == [*calls[:2], f"{second} after in child", f"{first} after in child"]


def test_who_is_gone_is_not_asked() -> None:
    calls: list[str] = []
    follower = Follower("a", calls)
    follow_forks(follower)
    del follower
    gc.collect()
    assert said_by_child(lambda: str(calls)) == "[]"
    assert calls == []


def test_an_owned_descriptor_leads_nowhere_in_the_child_and_stays_in_the_parent(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as owned, (tmp_path / "other").open("wb") as other:
        for file in (owned, other):
            own(file.fileno())
        disown(other.fileno())

        def what() -> str:
            return " ".join(str(os.path.sameopenfile(os.open(os.devnull, 0), file.fileno())) for file in (owned, other))

        try:
            assert said_by_child(what) == "True False"
            os.write(owned.fileno(), b"still here")
        finally:
            disown(owned.fileno())
    assert (tmp_path / "file").read_bytes() == b"still here"
