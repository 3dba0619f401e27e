"""Work in threads."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from edgeembed.server.http.errors import Refusal
from edgeembed.server.http.work import _MOST_WAITING, Workers


def test_no_more_is_done_at_once_than_there_are_threads() -> None:
    running, most, guard = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with guard:
            running -= 1
        return number

    async def run() -> list[int]:
        workers = Workers(3)
        return await asyncio.gather(*(workers.run(work, number) for number in range(20)))

    assert asyncio.run(run()) == list(range(20))
    assert most == 3


def test_what_nobody_waits_for_is_not_done() -> None:
    done: list[str] = []

    async def is_gone() -> bool:
        return True

    async def is_there() -> bool:
        return False

    async def run() -> None:
        workers = Workers(1)
        with pytest.raises(Refusal, match="went away"):
            await workers.run(done.append, "nobody", gone=is_gone)
        await workers.run(done.append, "somebody", gone=is_there)

    asyncio.run(run())
    assert done == ["somebody"]


def test_too_much_is_told_to_come_back() -> None:
    async def run() -> list[object]:
        workers = Workers(1)
        work = [workers.run(time.sleep, 0.001) for _ in range(_MOST_WAITING + 5)]
        return await asyncio.gather(*work, return_exceptions=True)

    refusals = [error for error in asyncio.run(run()) if isinstance(error, Refusal)]
    assert [refusal.status for refusal in refusals] == [503] * 5
