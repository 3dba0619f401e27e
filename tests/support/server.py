"""A server of edgeembed in a process of its own, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_STARTUP_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], url: str, link: str, run_file: Path, notes: str) -> None:
        self.process = process
        self.url = url
        self.link = link
        self.run_file = run_file
        self.notes = notes
        """What it said on stderr before it answered."""
        self.port = int(urlsplit(url).port or 0)
        self.token = str(json.loads(run_file.read_bytes())["token"])

    def request(
        self, method: str, path: str, body: Any = None, *, token: bool = True, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask something, with the token unless told otherwise."""
        own = {"Authorization": f"Bearer {self.token}"} if token else {}
        data = body
        if body is not None and not isinstance(body, bytes):
            data, own["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, {**own, **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Answer:
        """``GET``."""
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        """``POST`` of JSON."""
        return self.request("POST", path, body, **more)

    def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        """Hits of ``/api/search``."""
        answer = self.post("/api/search", {"query": query, **fields})
        assert answer.status == 200, answer.body
        hits: list[dict[str, Any]] = answer.json["hits"]
        return hits

    def sync(self) -> None:
        """Bring all up to date."""
        assert self.post("/api/sync", {"wait": True}).status == 200

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def serving(*arguments: object, **env: str) -> Iterator[Server]:
    """``edgeembed serve`` with arguments, at any free port."""
    command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    timer = threading.Timer(_STARTUP_SECONDS, process.kill)
    timer.start()
    try:
        notes: list[str] = []
        url = process.stdout.readline().strip()
        while url and not any("the token for programs" in note for note in notes):
            notes.append(process.stderr.readline())
        assert url.startswith("http://"), process.stderr.read()
        timer.cancel()
        link = next((note.split()[-1] for note in notes if "/open?key=" in note), "")
        run_file = next(note for note in notes if "the token for programs" in note).split(" is in ")[1].split(";")[0]
        yield Server(process, url, link, Path(run_file), "".join(notes))
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
