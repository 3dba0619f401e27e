"""Bounds on bodies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from edgeembed.server.http.bounds import MAX_BYTES, Bounds


def statuses(
    messages: list[tuple[float, bytes, bool]], *, length: int | None = None, seconds: float = 0.2
) -> list[int]:
    """Statuses of the answer to a body that comes in parts, each after so many seconds, with whether more comes."""
    sent: list[int] = []
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        delay, body, more = waiting.pop(0)
        await asyncio.sleep(delay)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "path": "/api/search", "method": "POST", "headers": headers}
    asyncio.run(Bounds(app, body_seconds=seconds)(scope, receive, send))
    return sent


def test_a_body_within_bounds_is_handed_on() -> None:
    assert statuses([(0, b"a", True), (0, b"b", False)]) == [200]
    assert statuses([(0, b"x" * MAX_BYTES, False)]) == [200]


def test_a_body_that_trickles_is_ended_however_often_a_part_of_it_comes() -> None:
    assert statuses([(0.05, b"a", True)] * 100) == [408]


def test_an_answer_that_nobody_reads_is_ended() -> None:
    async def send(message: Any) -> None:
        await asyncio.sleep(60)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "path": "/api/search", "method": "POST", "headers": []}
    with pytest.raises(TimeoutError):
        asyncio.run(Bounds(app, send_seconds=0.1)(scope, lambda: asyncio.sleep(60), send))


def test_a_body_that_says_or_is_too_long_is_refused() -> None:
    assert statuses([], length=MAX_BYTES + 1) == [413]
    assert statuses([(0, b"x" * MAX_BYTES, True), (0, b"x", True)]) == [413]
