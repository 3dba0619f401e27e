"""Arguments on their way to a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgeembed.server.wire import NotOnWireError, from_wire, to_wire


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"k": 3, "min_score": 0.1, "where": {"file.date": {">=": datetime(2024, 5, 1, 3, 4, 5, 6)}}},
        {"near": (48.2, 16.4, 5), "plus": [(2.0, "dog"), "cat"], "where": {}},
        datetime(2024, 5, 1, tzinfo=UTC),
        {"file.path": {"=": "caf\udce9.md"}},
    ],
)
def test_it_comes_back_as_it_was(value: Any) -> None:
    back = from_wire(json.loads(json.dumps(to_wire(value))))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", [Path("a.png"), b"image", {"$pair": 1}, {1: 2}, object()])
def test_what_is_not_sent_is_refused(value: object) -> None:
    with pytest.raises(NotOnWireError):
        to_wire({"x": value})
