"""``/files``: pictures and PDF of documents for the page, and what the desktop does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ...reading.extras import Unreadable
from ...reading.photos.thumbnails import MEDIA_TYPE
from ..previews import SIDES, Previews
from .errors import Refusal
from .guard import is_loopback
from .json_response import json_response
from .work import Workers

if TYPE_CHECKING:
    from ..library import Found, Library

_KEPT = {"Cache-Control": "private, max-age=3600"}
_PDF_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'self'"}


class Files:
    """The routes below ``/files``."""

    def __init__(self, library: Library, previews: Previews) -> None:
        self._library = library
        self._previews = previews
        self._workers = Workers()

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/files/{id}/picture", self.picture, methods=["GET"]),
            Route("/files/{id}/pdf", self.pdf, methods=["GET"]),
            Route("/files/{id}/open", self.open, methods=["POST"]),
            Route("/files/{id}/show", self.show, methods=["POST"]),
        ]

    async def picture(self, request: Request) -> Response:
        """A picture as WebP, ``size=small`` or ``large``."""
        size = request.query_params.get("size", "small")
        if size not in SIDES:
            raise Refusal(400, f"size must be one of {', '.join(SIDES)}")
        found = await self._found(request)
        try:
            data = await self._workers.run(self._previews.picture, found, size)
        except Unreadable as error:
            raise Refusal(404, f"this picture cannot be shown: {error.reason}") from None
        return Response(data, headers=_KEPT, media_type=MEDIA_TYPE)

    async def pdf(self, request: Request) -> Response:
        """A PDF as it is, for the browser's own viewer."""
        path = await self._workers.run(self._previews.pdf, await self._found(request))
        return FileResponse(path, media_type="application/pdf", headers=_PDF_HEADERS, content_disposition_type="inline")

    async def open(self, request: Request) -> Response:
        """Open a document on the desktop, if the system only shows such files."""
        found = await self._found(request, is_here=True)
        if not self._previews.opens(found):
            raise Refusal(
                403, "files of this kind are not opened from here, for some systems run them; show its folder"
            )
        return await self._launch(found, locate=False)

    async def show(self, request: Request) -> Response:
        """Show the folder of a document on the desktop."""
        return await self._launch(await self._found(request, is_here=True), locate=True)

    async def _launch(self, found: Found, *, locate: bool) -> Response:
        path = str(found.folder.safe_path(found.file))
        launch: Callable[..., int] = click.launch
        status = await self._workers.run(launch, path, locate=locate)
        if status:
            raise Refusal(501, "this system has nothing that opens it")
        return json_response({"done": True})

    async def _found(self, request: Request, *, is_here: bool = False) -> Found:
        """The document that is meant.

        Raises:
            Refusal: the browser is on another machine, and ``is_here`` wants it on this one.
        """
        if is_here and not (request.client and is_loopback(request.client.host)):
            raise Refusal(403, "only from the machine that the files are on")
        return await self._workers.run(self._library.find, request.path_params["id"])
