"""Who may ask: Host and Origin first, then the token or the cookie of the page.

A page of another origin can make a browser send requests here, and by DNS rebinding even read the answers; its Host
header then names its own domain. So only names of this machine are answered. Every local program can open the port,
also one in a sandbox that may read no file; so all that tells something about files wants the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import Refusal, error_response

PUBLIC = ("/open", "/local/proof", "/static/")
"""What is answered without a token: a link for one use, a proof, and the program of the page, which tells nothing."""
BEARER_ONLY = ("/local/", "/mcp")
"""What no page may ask."""
_MAX_LINKS = 32


class Session:
    """The token of a server, the links for one use, and the cookie that they set."""

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self.cookie_name = f"edgeembed-{port}"
        """Cookies are kept by host, not by port: servers on several ports would take each other's away."""
        self.cookie = secrets.token_urlsafe(32)
        self._links: list[str] = []

    def new_link(self) -> str:
        """The key of a link that opens the page once."""
        key = secrets.token_urlsafe(24)
        self._links = [*self._links[-_MAX_LINKS + 1 :], key]
        return key

    def use_link(self, key: str) -> bool:
        """Whether a key was that of a link that nobody used; from now on it is used."""
        is_known = [hmac.compare_digest(key.encode(), link.encode()) for link in self._links]
        self._links = [link for link, known in zip(self._links, is_known, strict=True) if not known]
        return any(is_known)

    def has_token(self, headers: Headers) -> bool:
        """Whether a request brings the token."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self.token.encode())

    def has_cookie(self, headers: Headers) -> bool:
        """Whether a request comes from a page that was opened by a link, and from no other one."""
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return False
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self.cookie.encode())


class Guard:
    """ASGI middleware that refuses who may not ask."""

    def __init__(self, app: ASGIApp, session: Session, *, host: str, port: int) -> None:
        self._app = app
        self._session = session
        self._port = port
        self._names = {"localhost", "127.0.0.1", "[::1]", host.lower(), f"[{host.lower()}]"}
        self._is_open = is_wildcard(host)
        """Then it is reached by the addresses of this machine, whichever they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may be answered."""
        if scope["type"] == "http":
            refusal = self._refusal(scope["path"], scope["method"], Headers(scope=scope))
            if refusal is not None:
                await error_response(scope["path"], refusal)(scope, receive, send)
                return
        elif scope["type"] != "lifespan":
            return
        await self._app(scope, receive, send)

    def _refusal(self, path: str, method: str, headers: Headers) -> Refusal | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_own(hosts[0].lower()):
            return Refusal(421, "the Host header is not an address of this server")
        if origins and origins != [f"http://{hosts[0]}"]:
            return Refusal(403, "pages of other origins may not ask this server")
        if path.startswith(PUBLIC) or self._session.has_token(headers):
            return None
        if self._session.has_cookie(headers) and not path.startswith(BEARER_ONLY):
            if method in ("GET", "HEAD") or origins:
                return None
            return Refusal(403, "without an Origin header a page may not ask this")
        if path == "/":
            return None  # it says how a link is had
        return Refusal(401, "the token is wrong or missing: send `Authorization: Bearer TOKEN`")

    def _is_own(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        if not name or name.endswith(":") or (host.startswith("[") and host.endswith("]")):
            name, port = host, "80"
        if port != str(self._port):
            return False
        return name in self._names or (self._is_open and is_address(name))


def reached_at(host: str) -> str:
    """Where this machine itself reaches a server that listens at ``host``."""
    if not is_wildcard(host):
        return host
    return "::1" if ":" in host else "127.0.0.1"


def is_wildcard(host: str) -> bool:
    """Whether a server that listens there is reached by every address of this machine."""
    return is_address(host) and ipaddress.ip_address(host.strip("[]")).is_unspecified


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from this machine alone."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback)


def is_address(name: str) -> bool:
    """Whether it is an address in numbers, which no name server can turn into another one."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}
