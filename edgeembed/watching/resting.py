"""Debouncing: a path counts once nothing happened to it for a moment, but is not put off for ever."""

from __future__ import annotations

REST_SECONDS = 1.0
MOST_SECONDS = 60.0


class RestingPaths:
    """Paths of which something changed, until they rest. Times are seconds of one clock."""

    def __init__(self, *, rest_seconds: float = REST_SECONDS, most_seconds: float = MOST_SECONDS) -> None:
        """
        Args:
            rest_seconds: without a change, after which a path rests.
            most_seconds: after which one counts that never rests, as an open log.
        """
        self._rest_seconds = rest_seconds
        self._most_seconds = most_seconds
        self._times: dict[str, tuple[float, float]] = {}
        """Of the first and of the last change."""

    def notice(self, path: str, now: float) -> None:
        """Something changed."""
        first, _ = self._times.get(path, (now, now))
        self._times[path] = first, now

    def take_due(self, now: float) -> set[str]:
        """The paths that rest, or waited long enough, which are forgotten with that."""
        due = {path for path in self._times if self._due_at(path) <= now}
        for path in due:
            del self._times[path]
        return due

    def next_due(self) -> float | None:
        """When :meth:`take_due` gives the next one if nothing more happens; ``None``: never."""
        return min(map(self._due_at, self._times), default=None)

    @property
    def waiting(self) -> frozenset[str]:
        """Those that do not rest yet."""
        return frozenset(self._times)

    def _due_at(self, path: str) -> float:
        first, last = self._times[path]
        return min(last + self._rest_seconds, first + self._most_seconds)
