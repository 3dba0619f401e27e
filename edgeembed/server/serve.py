"""One process that serves several folders until it is told to end."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import EdgeEmbedError
from ..watching.watcher import Watcher
from .document_ids import DocumentIds, id_key
from .library import Library
from .run_files import RunningServer, announce, withdraw
from .served_folder import ServedFolder

if TYPE_CHECKING:
    from uvicorn import Server

    from ..sync.report import SyncReport
    from ..watching.reports import Tell

DEFAULT_PORT = 8737
MIN_TOKEN = 16
"""Characters; a shorter one could be found by trying, from what a server answers to prove that it knows it."""
_BACKLOG = 128
_END_SECONDS = 5
_TICK_SECONDS = 0.1
_ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@dataclass(frozen=True)
class Address:
    """Where a server is reached."""

    host: str
    port: int
    link: str
    """Opens the page, once."""
    run_file: Path
    """Holds the token; its owner alone can read it."""

    @property
    def url(self) -> str:
        """Of the page and the API."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


def open_socket(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        port: 0: any free one; ``None``: :data:`DEFAULT_PORT` if it is free, else any.

    Raises:
        EdgeEmbedError: it cannot be had.
    """
    for candidate in (DEFAULT_PORT, 0) if port is None else (port,):
        try:
            family, _, _, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, socket.SOCK_STREAM)
            if os.name != "nt":  # there it would let another program take the port as well
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            return listener
        except OSError as error:
            if port is None and candidate:
                continue
            reason = f"{host}:{candidate}: {error.strerror or error}; --port 0 takes any free port"
            raise EdgeEmbedError(reason) from error
    raise AssertionError("unreachable")


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def serve(
    folders: Sequence[ServedFolder],
    listener: socket.socket,
    *,
    host: str,
    token: str,
    started: Callable[[Address], None],
    tell: Tell | None = None,
) -> None:
    """Answer for folders until SIGINT or SIGTERM comes; then end in good order.

    Args:
        folders: closed at the end.
        listener: see :func:`open_socket`.
        host: as it was named.
        token: see :func:`new_token`.
        started: called once requests are answered.
        tell: told what is done as files change; ``None``: folders are not watched.

    Raises:
        ModuleNotFoundError: the extra ``serve`` is not installed.
        EdgeEmbedError: there is no place for the token.
    """
    from .http.app import make_app
    from .http.guard import Session, reached_at

    port = listener.getsockname()[1]
    session, running = Session(token, port), RunningServer(os.getpid(), reached_at(host), port, token)
    with ExitStack() as stack:
        library = Library(folders, DocumentIds(id_key()))
        stack.callback(library.close)
        server = _uvicorn(make_app(library, session, host=host, port=port))
        files = []
        for folder in library.folders:
            files.append(announce(folder.folder.index.path, running))
            stack.callback(withdraw, folder.folder.index.path, running)
        address = Address(reached_at(host), port, f"open?key={session.new_link()}", files[0])
        watcher = None if tell is None else _watcher(library, tell)
        with _ended_by_signals(server):
            _run(server, listener, library, lambda: started(address), watcher)
        if watcher is not None:
            watcher.stop()


def _uvicorn(app: object) -> Server:
    import uvicorn

    from .http.protocol import BoundedProtocol

    class Quiet(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Nothing: uvicorn would raise the signal again once it has ended."""
            yield

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_END_SECONDS,
    )
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # what clients do wrong is theirs
    return Quiet(config)


@contextmanager
def _ended_by_signals(server: Server) -> Iterator[None]:
    """A first signal ends the server in good order, a second one without waiting."""

    def end(number: int, frame: FrameType | None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    names = [name for name in _ENDING_SIGNALS if hasattr(signal, name)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        names.remove("SIGHUP")  # nohup
    numbers = [getattr(signal, name) for name in names]
    before = {}
    with contextlib.suppress(ValueError):  # not the main thread: the caller ends it
        before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Followed:
    """A folder of the server as a watcher wants it."""

    def __init__(self, folder: ServedFolder) -> None:
        self._folder = folder
        self.shown = folder.folder.path
        self.root = folder.root
        self.below = folder.below
        self.index_dir = folder.folder.index.path

    def sync(
        self, *, below: tuple[str, ...], deep: bool, later: Collection[str], cancel: Callable[[], bool]
    ) -> SyncReport:
        """As :meth:`ServedFolder.sync`, which :meth:`ServedFolder.stop` ends."""
        return self._folder.sync(below=below, deep=deep, later=later)

    def reopen(self) -> None:
        """Nothing: the index stays open."""


def _watcher(library: Library, tell: Tell) -> Watcher:
    folders = [folder for folder in library.folders if not folder.folder.index.read_only]
    return Watcher([_Followed(folder) for folder in folders], tell)


def _run(
    server: Server, listener: socket.socket, library: Library, started: Callable[[], None], watcher: Watcher | None
) -> None:
    import asyncio

    async def run() -> None:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if server.started:
            started()
            for folder in library.folders:
                folder.warm_up()
                if watcher is None:
                    folder.sync_soon(at_once=True)
            if watcher is not None:
                watcher.start()  # it begins with a look at everything
        while not server.should_exit and not serving.done():
            await asyncio.sleep(_TICK_SECONDS)
        if watcher is not None:
            watcher.end_soon()
        for folder in library.folders:
            folder.stop()  # before open requests are waited for: they may wait for this
        await serving

    asyncio.run(run())
