"""Processor time and memory for the file at hand: how a reader says in the worker process that a file is large and may
take more.

Elsewhere, where nothing is limited, this does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

SECONDS_PER_BYTE = 1e-6
SECONDS_PER_PAGE = 0.2
SECONDS_PER_PIXEL = 2.5e-7
"""Each some ten times what ordinary files take: 12 ms for a page of a PDF, 20 ms for a megapixel of a HEIC photo."""
BYTES_PER_PIXEL = 16
"""The most that decoding, turning and converting hold at a time for one pixel: an image and three copies."""
_listeners: list[tuple[Callable[[float], None], Callable[[int], bool]]] = []


def allow_more(seconds: float) -> None:
    """Let the file at hand take so many seconds of processor time more, within the limits of the worker."""
    for allow_seconds, _ in _listeners:
        allow_seconds(seconds)


def allow_memory(size_bytes: int) -> bool:
    """Let the file at hand take so many bytes of memory more; ``False``: the worker has no room for it."""
    return all(allow_bytes(size_bytes) for _, allow_bytes in _listeners)


def listen(seconds: Callable[[float], None], memory: Callable[[int], bool]) -> None:
    """Have all further calls of :func:`allow_more` and :func:`allow_memory` answered; for the worker process."""
    _listeners[:] = [(seconds, memory)]
