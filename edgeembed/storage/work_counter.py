"""How far a writing session has come, by what is embedded and not by what was read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

_ROUNDING = 0.5
"""Parts of a document add up to the whole but for this."""


class WorkCounter:
    """Counts work, such as the bytes of files, and the documents that it is divided into. For one thread."""

    def __init__(self, embedded: Callable[[], float]) -> None:
        """``embedded`` tells how much work was done so far in the background."""
        self._embedded = embedded
        self._settled = 0.0
        self._ends: list[float] = []

    def begin(self, work: float) -> None:
        """Another document, which is so much work."""
        self._ends.append((self._ends[-1] if self._ends else 0.0) + work)

    def settle(self, work: float) -> None:
        """So much needed not be embedded: it is known, skipped, or blank."""
        self._settled += work

    @property
    def done(self) -> float:
        """Work that is done."""
        return min(self._settled + self._embedded(), self._ends[-1]) if self._ends else 0.0

    @property
    def documents(self) -> int:
        """Documents that are done, if they are in the order in which they came."""
        return bisect_right(self._ends, self.done + _ROUNDING)


def each_number(report: Callable[[int], None], count: Callable[[], int]) -> Callable[[], None]:
    """A function that reports each number up to what ``count`` gives, once."""
    reported = 0

    def call() -> None:
        nonlocal reported
        while reported < count():
            reported += 1
            report(reported)

    return call
