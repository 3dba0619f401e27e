"""The page: its files, which come with the package, and the link that opens it."""

from __future__ import annotations

import importlib.resources
from functools import cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .errors import Refusal

if TYPE_CHECKING:
    from .guard import Session

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from anywhere but here, and no script or style in the page itself."""
_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}


class Pages:
    """The routes of the page."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/open", self.open, methods=["GET"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page, or, for who came without a link, how one is had."""
        is_known = self._session.has_cookie(request.headers)
        name, status = ("index.html", 200) if is_known else ("locked.html", 401)
        return HTMLResponse(_file(name), status, _HEADERS)

    async def open(self, request: Request) -> Response:
        """Set the cookie, for a link that was not used before, and go on to the page.

        By a page and not by a redirect: a browser that followed the link from another site sends no strict cookie
        along a redirect.
        """
        if not self._session.use_link(request.query_params.get("key", "")):
            return HTMLResponse(_file("locked.html"), 403, _HEADERS)
        response = HTMLResponse(_file("opened.html"), headers={**_HEADERS, "Cache-Control": "no-store"})
        response.set_cookie(self._session.cookie_name, self._session.cookie, httponly=True, samesite="strict")
        return response

    async def static(self, request: Request) -> Response:
        """A file of the page."""
        name = request.path_params["name"]
        suffix = name[name.rfind(".") :]
        if suffix not in _TYPES or name not in _names():
            raise Refusal(404, "there is no such file of the page")
        return Response(_file(name), 200, _HEADERS, _TYPES[suffix])


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in importlib.resources.files("edgeembed.server.page").iterdir())


@cache
def _file(name: str) -> bytes:
    return importlib.resources.files("edgeembed.server.page").joinpath(name).read_bytes()
