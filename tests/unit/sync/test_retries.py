"""When a file that took too long is tried again, and what stays of it meanwhile."""

from __future__ import annotations

import pytest

from edgeembed.catalog.rows import FileRow
from edgeembed.sync.retries import counted, is_due, keeps_what_is_indexed

HOUR = 3600 * 1_000_000_000
NOW = 1_700_000_000 * 1_000_000_000
LONG = "takes too long: more than 9 seconds"


def row(reason: str | None, *, hours_ago: float = 0, size: int = 10) -> FileRow:
    return FileRow(size, 5, NOW - round(hours_ago * HOUR), reason)


def test_each_try_is_counted_as_long_as_the_file_is_the_same() -> None:
    assert counted(LONG, None, row(None)) == LONG
    assert counted(LONG, row(None), row(None)) == LONG
    reasons = [LONG]
    for _ in range(4):
        reasons.append(counted(LONG, row(reasons[-1]), row(None)))
    assert reasons == [LONG, *(f"{LONG} (tried {n} times)" for n in (2, 3, 4, 5))]
    assert counted(LONG, row(reasons[-1], size=11), row(None)) == LONG
    assert counted("empty", row(LONG), row(None)) == "empty"
    assert counted(LONG, row("empty"), row(None)) == LONG


@pytest.mark.parametrize(
    ("reason", "hours_ago", "due"),
    [
        (None, 1000, False),
        ("empty", 1000, False),
        (LONG, 0, True),
        (f"{LONG} (tried 2 times)", 0.9, False),
        (f"{LONG} (tried 2 times)", 1.1, True),
        (f"{LONG} (tried 3 times)", 3.9, False),
        (f"{LONG} (tried 3 times)", 4.1, True),
        (f"{LONG} (tried 9 times)", 167, False),
        (f"{LONG} (tried 9 times)", 169, True),
        (f"{LONG} (tried 21 times)", 169, True),
        (f"{LONG} (tried 2 times)", -5, True),
    ],
)
def test_it_is_tried_at_the_next_sync_and_then_ever_more_rarely(
    reason: str | None, hours_ago: float, due: bool
) -> None:
    assert is_due(row(reason, hours_ago=hours_ago), NOW) == due


@pytest.mark.parametrize(
    ("reason", "same", "changed"),
    [
        ("not readable: permission denied", True, True),
        (LONG, True, True),
        ("takes too much memory: more than 500 MB", True, True),
        ("this build lacks a module: striprtf", True, True),
        ("needs edgeembed[documents]: PDF", True, True),
        ("damaged: the program that reads it crashed", True, False),
        ("damaged: not a whole PDF", True, False),
        ("empty", False, False),
        ("not text", False, False),
        ("encrypted: needs a password", False, False),
    ],
)
def test_what_was_indexed_stays_until_something_better_is_there(reason: str, same: bool, changed: bool) -> None:
    assert keeps_what_is_indexed(reason, row(None), row(None)) == same
    assert keeps_what_is_indexed(reason, row(None, size=11), row(None)) == changed
    assert keeps_what_is_indexed(reason, None, row(None)) == changed
