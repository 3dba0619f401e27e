"""Processor time for the file at hand: how a reader says in the worker process that a file is large and may take more.

Elsewhere, where nothing is limited, this does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

SECONDS_PER_BYTE = 1e-6
SECONDS_PER_PAGE = 0.2
SECONDS_PER_PIXEL = 2.5e-7
"""Each some ten times what ordinary files take: 12 ms for a page of a PDF, 20 ms for a megapixel of a HEIC photo."""
_listeners: list[Callable[[float], None]] = []


def allow_more(seconds: float) -> None:
    """Let the file at hand take so many seconds of processor time more, within the limits of the worker."""
    for listener in _listeners:
        listener(seconds)


def listen(listener: Callable[[float], None]) -> None:
    """Have all further calls of :func:`allow_more` answered; for the worker process."""
    _listeners[:] = [listener]
