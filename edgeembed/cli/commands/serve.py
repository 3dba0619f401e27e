"""The commands that stay: ``serve`` and ``mcp``."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import EdgeEmbedError, path_error
from .. import messages
from ..options import (
    IndexOptions,
    ask_if_huge,
    check_extra,
    folders_argument,
    index_dir_of,
    index_options,
    open_to_search,
)
from ..place import Place, find_places

if TYPE_CHECKING:
    from ...server.serve import Address
    from ...server.served_folder import ServedFolder
    from ...watching.reports import Batch, Notice


@click.command()
@folders_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="0: any free one.  [default: 8737, or any free one if that is taken]",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; others open it to a network."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--token",
    envvar="EDGEEMBED_TOKEN",
    help="What programs must send, at least 16 characters; also EDGEEMBED_TOKEN.  [default: made at each start]",
)
@click.option("--watch/--no-watch", "watches", default=True, help="Whether changed files are taken in as they change.")
@index_options
def serve(
    folders: Sequence[str],
    port: int | None,
    host: str,
    opens: bool,
    token: str | None,
    watches: bool,
    options: IndexOptions,
) -> None:
    """Answer for one or more FOLDERs (the current folder unless given) until it is ended, with a page to search them.

    Models and indexes are opened once, and every search is answered at once. `edgeembed search` in these folders asks
    this server by itself. Nothing but this machine can reach it, unless --host says so, and nobody without the token.
    """
    from ...server.serve import MIN_TOKEN, new_token, open_socket

    if token is not None and len(token) < MIN_TOKEN:
        raise ValueError(f"--token must have at least {MIN_TOKEN} characters, not {len(token)}")
    check_extra("serve", ("starlette", "uvicorn"))
    places = find_places(folders, options.index)
    if _is_served(places, options, opens=opens):
        return
    _say_if_open(host)
    with ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(open_socket(host, port)))
        served = list(_opened(places, options, stack))
        _serve(served, listener, host, token or new_token(), opens=opens, watches=watches)
    messages.note("ended")


@click.command()
@folders_argument
@index_options
def mcp(folders: Sequence[str], options: IndexOptions) -> None:
    """Let an agent or an editor search FOLDERs (the current folder unless given) by the Model Context Protocol.

    It is started by them, speaks over standard input and output, and ends when the input ends. It can search and read,
    and change nothing.
    """
    check_extra("mcp", ("mcp",))
    from ...server.document_ids import DocumentIds, id_key
    from ...server.library import Library
    from ...server.mcp.protocol import run_stdio

    places = find_places(folders, options.index)

    def open_library() -> Library:
        with ExitStack() as stack:
            library = Library(list(_opened(places, options, stack)), DocumentIds(id_key()))
            stack.pop_all()  # closed by whoever got it
        for folder in library.folders:
            folder.warm_up()
            folder.sync_soon(at_once=True)
        return library

    run_stdio(open_library)


def _is_served(places: Sequence[Place], options: IndexOptions, *, opens: bool) -> bool:
    """Whether a server has all these folders open already, whose page is opened if that is wanted.

    Raises:
        EdgeEmbedError: one has some of them open, or the page is not wanted.
    """
    from ...server.client import connected

    running = {place.typed: connected(index_dir_of(place, options), place.root) for place in places}
    try:
        servers = [server for server in running.values() if server is not None]
        if not servers:
            return False
        if opens and len(servers) == len(places) and len({server.url for server in servers}) == 1:
            _open_page(servers[0].url + servers[0].new_link().lstrip("/"))
            click.echo(servers[0].url)
            return True
        name, server = next((name, server) for name, server in running.items() if server is not None)
        reason = f"is served already at {server.url} by process {server.pid}; `edgeembed serve --open {name}` opens it"
        raise path_error(name, EdgeEmbedError, reason)
    finally:
        for client in running.values():
            if client is not None:
                client.close()


def _opened(places: Sequence[Place], options: IndexOptions, stack: ExitStack) -> Iterator[ServedFolder]:
    """Each folder once, opened, with a name of its own."""
    from ...server.served_folder import ServedFolder

    names: dict[str, int] = {}
    opened: dict[Path, ServedFolder] = {}
    for place in places:
        name = messages.printable(place.folder.resolve().name or "/")
        names[name] = names.get(name, 0) + 1
        shown, root = name if names[name] == 1 else f"{name} ({names[name]})", place.root.resolve()
        if root in opened:
            yield opened[root].part(shown, place.below)
            continue
        ask_if_huge(place, options)
        folder = open_to_search(place, options)
        stack.callback(folder.close)
        own = options.model is None and options.image_model is None
        opened[root] = ServedFolder(shown, folder, place.below, has_own_models=own)
        yield opened[root]


def _say_if_open(host: str) -> None:
    from ...server.http.guard import is_loopback

    if not is_loopback(host):
        messages.note(
            f"{host}: open to the network: whoever can reach this machine and has the token can read what is in these "
            "folders, and what is sent is not encrypted; 127.0.0.1 is for this machine alone"
        )


def _serve(
    served: Sequence[ServedFolder], listener: socket.socket, host: str, token: str, *, opens: bool, watches: bool
) -> None:
    from ...server.serve import serve
    from ...watching.watcher import can_watch

    if watches and not can_watch():
        messages.note("changed files are taken in at searches only; to watch them: pip install 'edgeembed[watch]'")
        watches = False

    def started(address: Address) -> None:
        click.echo(address.url)
        if opens:
            _open_page(address.url + address.link)
        else:
            messages.note(f"open the page once with {address.url}{address.link}")
        messages.note(f"the token for programs is in {address.run_file}; Ctrl-C ends the server")

    serve(served, listener, host=host, token=token, started=started, tell=_tell if watches else None)


def _tell(told: Batch | Notice) -> None:
    """Say what hinders the watching of a folder; what was done is seen on the page."""
    from ...watching.reports import Notice

    if isinstance(told, Notice):
        messages.note(f"{told.folder}: {told.message}")


def _open_page(link: str) -> None:
    """Open a link in the browser of this user, if there is one."""
    import webbrowser

    if not webbrowser.open(link):
        messages.note(f"no browser was found; open {link}")
