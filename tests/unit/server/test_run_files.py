"""The files by which a server is found."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgeembed.errors import EdgeEmbedError
from edgeembed.server.run_files import RunningServer, announce, announced, proof, withdraw

SERVER = RunningServer(os.getpid(), "127.0.0.1", 8737, "a token of some length")
needs_owners = pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system knows no owners by number")


def test_a_server_is_found_by_its_index_alone(tmp_path: Path) -> None:
    file = announce(tmp_path / "a", SERVER)
    assert announced(tmp_path / "a") == SERVER
    assert announced(tmp_path / "b") is None
    assert not file.is_relative_to(tmp_path / "a")
    withdraw(tmp_path / "a", RunningServer(1, "127.0.0.1", 1, "another"))
    assert announced(tmp_path / "a") == SERVER
    withdraw(tmp_path / "a", SERVER)
    assert announced(tmp_path / "a") is None


@needs_owners
def test_it_is_private_and_one_that_others_can_read_is_none(tmp_path: Path) -> None:
    file = announce(tmp_path / "a", SERVER)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    assert announced(tmp_path / "a") is None
    announce(tmp_path / "a", SERVER)
    assert announced(tmp_path / "a") == SERVER


@needs_owners
def test_a_run_folder_of_others_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    file = announce(tmp_path / "a", SERVER)
    assert not file.is_relative_to(shared)
    assert announced(tmp_path / "a") == SERVER


def test_without_any_private_folder_there_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EdgeEmbedError, match="only you can read"):
        announce(tmp_path / "a", SERVER)
    assert announced(tmp_path / "a") is None


def test_a_proof_is_of_token_question_and_place() -> None:
    one = proof("token", "nonce", "127.0.0.1", 1)
    others = [("other", "nonce", 1), ("token", "other", 1), ("token", "nonce", 2)]
    assert one == proof("token", "nonce", "127.0.0.1", 1)
    assert one not in [proof(token, nonce, "127.0.0.1", port) for token, nonce, port in others]
