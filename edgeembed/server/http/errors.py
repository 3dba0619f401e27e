"""Errors as objects: those of ``docs/output.schema.json`` under ``/api``, those of OpenAI under ``/v1``."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from ...errors import EdgeEmbedError, IndexLockedError
from ...output.json_lines import path_facts
from ..json_schema import SchemaError
from ..library import UnknownDocumentError
from .json_response import json_response

_log = logging.getLogger(__name__)


class Refusal(Exception):
    """A request that is not answered."""

    def __init__(self, status: int, reason: str, *, closes: bool = False, param: str | None = None) -> None:
        """
        Args:
            status: of HTTP.
            closes: whether the connection ends with it.
            param: the field that is wrong, for OpenAI's clients.
        """
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.closes = closes
        self.param = param

    def __str__(self) -> str:
        return self.reason


def refusal_of(error: Exception) -> Refusal:
    """An exception of the library as a refusal; 500 is what nobody expected."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, SchemaError):
        return Refusal(400, str(error), param=error.field)
    if isinstance(error, UnknownDocumentError):
        return Refusal(404, str(error))
    if isinstance(error, IndexLockedError):
        return Refusal(409, str(error))
    if isinstance(error, FileNotFoundError):
        return Refusal(404, str(error))
    if isinstance(error, (ValueError, TypeError, OverflowError, EdgeEmbedError, OSError)):
        return Refusal(400, str(error))
    _log.error("%s", error, exc_info=error)
    return Refusal(500, f"{type(error).__name__}: this should not happen; please report it")


def error_response(path: str, error: Exception) -> Response:
    """What a client of ``path`` is told about an error."""
    refusal = refusal_of(error)
    headers = {"Connection": "close"} if refusal.closes else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="edgeembed"'
    if path.startswith("/v1/"):
        kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
        code = {401: "invalid_api_key", 404: "model_not_found"}.get(refusal.status)
        said = {"message": refusal.reason, "type": kind, "param": refusal.param, "code": code}
        return json_response({"error": said}, status=refusal.status, headers=headers)
    where = getattr(error, "path", None)
    facts = path_facts(str(where)) if where is not None else {"path": None, "path_bytes": None}
    name = "Refused" if isinstance(error, Refusal) else type(error).__name__
    record = {"error": name, **facts, "reason": refusal.reason}
    return json_response(record, status=refusal.status, headers=headers)


async def on_error(request: Request, error: Exception) -> Response:
    """For Starlette: every exception of a route."""
    return error_response(request.url.path, error)
