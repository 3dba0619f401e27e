"""The Model Context Protocol: by the SDK's own client over both transports, and in raw lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import edge
from tests.support.server import Server, serving

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

COMMAND = "from edgeembed.cli.main import main; main()"
VERSIONS = ["2025-06-18", "2025-11-25"]
NEWEST = "2026-07-28"


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("files") / "notes"
    folder.mkdir()
    (folder / "tomatoes.md").write_text("# Tomatoes\n\nsow the tomato seedlings in the garden\n\nwater them\n")
    (folder / "boat.md").write_text("the boat leaves the harbour at dawn\n")
    assert edge("index", folder, "--model", tiny_bundle).returncode == 0
    return folder


@pytest.fixture(scope="module")
def server(notes: Path) -> Iterator[Server]:
    pytest.importorskip("uvicorn", reason="the extra serve is not installed")
    with serving(notes) as server:
        yield server


def check_answer(result: Any) -> dict[str, Any]:
    """What a tool answered: JSON, and the same as text."""
    assert not result.is_error, result.content
    (content,) = result.content
    assert json.loads(content.text) == result.structured_content
    return dict(result.structured_content)


async def use_every_tool(client: Any, folder: Path) -> None:
    assert client.protocol_version == NEWEST
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search", "fetch", "similar", "status"}
    assert all(tool.annotations.read_only_hint for tool in tools.values())
    assert all(tool.input_schema["type"] == "object" and tool.output_schema for tool in tools.values())
    hits = check_answer(await client.call_tool("search", {"query": "tomato seedlings", "min_score": None}))["hits"]
    assert hits[0]["path"] == str(folder / "tomatoes.md")
    id = hits[0]["document"]
    text = check_answer(await client.call_tool("fetch", {"document": id}))["text"]
    assert text == "# Tomatoes\n\nsow the tomato seedlings in the garden\n\nwater them"
    part = check_answer(await client.call_tool("fetch", {"document": id, "first_line": 3, "last_line": 3}))
    assert (part["text"], part["first_line"]) == ("sow the tomato seedlings in the garden\n", 3)
    like = check_answer(await client.call_tool("similar", {"document": id}))["hits"]
    assert [hit["path"] for hit in like] == [str(folder / "boat.md")]
    (status,) = check_answer(await client.call_tool("status", {}))["folders"]
    assert status["documents"] == 2
    for name, arguments in (
        ("search", {}),
        ("search", {"query": "x", "path": "/etc"}),
        ("fetch", {"document": "../../etc/passwd"}),
        ("fetch", {"document": id, "page": 3}),
        ("similar", {"document": "made up"}),
    ):
        result = await client.call_tool(name, arguments)
        assert result.is_error
        assert result.content[0].text


def test_the_sdks_client_uses_every_tool_over_stdio(notes: Path) -> None:
    async def run() -> None:
        parameters = mcp.StdioServerParameters(
            command=sys.executable, args=["-c", COMMAND, "mcp", str(notes)], env=dict(os.environ)
        )
        async with mcp.Client(parameters) as client:
            await use_every_tool(client, notes)

    asyncio.run(run())


def test_the_sdks_client_uses_every_tool_over_http(notes: Path, server: Server) -> None:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async def run() -> None:
        http = create_mcp_http_client(headers={"Authorization": f"Bearer {server.token}"})
        async with http, mcp.Client(streamable_http_client(f"{server.url}mcp", http_client=http)) as client:
            await use_every_tool(client, notes)

    asyncio.run(run())


def test_foreign_origins_and_who_has_no_token_are_refused(server: Server) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert server.post("/mcp", body, headers={"Origin": "http://evil.example"}).status == 403
    assert server.post("/mcp", body, token=False).status == 401


def exchange(folder: Path, script: list[dict[str, Any]]) -> dict[int, Any]:
    """What the server on standard input answers to lines, by their ids; it ends when they end."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "mcp", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        answers: dict[int, Any] = {}
        for message in script:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                answer = json.loads(process.stdout.readline())
                answers[answer["id"]] = answer
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    return answers


CALLS: list[dict[str, Any]] = [
    {"id": 2, "method": "tools/list", "params": {}},
    {"id": 3, "method": "tools/call", "params": {"name": "search", "arguments": {"query": "boat", "k": 1}}},
    {"id": 4, "method": "tools/call", "params": {"name": "remove", "arguments": {}}},
    {"id": 5, "method": "no/such/method", "params": {}},
]


def check_calls(answers: dict[int, Any], folder: Path) -> None:
    assert {tool["name"] for tool in answers[2]["result"]["tools"]} == {"search", "fetch", "similar", "status"}
    result = answers[3]["result"]
    assert result["structuredContent"]["hits"][0]["path"] == str(folder / "boat.md")
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert answers[4]["result"]["isError"]
    assert answers[5]["error"]["code"] == -32601


@pytest.mark.parametrize("version", VERSIONS)
def test_raw_lines_with_a_handshake(notes: Path, version: str) -> None:
    hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    first = [{"id": 1, "method": "initialize", "params": hello}, {"method": "notifications/initialized"}]
    answers = exchange(notes, [*first, *CALLS])
    assert answers[1]["result"]["protocolVersion"] == version
    assert answers[1]["result"]["serverInfo"]["name"] == "edgeembed"
    check_calls(answers, notes)


def test_raw_lines_of_the_revision_without_a_handshake(notes: Path) -> None:
    prefix = "io.modelcontextprotocol/"
    meta = {
        f"{prefix}protocolVersion": NEWEST,
        f"{prefix}clientInfo": {"name": "raw", "version": "1"},
        f"{prefix}clientCapabilities": {},
    }
    script = [{"id": 1, "method": "server/discover", "params": {}}, *CALLS]
    answers = exchange(notes, [{**call, "params": {**call["params"], "_meta": meta}} for call in script])
    assert NEWEST in answers[1]["result"]["supportedVersions"]
    check_calls(answers, notes)


def test_what_native_code_prints_is_no_protocol(notes: Path) -> None:
    noisy = (
        "import os, threading, time\n"
        "def noise():\n"
        "    while True:\n"
        "        os.write(1, b'noise of a library\\n'); time.sleep(0.01)\n"
        "from edgeembed.server.mcp import protocol\n"
        "made = protocol.make_server\n"
        "def make(library):\n"
        "    threading.Thread(target=noise, daemon=True).start(); time.sleep(0.1)\n"
        "    return made(library)\n"
        "protocol.make_server = make\n"
    )
    hello = {"protocolVersion": VERSIONS[0], "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}) + "\n"
    run = subprocess.run(
        [sys.executable, "-c", noisy + COMMAND, "mcp", str(notes)], input=line, text=True, capture_output=True
    )
    (answer,) = run.stdout.splitlines()
    assert json.loads(answer)["id"] == 1
    assert "noise of a library" in run.stderr


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    run = edge("mcp", tmp_path / "nowhere")
    assert run.returncode == 2
    assert run.stdout == ""
    assert "no such folder" in run.stderr
