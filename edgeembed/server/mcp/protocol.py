"""The tools in the protocol, by the official SDK: over stdio, and as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import EdgeEmbedError
from ...output.json_lines import json_line
from .tools import TOOLS, Tools

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from starlette.types import Receive, Scope, Send

    from ..library import Library

_log = logging.getLogger(__name__)
_INSTRUCTIONS = (
    "Search of the user's own files and photos, on their own machine. `search` finds, `fetch` reads what was found, "
    "`similar` finds more of it. Nothing can be changed."
)


def make_server(library: Library) -> Server[Any]:
    """The server of the SDK, with the tools of a library."""
    import anyio.to_thread
    import mcp_types as types
    from mcp.server.lowlevel import Server

    tools = Tools(library)
    read_only = types.ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    listed = [
        types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=dict(tool.input),
            output_schema=dict(tool.output),
            annotations=read_only,
        )
        for tool in TOOLS
    ]

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            answer = await anyio.to_thread.run_sync(tools.call, params.name, params.arguments)
        except (ValueError, TypeError, LookupError, OverflowError, EdgeEmbedError, OSError) as error:
            _log.info("%s: %s", params.name, error)
            return types.CallToolResult(content=[types.TextContent(type="text", text=str(error))], is_error=True)
        text = json_line(answer)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text)], structured_content=_reread(text)
        )

    return Server(
        "edgeembed", version=__version__, instructions=_INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def _reread(text: str) -> Any:
    """The very JSON of a text: what could not be written in it is as it was written."""
    import json

    return json.loads(text)


def run_stdio(open_library: Callable[[], Library]) -> None:
    """Answer on standard input and output until the input ends.

    From the first moment on standard output is the protocol's: the SDK leads descriptor 1 to standard error, so that
    what native libraries and child processes print there is not in its way.

    Args:
        open_library: called after that; closed at the end.
    """
    import anyio
    from mcp.server.stdio import stdio_server

    async def run() -> None:
        async with stdio_server() as (read_stream, write_stream):
            library = open_library()
            try:
                server = make_server(library)
                await server.run(read_stream, write_stream, server.create_initialization_options())
            finally:
                library.close()

    anyio.run(run)


class McpApp:
    """``/mcp`` over streamable HTTP, as an ASGI application; the SDK is loaded when somebody asks for it first."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._manager: Any = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the revision of 2026-07-28 has no sessions."""
        async with self._starting:
            if self._task is None:
                await self._start()
        await self._manager.handle_request(scope, receive, send)

    async def _start(self) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        # Host and Origin were checked before.
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._manager = StreamableHTTPSessionManager(
            make_server(self._library), json_response=True, stateless=True, security_settings=security
        )
        is_ready = asyncio.Event()

        async def run() -> None:
            async with self._manager.run():
                is_ready.set()
                await asyncio.Event().wait()

        self._task = asyncio.create_task(run())
        await is_ready.wait()

    async def close(self) -> None:
        """End what is going on."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
