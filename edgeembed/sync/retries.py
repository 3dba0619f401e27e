"""Retries with exponential backoff, of files that were skipped because reading them took too long.

The machine may have been busy, so the next sync tries again; a file that never fits must not cost its time at each of
them. How often it was tried stands at the end of the reason.
"""

from __future__ import annotations

import re

from ..catalog.rows import FileRow
from ..reading.entries import TOO_LARGE, TOO_LONG, UNREADABLE
from ..reading.extras import LACKS, NEEDS

_TRIED = re.compile(r" \(tried (\d+) times\)$")
_HOUR_NS = 3600 * 1_000_000_000
_LONGEST_NS = 7 * 24 * _HOUR_NS
_PASSING = (UNREADABLE, TOO_LONG, "takes too much memory", TOO_LARGE, LACKS, NEEDS)
_FAULTS = (*_PASSING, "damaged")


def is_due(row: FileRow, now_ns: int) -> bool:
    """Whether a file that took too long is to be tried again: at the next sync, then after 1, 4, 16 … hours."""
    if row.reason is None or not row.reason.startswith(TOO_LONG):
        return False
    tries = _tries(row.reason)
    wait_ns = 0 if tries == 1 else min(_HOUR_NS * 4 ** (tries - 2), _LONGEST_NS)
    # A clock that was set back must not keep a file out for ever.
    return not 0 <= now_ns - row.checked_ns < wait_ns


def counted(reason: str, before: FileRow | None, row: FileRow) -> str:
    """The reason to record, with the number of tries if it takes too long; ``before``: what was recorded so far."""
    if not reason.startswith(TOO_LONG) or before is None or before.reason is None:
        return reason
    if not _is_same_file(before, row) or not before.reason.startswith(TOO_LONG):
        return reason
    return f"{reason} (tried {min(_tries(before.reason), 20) + 1} times)"


def keeps_what_is_indexed(reason: str, before: FileRow | None, row: FileRow) -> bool:
    """Whether what was indexed of a file stays, although it could not be read now.

    It does if the fault may pass; and if the file is the same as when it was read, whatever its reader says now. A file
    that changed and has no text any more, or is damaged, is not what was indexed.
    """
    if passes(reason):
        return True
    return before is not None and _is_same_file(before, row) and reason.startswith(_FAULTS)


def passes(reason: str) -> bool:
    """Whether what kept a file from being read may be otherwise the next time."""
    return reason.startswith(_PASSING)


def _is_same_file(before: FileRow, row: FileRow) -> bool:
    """Whether nothing tells that a file is another one; of an older edgeembed the ctime is not known."""
    if None not in (before.ctime_ns, row.ctime_ns) and before.ctime_ns != row.ctime_ns:
        return False
    return (before.size_bytes, before.mtime_ns) == (row.size_bytes, row.mtime_ns)


def _tries(reason: str) -> int:
    match = _TRIED.search(reason)
    return int(match[1]) if match else 1
