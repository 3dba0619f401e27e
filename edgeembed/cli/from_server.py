"""A folder that a running server has open: commands ask it, and need no model of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from ..errors import EdgeEmbedError, path_error
from . import messages
from .options import INTERRUPTED, IndexOptions, end_if_cancelled, index_dir_of, work

if TYPE_CHECKING:
    from ..server.client import Client
    from ..sync.report import SyncReport
    from .place import Place


class NotAnsweredError(Exception):
    """The server cannot answer this; the command does its work itself."""


class RemoteFolder:
    """What commands want of ``Folder``, answered by a server.

    Raises:
        NotAnsweredError: from every method.
    """

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._place = place

    def search(self, query: Any, **arguments: Any) -> list[Any]:
        """As :meth:`Folder.search`, with words."""
        with _translated():
            return self._client.search(query, **arguments)

    def similar(self, file: str, **arguments: Any) -> list[Any]:
        """As :meth:`Folder.similar`, with a file in the folder."""
        resolved, root = Path(file).resolve(), self._place.root.resolve()
        if not resolved.is_relative_to(root):
            raise NotAnsweredError
        with _translated():
            return self._client.similar(resolved.relative_to(root).as_posix(), **arguments)

    def lines(self, id: str, first: int, last: int) -> Sequence[tuple[int | None, str]]:
        """As :meth:`Index.lines`."""
        with _translated():
            (lines,) = self._client.lines([(id, first, last)])
        return lines

    def sync(self, *, checksum: bool = False, options: dict[str, bool] | None = None) -> SyncReport:
        """As :meth:`Folder.sync`, of the place that was named, with a bar; Ctrl-C leaves the server to its work."""
        with _translated(), work() as (progress, cancel):
            report = self._client.sync(
                self._place.below,
                checksum=checksum,
                options=options,
                progress=None if progress is None else lambda step: progress(SimpleNamespace(**step)),
                cancel=cancel,
            )
        if report is None:
            messages.note("interrupted; the server goes on with it")
            raise click.exceptions.Exit(INTERRUPTED)
        return _report(report)


@contextmanager
def served(place: Place, options: IndexOptions) -> Iterator[RemoteFolder | None]:
    """The folder of a running server; ``None``: there is none, or another model is wanted than that of the index."""
    if (options.model, options.image_model, options.threads) != (None, None, None):
        yield None
        return
    from ..server.client import connected

    client = connected(index_dir_of(place, options), place.root)
    if client is None:
        yield None
        return
    with closing(client):
        yield RemoteFolder(client, place)


def sync_by_server(folder: RemoteFolder, place: Place) -> None:
    """Bring the index up to date before a search, and say what was done, as without a server."""
    report = folder.sync()
    messages.report_sync(report, quiet_if_idle=True, place=place)
    messages.name_own_indexes(report.skipped, place)
    end_if_cancelled(report)


def refuse_if_served(index_dir: Path, command: str) -> None:
    """End a command that wants an index for itself, with what to stop.

    Raises:
        EdgeEmbedError: a server has it open.
    """
    from ..server.client import connected

    client = connected(index_dir, index_dir.parent)
    if client is not None:
        with closing(client):
            pid = client.pid
        reason = f"`edgeembed serve` (process {pid}) has this index open; end it with Ctrl-C or `kill {pid}`, then"
        raise path_error(index_dir, EdgeEmbedError, f"{reason} `edgeembed {command}` again")


@contextmanager
def _translated() -> Iterator[None]:
    from ..server.client import ServerGoneError
    from ..server.wire import NotOnWireError

    try:
        yield
    except (ServerGoneError, NotOnWireError) as error:
        raise NotAnsweredError(str(error)) from error


def _report(fields: dict[str, Any]) -> SyncReport:
    from ..sync.report import SyncReport

    try:
        return SyncReport(**fields)
    except TypeError as error:
        raise NotAnsweredError(str(error)) from error
