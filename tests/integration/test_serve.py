"""`edgeembed serve`: started, asked by the command line, ended."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import EdgeEmbedError
from tests.support.commands import Run, edge
from tests.support.server import Server, serving

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("starlette", reason="the extra serve is not installed")


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("files") / "notes"
    (folder / "garden").mkdir(parents=True)
    (folder / "garden" / "tomatoes.md").write_text("# Tomatoes\n\nsow the tomato seedlings in the garden\n")
    (folder / "boat.md").write_text("the boat leaves the harbour at dawn\n")
    (folder / "invoice.txt").write_text("an invoice for painting the fence\n")
    assert edge("index", folder, "--model", tiny_bundle).returncode == 0
    return folder


@pytest.fixture(scope="module")
def server(notes: Path) -> Iterator[Server]:
    with serving(notes) as server:
        yield server


QUERIES = (
    ["search", "tomato seedlings"],
    ["search", "the garden", "-k", "2", "--full"],
    ["search", "boat", "--context", "1", "--min-score", "0"],
    ["search", "harbour", "--kind", "text", "--since", "2001-01-01", "--min-size", "1"],
    ["search", "tomato", "--path", "garden/**", "--mode", "keyword"],
    ["search", "fence", "--plus", "boat", "--minus", "2:garden", "--exact", "--no-sync"],
    ["search", '"painting the fence" -boat'],
    ["search", "zzzz qqqq xxxx"],
)


@pytest.mark.parametrize("as_json", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["json", "text"])
def test_commands_say_the_same_with_a_server_and_without(notes: Path, as_json: bool) -> None:
    commands = [*([*query[:2], notes, *query[2:]] for query in QUERIES), ["similar", notes / "boat.md", notes]]
    commands += [["search", "tomato", notes / "garden"], ["search", "tomato", notes / "garden" / "tomatoes.md"]]
    commands = [[*command, "--json"] if as_json else command for command in commands]

    def answers() -> list[tuple[int, str, str]]:
        runs = [edge(*command) for command in commands]
        return [(run.returncode, run.stdout, run.stderr) for run in runs]

    alone = answers()
    with serving(notes) as server:
        served = answers()
        assert server.end() == 0
    assert served == alone
    assert [status for status, _, _ in alone].count(0) > 6


def test_a_search_by_a_server_loads_no_model(notes: Path, server: Server) -> None:
    code = (
        "import sys; from edgeembed.cli.main import cli\n"
        f"cli(['search', 'tomato', {str(notes)!r}, '--json'], standalone_mode=False)\n"
        "print([name for name in ('numpy', 'onnxruntime', 'tokenizers') if name in sys.modules])"
    )
    run = python(code)
    assert run.returncode == 0, run.stderr
    hit, loaded = run.stdout.splitlines()
    assert json.loads(hit)["path"].endswith("tomatoes.md")
    assert loaded == "[]"


def python(code: str) -> Run:
    import subprocess

    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)


def test_what_changed_is_found_through_the_server(tmp_path: Path, notes: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes", ignore=shutil.ignore_patterns(".edgeembed"))
    with serving(folder, "--no-watch") as server:
        server.sync()
        (folder / "new.md").write_text("a saddle for the horse\n")
        run = edge("search", "saddle", folder, "--json")
        assert json.loads(run.stdout.splitlines()[0])["path"].endswith("new.md")
        assert "1 new; 4 files in the index" in run.stderr
        (folder / "new.md").unlink()
        run = edge("index", folder)
        assert "1 removed; 3 files in the index" in run.stderr
        assert server.search("saddle", min_score=None, mode="keyword") == []


def test_the_token_is_for_its_owner_alone(server: Server) -> None:
    assert stat.S_IMODE(server.run_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.run_file.parent.stat().st_mode) == 0o700
    assert len(server.token) >= 32


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_a_signal_ends_it_and_leaves_nothing(notes: Path, tmp_path: Path, number: int) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    with serving(folder) as server:
        assert server.run_file.exists()
        assert server.end(number) == 0
        assert not server.run_file.exists()


def test_a_folder_is_served_once(notes: Path, server: Server) -> None:
    run = edge("serve", notes, "--port", "0")
    assert run.returncode == 2
    assert f"is served already at {server.url} by process {server.process.pid}" in run.stderr


@pytest.mark.parametrize("command", ["compact", "repair"])
def test_commands_that_want_an_index_for_themselves_say_what_to_stop(notes: Path, server: Server, command: str) -> None:
    run = edge(command, notes)
    assert run.returncode == 2
    assert f"(process {server.process.pid}) has this index open; end it with Ctrl-C or `kill" in run.stderr


def test_a_server_that_was_killed_harms_nobody(notes: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    with serving(folder) as server:
        server.process.kill()
        server.process.wait()
        assert server.run_file.exists()
        assert edge("search", "tomato", folder).returncode == 0
        with serving(folder) as second:
            assert second.token != server.token
            assert edge("search", "tomato", folder).returncode == 0


def test_a_program_that_took_the_port_of_a_stale_file_gets_no_query(notes: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    received: list[bytes] = []
    with serving(folder) as server:
        server.process.kill()
        server.process.wait()
        with socket.create_server(("127.0.0.1", server.port)) as listener:

            def impostor() -> None:
                connection, _ = listener.accept()
                with connection:
                    received.append(connection.recv(65536))
                    answer = b'{"proof": "' + b"0" * 64 + b'"}'
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
                    connection.settimeout(5)
                    received.append(connection.recv(65536))

            thread = threading.Thread(target=impostor)
            thread.start()
            run = edge("search", "tomato seedlings", folder, "--json")
            thread.join()
    assert run.returncode == 0
    assert b"/local/proof" in received[0]
    sent = b"".join(received)
    assert b"tomato" not in sent
    assert server.token.encode() not in sent


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"pid": 1}', b'{"pid": 1, "host": "127.0.0.1", "port": 0, "token": "x"}']
)
def test_run_files_that_say_nothing_are_passed_over(notes: Path, tmp_path: Path, content: bytes) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    with serving(folder) as server:
        server.process.kill()
        server.process.wait()
        server.run_file.write_bytes(content)
        assert edge("search", "tomato", folder).returncode == 0


def test_several_folders_answer_as_one(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    other = tmp_path / "notes"
    other.mkdir()
    (other / "more.md").write_text("more tomato seedlings for the garden\n")
    assert edge("index", other, "--model", tiny_bundle).returncode == 0
    mine = shutil.copytree(notes, tmp_path / "mine" / "notes")
    with serving(mine, other, mine / "garden") as server:
        names = [folder["folder"] for folder in server.get("/api/status").json["folders"]]
        assert names == ["notes", "notes (2)", "garden"]
        hits = server.search("tomato seedlings garden", min_score=None)
        assert {hit["folder"] for hit in hits} == set(names)
        scores = [hit["score"] for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert {hit["folder"] for hit in server.search("tomato", folders=["garden"], min_score=None)} == {"garden"}


def test_a_folder_without_an_index_gets_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a boat in the harbour\n")
    with serving(tmp_path) as server:
        server.sync()
        assert [Path(hit["path"]).name for hit in server.search("boat")] == ["a.txt"]


def test_a_short_token_is_refused(notes: Path) -> None:
    run = edge("serve", notes, "--token", "short")
    assert run.returncode == 2
    assert "at least 16 characters" in run.stderr


def test_it_ends_soon_while_it_indexes(tmp_path: Path) -> None:
    for i in range(300):
        (tmp_path / f"{i}.txt").write_text(f"note {i}\n\n" + f"words about boat {i} and harbour. " * 200)
    with serving(tmp_path, "--threads", "1") as server:
        waiting = threading.Thread(target=lambda: edge("index", tmp_path))
        waiting.start()
        time.sleep(1)
        assert server.get("/api/status").json["indexing"]
        begun = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - begun < 6
        waiting.join()


def test_an_index_that_is_served_for_another_folder_is_not_asked(
    notes: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    mine = shutil.copytree(notes, tmp_path / "mine", ignore=shutil.ignore_patterns(".edgeembed"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.md").write_text("something else\n")
    index = tmp_path / "index"
    assert edge("index", mine, "--index", index, "--model", tiny_bundle).returncode == 0
    alone = edge("search", "tomato", other, "--index", index)
    with serving(mine, "--index", index):
        assert edge("search", "tomato", mine, "--index", index).returncode == 0
        served = edge("search", "tomato", other, "--index", index)
    assert (served.returncode, served.stderr) == (alone.returncode, alone.stderr)


def test_a_server_at_another_address_of_this_machine(notes: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(folder, "--host", "::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert edge("serve", folder, "--port", "0").returncode == 2
        assert edge("search", "tomato", folder).returncode == 0


def test_a_server_that_is_open_to_the_network_says_so_and_knows_its_addresses(notes: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    with serving(folder, "--host", "0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        for host, status in (("192.0.2.7", 200), ("evil.example", 421)):
            assert server.get("/api/status", headers={"Host": f"{host}:{server.port}"}).status == status
        assert edge("search", "tomato", folder, "--json").returncode == 0
        assert "open to the network" in server.notes


def test_a_port_that_is_taken_is_said(notes: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(notes, tmp_path / "notes")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = edge("serve", folder, "--port", taken.getsockname()[1])
    assert run.returncode == 2
    assert "--port 0 takes any free port" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a browser is named by a script")
def test_open_opens_the_page_of_a_server_that_runs(notes: Path, server: Server, tmp_path: Path) -> None:
    browser, asked = tmp_path / "browser", tmp_path / "asked"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{asked}"\n')
    browser.chmod(0o755)
    run = edge("serve", notes, "--open", BROWSER=f"{browser} %s")
    assert (run.returncode, run.stdout.strip()) == (0, server.url)
    link = asked.read_text().strip()
    assert link.startswith(f"{server.url}open?key=")
    assert server.get(link.removeprefix(server.url.rstrip("/")), token=False).status == 200


def test_a_missing_extra_is_named() -> None:
    from edgeembed.cli.options import check_extra

    with pytest.raises(EdgeEmbedError, match=r"needs no_such_package: pip install 'edgeembed\[serve\]'"):
        check_extra("serve", ("json", "no_such_package"))
