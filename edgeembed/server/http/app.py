"""The application: all routes, behind the guard and the bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..mcp.protocol import McpApp
from ..previews import Previews
from .api import Api
from .bounds import Bounds
from .embeddings import Embeddings
from .errors import Refusal, error_response, on_error
from .files import Files
from .guard import SECURITY_HEADERS, Guard, Session, reached_at
from .local import Local
from .pages import Pages
from .work import Workers

if TYPE_CHECKING:
    from ..library import Library

_SYNCS = 8
"""That may be waited for at once."""


def make_app(library: Library, session: Session, *, host: str, port: int, **bounds: Any) -> ASGIApp:
    """The ASGI application of a server.

    Args:
        host, port: where it listens.
        bounds: deadlines other than the usual ones; see :class:`Bounds`.
    """
    workers, syncs = Workers(), Workers(_SYNCS)
    routes = [
        *Pages(session).routes(),
        *Api(library, workers, syncs).routes(),
        *Embeddings(workers).routes(),
        *Local(library, session, workers, syncs, host=reached_at(host), port=port).routes(),
    ]
    previews = Previews()
    routes += Files(library, previews).routes()
    mcp = McpApp(library) if find_spec("mcp") is not None else None
    if mcp is not None:
        routes.append(Route("/mcp", mcp))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        previews.close()
        if mcp is not None:
            await mcp.close()

    handlers = {HTTPException: _not_found, Exception: on_error}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    return _WithHeaders(Guard(Bounds(_Translated(app), **bounds), session, host=host, port=port))


class _Translated:
    """ASGI middleware that answers every exception; that of Starlette would let it go on to the log as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun:
                raise
            await error_response(scope["path"], error)(scope, receive, send)


class _WithHeaders:
    """ASGI middleware that adds what every answer says to browsers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = {404: "there is nothing at this address", 405: "this address wants another method"}
    refusal = Refusal(error.status_code, reason.get(error.status_code, error.detail))
    return error_response(request.url.path, refusal)
