"""Debouncing."""

from __future__ import annotations

import pytest

from edgeembed.watching.resting import RestingPaths


def test_a_path_counts_once_it_rests() -> None:
    resting = RestingPaths(rest_seconds=1, most_seconds=60)
    resting.notice("a", 10)
    assert resting.take_due(10.9) == set()
    assert resting.waiting == {"a"}
    assert resting.next_due() == 11
    assert resting.take_due(11) == {"a"}
    assert resting.take_due(99) == set()
    assert resting.next_due() is None


def test_one_that_grows_waits_and_the_others_do_not() -> None:
    resting = RestingPaths(rest_seconds=1, most_seconds=60)
    resting.notice("still", 0)
    for tenth in range(0, 20):
        resting.notice("grows", tenth / 10)
    assert resting.take_due(2) == {"still"}
    assert resting.waiting == {"grows"}
    assert resting.next_due() == pytest.approx(2.9)


def test_one_that_never_rests_is_taken_every_minute() -> None:
    resting = RestingPaths(rest_seconds=1, most_seconds=60)
    taken = []
    for second in range(0, 600):
        resting.notice("log", second / 2)
        if resting.take_due(second / 2):
            taken.append(second / 2)
    assert taken == [60, 120.5, 181, 241.5]
