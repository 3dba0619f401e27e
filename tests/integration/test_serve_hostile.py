"""What a server refuses and bounds, while it goes on answering others."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import edge
from tests.support.server import Answer, Server, serving

pytest.importorskip("uvicorn", reason="the extra serve is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("files") / "notes"
    folder.mkdir()
    (folder / "boat.md").write_text("the boat leaves the harbour at dawn\n")
    (folder.parent / "secret.md").write_text("secret\n")
    assert edge("index", folder, "--model", tiny_bundle).returncode == 0
    with serving(folder) as server:
        yield server


def raw(server: Server, data: bytes, *, seconds: float = 30) -> bytes:
    """What a server answers to bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        received = b""
        with contextlib.suppress(OSError):
            while block := connection.recv(65536):
                received += block
        return received


def reason(answer: Answer) -> str:
    record = answer.json
    assert set(record) >= {"error", "path", "reason"}
    return str(record["reason"])


HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost.evil.example:{port}",
    "",
    "[::1]",
]


@pytest.mark.parametrize(
    "host", [*HOSTS, "0.0.0.0:{port}", "127.0.0.1:{port}x", "127.0.0.2:{port}", "a@127.0.0.1:{port}"]
)
@pytest.mark.parametrize("path", ["/api/status", "/", "/open?key=x", "/static/app.js", "/local/proof"])
def test_another_host_is_refused_before_anything_else(server: Server, host: str, path: str) -> None:
    answer = server.get(path, headers={"Host": host.format(port=server.port)})
    assert answer.status == 421
    assert "Host header" in reason(answer)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert server.get("/api/status", headers={"Host": host.format(port=server.port)}).status == 200


def test_two_hosts_are_none(server: Server) -> None:
    head = f"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: evil.example\r\n"
    answer = raw(server, f"{head}Authorization: Bearer {server.token}\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://localhost:{port}"],
)
def test_pages_of_other_origins_are_refused(server: Server, origin: str) -> None:
    answer = server.post("/api/search", {"query": "boat"}, headers={"Origin": origin.format(port=server.port)})
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_its_own_is_answered(server: Server) -> None:
    headers = {"Origin": f"http://127.0.0.1:{server.port}"}
    assert server.post("/api/search", {"query": "boat"}, headers=headers).status == 200


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic {token}", "{token}", "Bearer {token}x", "Bearer ä"])
@pytest.mark.parametrize(
    "path", ["/api/status", "/api/openapi.json", "/local/link", "/v1/models", "/mcp", "/api/documents/x"]
)
def test_without_the_token_nothing_is_told(server: Server, token: str, path: str) -> None:
    value = token.format(token=server.token).encode("utf-8").decode("latin-1")
    answer = server.get(path, token=False, headers={"Authorization": value})
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert b"boat" not in answer.body


@pytest.mark.parametrize(
    "id", ["x", "..", "../../secret.md", "%2e%2e%2fsecret.md", "..%2f..%2fsecret.md", "boat.md", "A" * 27]
)
@pytest.mark.parametrize("path", ["/api/documents/{}", "/static/{}"])
def test_ids_that_were_made_up_and_paths_are_of_nothing(server: Server, path: str, id: str) -> None:
    answer = server.get(path.format(id))
    assert answer.status == 404
    assert b"secret" not in answer.body.lower().replace(b"secret.md", b"")


def test_an_id_of_an_answer_is_of_its_document_alone(server: Server) -> None:
    id = server.search("boat", min_score=None)[0]["document"]
    document = server.get(f"/api/documents/{id}").json
    assert document["text"] == "the boat leaves the harbour at dawn"
    altered = id[:-1] + ("A" if id[-1] != "A" else "E")
    assert server.get(f"/api/documents/{altered}").status == 404


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/api/search", {"query": "boat", "path": "/etc/passwd"}, "path: is not known"),
        ("/api/search", {}, "query: is missing"),
        ("/api/search", [], "must be object"),
        ("/api/search", {"query": "boat", "folders": ["elsewhere"]}, "is not served here"),
        ("/api/search", {"query": "boat", "like": ["made up"]}, "no document has this id"),
        ("/api/search", {"query": "boat", "mode": "vector", "near": [999, 0, 1]}, "near"),
        ("/api/search", {"query": "boat", "since": "9999-12-31", "until": "0001-01-01"}, ""),
        ("/api/similar", {"document": "made up"}, "no document has this id"),
        ("/api/similar", {"document": "x", "query": "boat"}, "query: is not known"),
        ("/api/sync", {"folders": ["elsewhere"]}, "is not served here"),
        ("/api/search", b"{", "the body is no JSON"),
        ("/api/search", b"[" * 100_000, "the body is no JSON"),
        ("/api/search", b"\xff\xfe", "the body is no JSON"),
    ],
)
def test_what_is_not_understood_is_said(server: Server, path: str, body: Any, wanted: str) -> None:
    answer = server.request("POST", path, body, headers={"Content-Type": "application/json"})
    assert answer.status in (200, 400, 404)
    if wanted:
        assert answer.status != 200
        assert wanted in reason(answer)


