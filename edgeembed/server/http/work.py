"""Work that takes time, in threads: as many searches at once as there are cores, and what waits with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from ...system.limits import usable_cores
from .errors import Refusal

_Result = TypeVar("_Result")
_MOST_WAITING = 64
"""More requests than that are told to come back: each holds its body and its connection."""


class Workers:
    """Threads for one kind of work, and a bound on what waits for them."""

    def __init__(self, threads: int | None = None) -> None:
        """
        Args:
            threads: ``None``: one a usable core, at least two, so that one long question does not hold up all others.
        """
        self._threads = threads or max(2, usable_cores())
        self._limiter: anyio.CapacityLimiter | None = None
        self._waiting = 0

    async def run(
        self, work: Callable[..., _Result], *args: Any, gone: Callable[[], Awaitable[bool]] | None = None, **kwargs: Any
    ) -> _Result:
        """Do something in a thread.

        Args:
            gone: asked when its turn comes; once it answers ``True`` nobody waits for it any more, and it is not done:
                whoever types leaves many questions behind. ``None``: it is done in any case.

        Raises:
            Refusal: too much is waiting, or it was not done.
            Whatever ``work`` does.
        """
        if self._limiter is None:  # belongs to an event loop
            self._limiter = anyio.CapacityLimiter(self._threads)
        if self._waiting >= _MOST_WAITING:
            raise Refusal(503, "too many requests at once; try again in a moment")
        self._waiting += 1
        try:
            async with self._limiter:
                if gone is not None and await gone():
                    raise Refusal(499, "the client went away")
                return await anyio.to_thread.run_sync(partial(work, *args, **kwargs))
        finally:
            self._waiting -= 1
