"""Arguments of a search on their way to a server and back to what they were: JSON knows no moments and no pairs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

_MOMENT, _PAIR = "$moment", "$pair"


class NotOnWireError(TypeError):
    """A value that is not sent, such as a picture; the command does its work itself."""


def to_wire(value: Any) -> Any:
    """A value as JSON.

    Raises:
        NotOnWireError: it is nothing that :func:`from_wire` could make again.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (datetime, date)):
        return {_MOMENT: value.isoformat()}
    if isinstance(value, tuple):
        return {_PAIR: [to_wire(item) for item in value]}
    if isinstance(value, list):
        return [to_wire(item) for item in value]
    if isinstance(value, dict) and all(isinstance(name, str) and not name.startswith("$") for name in value):
        return {name: to_wire(item) for name, item in value.items()}
    raise NotOnWireError(f"{type(value).__name__} is not sent to a server")


def from_wire(value: Any) -> Any:
    """The reverse of :func:`to_wire`.

    Raises:
        ValueError: it is no such thing.
    """
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {_MOMENT}:
            return datetime.fromisoformat(value[_MOMENT])
        if value.keys() == {_PAIR}:
            return tuple(map(from_wire, value[_PAIR]))
        return {name: from_wire(item) for name, item in value.items()}
    return value
