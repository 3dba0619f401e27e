"""Messages between a process and its worker."""

from __future__ import annotations

import io
import json

import pytest

from edgeembed.reading.sandbox.protocol import receive, send


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\2\0\0\0\0", b"\xff" * 8 + b"x" * 100, b"\0\0\0\2\0\0\0\0[]"])
def test_what_is_no_message(data: bytes) -> None:
    assert receive(io.BytesIO(data)) is None


def test_a_message_comes_back_as_it_was() -> None:
    stream = io.BytesIO()
    send(stream, {"a": "ü\udc80"}, b"body")
    stream.seek(0)
    reply = receive(stream)
    assert reply is not None
    assert (json.dumps(dict(reply.header)), reply.body) == (json.dumps({"a": "ü\udc80"}), b"body")
