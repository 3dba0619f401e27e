"""A client of a server on this machine, for edgeembed's own commands.

Loads nothing heavy: a command that finds a server has its answer while others would still load their model.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..reading.entries import Skipped
from ..search.hits import Hit, Passage
from ..system.files import path_digest
from .run_files import RunningServer, announced, proof
from .wire import to_wire

_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 600.0
"""For one line of an answer; a question with a picture may load a model."""
_GONE = (OSError, http.client.HTTPException, ValueError, KeyError, TypeError)


class ServerGoneError(Exception):
    """The server did not answer, or not as expected; the command does its work itself."""


class Client:
    """A connection to a server that proved that it knows the token of the run file. Use :func:`connected`."""

    def __init__(
        self, connection: http.client.HTTPConnection, server: RunningServer, index_dir: Path, root: Path
    ) -> None:
        self._connection = connection
        self._server = server
        self._place = {"index": path_digest(index_dir), "root": path_digest(root)}

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self._server.pid

    @property
    def url(self) -> str:
        """Of the server."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"http://{host}:{self._server.port}/"

    def new_link(self) -> str:
        """The path of a link that opens the page once.

        Raises:
            ServerGoneError: as of all that follow.
        """
        return str(self._ask("/local/link")["path"])

    def search(self, query: str, **arguments: Any) -> list[Hit]:
        """As :meth:`Index.search`."""
        return self._hits("/local/search", {"query": query, **arguments})

    def similar(self, item: str, **arguments: Any) -> list[Hit]:
        """As :meth:`Index.similar`, of a document in the index."""
        return self._hits("/local/similar", {"item": item, **arguments})

    def lines(self, asked: Sequence[tuple[str, int, int]]) -> list[list[tuple[int, str]]]:
        """As :meth:`Index.lines`, of several documents: each with its id and the first and last line."""
        answer = self._ask("/local/lines", asked=[list(item) for item in asked])
        return [[(int(number), str(line)) for number, line in lines] for lines in answer["lines"]]

    def sync(
        self,
        below: str,
        *,
        checksum: bool = False,
        options: dict[str, bool] | None = None,
        progress: Callable[[dict[str, int]], None] | None = None,
        cancel: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any] | None:
        """As :meth:`Folder.sync`; the fields of its report. ``None``: it was cancelled here, and goes on there."""
        response = self._open("/local/sync", below=below, checksum=checksum, options=options)
        try:
            while line := response.readline():
                message = json.loads(line)
                if "error" in message:
                    raise ServerGoneError(str(message["error"]))
                if "report" in message:
                    report = dict(message["report"])
                    response.read()
                    return {**report, "skipped": tuple(Skipped(**item) for item in report["skipped"])}
                if cancel():
                    self.close()
                    return None
                if progress is not None and message["progress"] is not None:
                    progress(message["progress"])
        except _GONE as error:
            raise ServerGoneError(str(error)) from error
        raise ServerGoneError("the answer was cut off")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _hits(self, path: str, arguments: dict[str, Any]) -> list[Hit]:
        answer = self._ask(path, arguments=to_wire(arguments))
        try:
            return [_hit(fields) for fields in answer["hits"]]
        except _GONE as error:
            raise ServerGoneError(str(error)) from error

    def _ask(self, path: str, **fields: Any) -> dict[str, Any]:
        response = self._open(path, **fields)
        try:
            return dict(json.loads(response.read()))
        except _GONE as error:
            raise ServerGoneError(str(error)) from error

    def _open(self, path: str, **fields: Any) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._server.token}"}
        try:
            # The server proved itself on this very connection; a new one could lead to somebody else.
            assert self._connection.sock is not None
            self._connection.request("POST", path, json.dumps({**self._place, **fields}).encode(), headers)
            response = self._connection.getresponse()
            if response.status != 200:
                raise ServerGoneError(response.read(2000).decode("utf-8", "replace"))
        except (*_GONE, AssertionError) as error:
            raise ServerGoneError(str(error)) from error
        return response


def connected(index_dir: Path, root: Path) -> Client | None:
    """A connection to the server that has an index open; ``None``: there is none, or what is there is none.

    Args:
        root: the folder that the index is asked about; a server that has it open for another one answers nothing.
    """
    server = announced(index_dir)
    if server is None:
        return None
    connection = http.client.HTTPConnection(server.host, server.port, timeout=_CONNECT_SECONDS)
    connection.auto_open = 0
    try:
        connection.connect()
        nonce = os.urandom(24).hex()
        body = json.dumps({"nonce": nonce}).encode()
        connection.request("POST", "/local/proof", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read(2000))
        if answer["proof"] == _expected(server, nonce) and connection.sock is not None:
            connection.sock.settimeout(_ANSWER_SECONDS)
            return Client(connection, server, index_dir, root)
    except _GONE:
        pass
    connection.close()
    return None


def _expected(server: RunningServer, nonce: str) -> str:
    return proof(server.token, nonce, server.host, server.port)


def _hit(fields: dict[str, Any]) -> Hit:
    """A hit as it was before it was sent."""
    passages = tuple(
        Passage(**{**passage, "marks": tuple((a, b) for a, b in passage["marks"])}) for passage in fields["passages"]
    )
    tuples = {name: tuple(fields[name]) for name in ("matched", "copies")}
    return Hit(**{**fields, **tuples, "passages": passages})
