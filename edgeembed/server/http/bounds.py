"""Bounds on a request: how long its body may be and take, and how long a client may take to read the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import Refusal, error_response

BODY_SECONDS = 30.0
SEND_SECONDS = 60.0
"""For each part of an answer to be taken."""
MAX_BYTES = 1 << 20
MAX_BYTES_BELOW: Mapping[str, int] = {"/v1/": 48 << 20, "/mcp": 4 << 20, "/local/": 48 << 20}
"""Of bodies with pictures, and of what other programs bound by themselves."""


class Bounds:
    """ASGI middleware that ends requests whose bodies are too long or too slow."""

    def __init__(self, app: ASGIApp, *, body_seconds: float = BODY_SECONDS, send_seconds: float = SEND_SECONDS) -> None:
        self._app = app
        self._body_seconds = body_seconds
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, with its body counted and timed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, begun = scope["path"], False
        most = next((size for prefix, size in MAX_BYTES_BELOW.items() if path.startswith(prefix)), MAX_BYTES)
        deadline, count, is_whole = time.monotonic() + self._body_seconds, 0, False

        async def bounded_receive() -> Message:
            nonlocal count, is_whole
            if is_whole:  # what comes now is the end of the connection, for which there is no deadline
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                raise Refusal(
                    408, f"the body did not come within {self._body_seconds:g} seconds", closes=True
                ) from None
            count += len(message.get("body", b""))
            if count > most:
                raise Refusal(413, f"the body is longer than {most:,} bytes", closes=True)
            is_whole = not message.get("more_body", False)
            return message

        async def bounded_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await asyncio.wait_for(send(message), self._send_seconds)

        try:
            if _length(scope) > most:
                raise Refusal(413, f"the body is longer than {most:,} bytes", closes=True)
            await self._app(scope, bounded_receive, bounded_send)
        except Refusal as refusal:
            if begun:
                raise
            await error_response(path, refusal)(scope, receive, bounded_send)


def _length(scope: Scope) -> int:
    """What the head says about the length of the body; 0: nothing, or no number."""
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
