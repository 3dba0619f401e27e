"""``/local``: for edgeembed's own commands on this machine, whose protocol may change with every version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ...errors import EdgeEmbedError
from ...sync.walk_options import WalkOptions
from ...system.files import path_digest
from ..run_files import proof
from ..wire import from_wire
from .errors import Refusal
from .json_response import json_body, json_response
from .work import Workers

if TYPE_CHECKING:
    from ..library import Library
    from ..served_folder import ServedFolder
    from .guard import Session

_PROGRESS_SECONDS = 0.2


class Local:
    """The routes below ``/local``."""

    def __init__(
        self, library: Library, session: Session, workers: Workers, syncs: Workers, *, host: str, port: int
    ) -> None:
        self._library = library
        self._syncs = syncs
        self._session = session
        self._workers = workers
        self._host = host
        self._port = port

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/local/proof", self.proof, methods=["POST"]),
            Route("/local/link", self.link, methods=["POST"]),
            Route("/local/sync", self.sync, methods=["POST"]),
            Route("/local/search", self.hits, methods=["POST"]),
            Route("/local/similar", self.hits, methods=["POST"]),
            Route("/local/lines", self.lines, methods=["POST"]),
        ]

    async def proof(self, request: Request) -> Response:
        """Show that this server knows the token, without telling it."""
        fields = await json_body(request)
        nonce = fields.get("nonce") if isinstance(fields, dict) else None
        if not isinstance(nonce, str) or not 16 <= len(nonce) <= 128:
            raise Refusal(400, "nonce must be a string of 16 to 128 characters")
        return json_response({"proof": proof(self._session.token, nonce, self._host, self._port)})

    async def link(self, request: Request) -> Response:
        """A link that opens the page once."""
        return json_response({"path": f"/open?key={self._session.new_link()}"})

    async def hits(self, request: Request) -> Response:
        """Hits of a search, or like a document, as :class:`Hit` has them."""
        fields = await json_body(request)
        folder = self._folder(fields)
        arguments = from_wire(fields["arguments"])
        index = folder.folder.index
        try:
            if request.url.path == "/local/search":
                hits = await self._workers.run(index.search, arguments.pop("query"), **arguments)
            else:
                hits = await self._workers.run(index.similar, arguments.pop("item"), **arguments)
        except KeyError as error:
            raise Refusal(404, str(error)) from None
        return _exact({"hits": [asdict(hit) for hit in hits]})

    async def lines(self, request: Request) -> Response:
        """Lines of texts as they were indexed."""
        fields = await json_body(request)
        folder = self._folder(fields)
        lines = [await self._workers.run(folder.folder.index.lines, *asked) for asked in fields["asked"]]
        return _exact({"lines": lines})

    async def sync(self, request: Request) -> Response:
        """Bring an index up to date: a line now and then of how far that has come, at last the report."""
        fields = await json_body(request)
        folder = self._folder(fields)
        options = None if fields["options"] is None else WalkOptions(**fields["options"])
        run = asyncio.ensure_future(
            self._syncs.run(folder.sync, below=fields["below"], checksum=fields["checksum"], options=options)
        )
        run.add_done_callback(lambda future: future.cancelled() or future.exception())  # nobody may be left to ask

        async def lines() -> AsyncIterator[bytes]:
            while not (await asyncio.wait({run}, timeout=_PROGRESS_SECONDS))[0]:
                step = folder.sync_state.progress
                yield _line({"progress": None if step is None else asdict(step)})
            try:
                yield _line({"report": asdict(run.result())})
            except (EdgeEmbedError, OSError, ValueError) as error:
                yield _line({"error": str(error)})

        return StreamingResponse(lines(), media_type="application/jsonl")

    def _folder(self, fields: Any) -> ServedFolder:
        """The folder whose index is meant.

        Raises:
            Refusal: it is not served.
        """
        wanted = (fields.get("index"), fields.get("root")) if isinstance(fields, dict) else None
        for folder in self._library.folders:
            digests = (path_digest(folder.folder.index.path), path_digest(folder.root))
            if digests == wanted and folder.has_own_models:
                return folder
        raise Refusal(404, "this index is not served here")


def _line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _exact(record: Any) -> Response:
    """JSON in ASCII: file names that are no Unicode come through as they are."""
    return Response(json.dumps(record), media_type="application/json")
