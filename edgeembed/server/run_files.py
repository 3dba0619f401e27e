"""How a running server is found: a small file for each index, in the user's own run folder.

It says where the server listens and what its token is, and only its owner can read it. Servers are never looked for by
scanning ports, nor by a file that lies in the folder that is searched, which may come from somebody else. Before a
server gets a query it proves that it knows the token: a stale file may name a port that another program has by now.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import EdgeEmbedError, path_error
from ..system.files import make_private_folder, path_digest, user_cache, write_private

_FORMAT = 1
_MAX_BYTES = 1 << 14


@dataclass(frozen=True)
class RunningServer:
    """Where a server listens."""

    pid: int
    host: str
    port: int
    token: str
    format: int = _FORMAT


def proof(token: str, nonce: str, host: str, port: int) -> str:
    """What shows that a server knows a token: HMAC-SHA256 over what the client made up and where it asks."""
    said = "\0".join(("edgeembed server", nonce, host, str(port)))
    return hmac.digest(token.encode(), said.encode(), hashlib.sha256).hex()


def announce(index_dir: Path, server: RunningServer) -> Path:
    """Write the file of an index; returns where it is.

    Raises:
        EdgeEmbedError: there is no folder that only this user can read.
    """
    folder = next((folder for folder in _folders() if make_private_folder(folder)), None)
    if folder is None:
        reason = "there is no folder that only you can read, for the token; set XDG_RUNTIME_DIR or HOME to one"
        raise path_error(index_dir, EdgeEmbedError, reason)
    file = folder / _name(index_dir)
    write_private(file, json.dumps(asdict(server)).encode())
    return file


def withdraw(index_dir: Path, server: RunningServer) -> None:
    """Remove the file of an index if it is still that of ``server``."""
    for folder in _folders():
        file = folder / _name(index_dir)
        if _read(file) == server:
            with suppress(OSError):
                file.unlink()


def announced(index_dir: Path) -> RunningServer | None:
    """The server that says it has an index open; it may be gone. ``None``: there is none."""
    return next((server for folder in _folders() if (server := _read(folder / _name(index_dir))) is not None), None)


def _name(index_dir: Path) -> str:
    return f"{path_digest(index_dir)}.json"


def _folders() -> list[Path]:
    """Where run files may lie, the best place first."""
    from platformdirs import user_runtime_path

    folders, cache = [], user_cache()
    with suppress(OSError, RuntimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the system has no such folder, it is one below /tmp
        folder = user_runtime_path("edgeembed", appauthor=False)
        if _is_own(folder.parent):
            folders.append(folder / "servers")
    return folders if cache is None else [*folders, cache / "run" / "servers"]


def _is_own(folder: Path) -> bool:
    """Whether it is a folder of this user that nobody else can write to, where systems know owners by number."""
    info = folder.lstat()
    is_own = not hasattr(os, "getuid") or (info.st_uid == os.getuid() and not info.st_mode & 0o022)
    return stat.S_ISDIR(info.st_mode) and is_own


def _read(file: Path) -> RunningServer | None:
    """What a run file says; ``None``: it is not there, not ours, or no such file."""
    try:
        with file.open("rb") as stream:
            info = os.fstat(stream.fileno())
            if hasattr(os, "getuid") and (info.st_uid != os.getuid() or stat.S_IMODE(info.st_mode) & 0o077):
                return None
            said = json.loads(stream.read(_MAX_BYTES))
        server = RunningServer(**said)
    except (OSError, ValueError, TypeError):
        return None
    types = {"pid": int, "host": str, "port": int, "token": str, "format": int}
    is_one = all(isinstance(getattr(server, name), kind) for name, kind in types.items())
    return server if is_one and server.format == _FORMAT and 0 < server.port < 1 << 16 else None
