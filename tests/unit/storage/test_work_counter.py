"""Work that is done, and documents that are."""

from __future__ import annotations

from edgeembed.storage.work_counter import WorkCounter, each_number


def test_work_counts_when_it_is_embedded_or_needs_not_be() -> None:
    embedded = 0.0
    work = WorkCounter(lambda: embedded)
    assert (work.done, work.documents) == (0.0, 0)
    work.begin(10)
    work.begin(5)
    assert (work.done, work.documents) == (0.0, 0)
    embedded = 4.0
    assert (work.done, work.documents) == (4.0, 0)
    embedded = 9.8  # parts of a document are rounded
    assert work.documents == 1
    work.settle(5.1)
    assert (work.done, work.documents) == (14.9, 2)
    work.settle(3)
    assert work.done == 15.0


def test_each_number_is_reported_once() -> None:
    counts, reported = [0, 2, 2, 5], list[int]()
    call = each_number(reported.append, lambda: counts[0])
    while counts:
        call()
        counts.pop(0)
    assert reported == [1, 2, 3, 4, 5]
