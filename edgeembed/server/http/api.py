"""``/api``: searches and documents as JSON; what ``docs/server.md`` and :mod:`edgeembed.server.openapi` describe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...output.json_lines import path_facts
from ..json_schema import SchemaError, check
from ..openapi import description
from ..question import FILTERS, SIMILAR, SYNC, Filters, Question
from .json_response import json_body, json_response
from .work import Workers

if TYPE_CHECKING:
    from ..library import Answer, Found, Library
    from ..served_folder import ServedFolder


class Api:
    """The routes below ``/api``."""

    def __init__(self, library: Library, workers: Workers, syncs: Workers) -> None:
        """
        Args:
            workers: for searches.
            syncs: for bringing indexes up to date, which may take hours.
        """
        self._library = library
        self._workers = workers
        self._syncs = syncs

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/api/search", self.search, methods=["POST"]),
            Route("/api/similar", self.similar, methods=["POST"]),
            Route("/api/sync", self.sync, methods=["POST"]),
            Route("/api/documents/{id}", self.document, methods=["GET"]),
            Route("/api/status", self.status, methods=["GET"]),
            Route("/api/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def search(self, request: Request) -> Response:
        """``POST /api/search``."""
        question = Question.of(await json_body(request))
        for folder in self._library.folders:
            folder.sync_soon()
        answers = await self._workers.run(self._library.search, question, gone=request.is_disconnected)
        return json_response({"hits": _fields(answers), "indexing": self._is_indexing()})

    async def similar(self, request: Request) -> Response:
        """``POST /api/similar``."""
        fields = await json_body(request)
        check(fields, SIMILAR)
        answers = await self._workers.run(
            self._library.similar,
            fields["document"],
            Filters.of({name: value for name, value in fields.items() if name in FILTERS}),
            k=fields.get("k", 10),
            min_score=fields.get("min_score"),
        )
        return json_response({"hits": _fields(answers), "indexing": self._is_indexing()})

    async def sync(self, request: Request) -> Response:
        """``POST /api/sync``."""
        fields = await json_body(request)
        check(fields, SYNC)
        names = fields.get("folders") or [folder.name for folder in self._library.folders]
        folders = [folder for folder in self._library.folders if folder.name in names]
        if len(folders) < len(set(names)):
            raise SchemaError("folders", "one of them is not served here; /api/status names those that are")
        reports: list[dict[str, Any]] = []
        for folder in folders:
            if not fields.get("wait"):
                folder.sync_soon(at_once=True)
                continue
            report = await self._syncs.run(folder.sync)
            counts = {name: getattr(report, name) for name in ("added", "updated", "removed", "unchanged", "embedded")}
            reports.append({"folder": folder.name, **counts, "skipped": len(report.skipped)})
        return json_response({"reports": reports, "indexing": self._is_indexing()}, status=200 if reports else 202)

    async def document(self, request: Request) -> Response:
        """``GET /api/documents/{id}``."""
        return json_response(await self._workers.run(self._document, request.path_params["id"]))

    async def status(self, request: Request) -> Response:
        """``GET /api/status``."""
        folders = await self._workers.run(lambda: [folder.status() for folder in self._library.folders])
        return json_response({"version": __version__, "folders": folders, "indexing": self._is_indexing()})

    async def openapi(self, request: Request) -> Response:
        """``GET /api/openapi.json``."""
        return json_response(description())

    def _document(self, id: str) -> Mapping[str, Any]:
        found = self._library.find(id)
        return document_fields(self._library, found, id)

    def _is_indexing(self) -> bool:
        return any(folder.sync_state.running for folder in self._library.folders)


def document_fields(library: Library, found: Found, id: str) -> dict[str, Any]:
    """A document with its text, as JSON.

    Raises:
        UnknownDocumentError: it is gone.
    """
    stored = library.stored(found)
    pages = [{"page": page, "start": start} for page, start in stored.pages]
    return {
        "document": id,
        "folder": found.folder.name,
        **path_facts(found.folder.shown(found.id)),
        "kind": stored.kind,
        "text": stored.text,
        "pages": pages or None,
        "lines": stored.lines,
        "metadata": stored.metadata,
        **_file_facts(found.folder, found.id),
    }


def _file_facts(folder: ServedFolder, id: str) -> dict[str, Any]:
    """What the disk says about a file now; null: it is not there."""
    try:
        info = folder.safe_path(id).stat()
    except OSError:
        return {"size_bytes": None, "modified": None}
    return {"size_bytes": info.st_size, "modified": datetime.fromtimestamp(info.st_mtime, UTC).isoformat()}


def _fields(answers: list[Answer]) -> list[dict[str, Any]]:
    return [answer.fields() for answer in answers]
