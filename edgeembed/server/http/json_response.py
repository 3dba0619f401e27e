"""JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ...output.json_lines import json_line
from ..json_schema import SchemaError


def json_response(record: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as the body of an answer, which nobody keeps."""
    own = {"Cache-Control": "no-store", **(headers or {})}
    return Response(json_line(record), status, own, "application/json")


async def json_body(request: Request) -> Any:
    """The body of a request.

    Raises:
        SchemaError: it is no JSON.
    """
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # forms of other pages send other types without asking first
        raise SchemaError("", f"Content-Type must be application/json, not {kind or 'nothing'}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SchemaError("", f"the body is no JSON: {error}") from None