def test_forms_of_other_pages_are_no_json(server: Server) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = server.request("POST", "/api/search", json.dumps({"query": "boat"}).encode(), headers=headers)
    assert answer.status == 400
    assert "Content-Type" in reason(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/search", 405), ("PUT", "/api/status", 405), ("GET", "/x", 404)]
)
def test_wrong_addresses_and_methods_are_objects_too(server: Server, method: str, path: str, status: int) -> None:
    answer = server.request(method, path)
    assert answer.status == status
    assert reason(answer)


def head(server: Server, path: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Authorization: Bearer {server.token}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *more, "", ""]).encode()


@pytest.mark.parametrize("path", ["/api/search", "/v1/embeddings", "/local/search"])
def test_a_body_of_a_hundred_megabytes_is_refused_at_once(server: Server, path: str) -> None:
    answer = raw(server, head(server, path, "Content-Length: 104857600"))
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert server.get("/api/status").status == 200


def test_a_body_without_a_length_is_counted(server: Server) -> None:
    block = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = raw(server, head(server, "/api/search", "Transfer-Encoding: chunked") + block * 40)
    assert answer == b"" or b" 413 " in answer.split(b"\r\n")[0]  # the reset may overtake the answer
    assert server.get("/api/status").status == 200


def test_a_head_without_end_is_refused(server: Server) -> None:
    raw(server, b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000)
    assert server.get("/api/status").status == 200


def test_two_hundred_connections_that_send_nothing_hold_up_nobody(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30)) for _ in range(200)
        ]
        begun = time.monotonic()
        for _ in range(5):
            assert server.search("boat", min_score=None)
        assert time.monotonic() - begun < 5
        idle[-1].sendall(b"GET / HT")  # a slow one gets no more time
        for connection in idle:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        assert time.monotonic() - begun < 20
    assert server.search("boat", min_score=None)


def test_a_body_that_goes_on_after_the_refusal_gets_no_time(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        lines = ["POST /api/search HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Content-Length: 1000", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        assert b" 401 " in connection.recv(65536)
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.2)
        assert time.monotonic() - begun < 12


def test_a_connection_is_used_again_after_a_refusal(server: Server) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        for authorization, status in (("Bearer x", 401), (f"Bearer {server.token}", 200)) * 2:
            headers = {"Content-Type": "application/json", "Authorization": authorization}
            connection.request("POST", "/api/search", b'{"query": "boat"}', headers)
            response = connection.getresponse()
            response.read()
            assert response.status == status


def test_every_answer_says_how_browsers_are_to_take_it(server: Server) -> None:
    for path in ("/api/status", "/", "/nothing"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def cookie_of(server: Server) -> str:
    """The cookie of the page, by a new link."""
    path = server.post("/local/link", {"index": ""}).json["path"]
    answer = server.get(path, token=False)
    assert answer.status == 200
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert server.get(path, token=False).status == 403, "a link opens the page once"
    return answer.headers["set-cookie"].split(";")[0]


def test_a_link_opens_the_page_once(server: Server) -> None:
    cookie = cookie_of(server)
    own = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{server.port}"}
    assert server.get("/", token=False, headers={"Cookie": cookie}).status == 200
    assert server.get("/", token=False).status == 401
    assert server.get("/api/status", token=False, headers={"Cookie": cookie}).status == 200
    assert server.post("/api/search", {"query": "boat"}, token=False, headers=own).status == 200


def test_a_cookie_alone_does_nothing_for_other_pages(server: Server) -> None:
    cookie = cookie_of(server)
    body = {"query": "boat"}
    assert server.post("/api/search", body, token=False, headers={"Cookie": cookie}).status == 403
    for site in ("cross-site", "same-site"):
        headers = {"Cookie": cookie, "Sec-Fetch-Site": site}
        assert server.get("/api/status", token=False, headers=headers).status == 401
    own = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{server.port}"}
    assert server.post("/local/link", {}, token=False, headers=own).status == 401
    wrong = {"Cookie": cookie[:-1], "Origin": own["Origin"]}
    assert server.post("/api/search", body, token=False, headers=wrong).status == 401


@pytest.mark.parametrize("nonce", [None, 5, "", "short", "x" * 129])
def test_a_proof_is_of_a_question_of_some_length(server: Server, nonce: object) -> None:
    assert server.post("/local/proof", {"nonce": nonce}, token=False).status == 400
    assert server.post("/local/proof", [], token=False).status == 400


@pytest.mark.parametrize("body", [{}, [], {"index": "x"}, {"index": "x", "arguments": {}}])
@pytest.mark.parametrize("name", ["search", "similar", "lines", "sync"])
def test_commands_that_ask_wrongly_get_an_error(server: Server, name: str, body: Any) -> None:
    assert server.post(f"/local/{name}", body).status in (400, 404)
