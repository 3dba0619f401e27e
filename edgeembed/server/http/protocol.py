"""HTTP/1.1 connections with a deadline of their own until a request is there, and a bound on how many there are.

Uvicorn waits for the first request of a connection without end, and for the rest of a request line or a header as
well: connections that send nothing, or a byte a minute, would take all descriptors of the process.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""From the opening of a connection, or the end of a request, until the head of the next one is there."""
LINGER_SECONDS = 5.0
"""For the rest of a body that nobody waits for any more, as of a request that was refused by its head."""
MAX_CONNECTIONS = 128


class BoundedProtocol(H11Protocol):
    """A connection that is closed if it does not come to a request, or if too many others are open."""

    header_seconds = HEADER_SECONDS
    max_connections = MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._lingers = False
        """Whether the answer is given and the body of its request goes on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the place of a connection without a request, the oldest one, where there are too many."""
        super().connection_made(transport)
        self._expect_request()
        if len(self.connections) > self.max_connections:
            idle = [other for other in self.connections if isinstance(other, BoundedProtocol) and other._deadline]
            oldest = min(idle, key=lambda other: other._deadline.when() if other._deadline else 0.0, default=self)
            oldest._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Keep the deadline until the head of a request is complete."""
        super().data_received(data)
        self._lingers = self._lingers and self.conn.their_state is h11.SEND_BODY
        if self.conn.their_state is not h11.IDLE and not self._lingers:
            self._forget_deadline()

    def on_response_complete(self) -> None:
        """Expect the next request."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._lingers = self.conn.their_state is h11.SEND_BODY
        if self._lingers:
            self._expect_request(LINGER_SECONDS)
        elif self.conn.their_state is h11.IDLE:
            self._expect_request()

    def _expect_request(self, seconds: float | None = None) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds or self.header_seconds, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._forget_deadline()
        self.connections.discard(self)
        self.transport.abort()
