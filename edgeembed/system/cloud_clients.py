"""Folders that a client copies to other machines: Dropbox, OneDrive, iCloud, Google Drive, Nextcloud and the like.

A SQLite file with a write-ahead log must not be copied while it is in use, file by file
(https://www.sqlite.org/howtocorrupt.html, 1.2). A client is known by what it leaves in the folder that it copies or in
its own settings, not by how somebody called a folder. As for the cache, the environment is asked where things are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_MARKS = (
    # Dropbox keeps its settings in a folder .dropbox of the home folder: there it is no mark.
    (re.compile(r"\.dropbox"), False, "Dropbox"),
    (re.compile(r"\.dropbox\.cache"), True, "Dropbox"),
    (re.compile(r"\.849C9593-D756-4E56-8D6E-42412F2A707B", re.IGNORECASE), False, "OneDrive"),
    (re.compile(r"\.tmp\.drive(down|up)load"), True, "Google Drive"),
    (re.compile(r"\._?sync_[0-9a-f]+\.db"), False, "Nextcloud"),
    (re.compile(r"\.nextcloudsync\.log(\.\d+)?"), False, "Nextcloud"),
    (re.compile(r"\.owncloudsync\.log(\.\d+)?"), False, "ownCloud"),
    (re.compile(r"\.stfolder"), True, "Syncthing"),
)
"""Names at the top of a folder that is copied, and whether they are of folders."""
_ONEDRIVE = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
"""Variables of the environment in which OneDrive says where its folders are (Windows)."""
_HOME_NAMES = re.compile(r"(OneDrive)(?: - .+)?|(Google Drive)|(iCloudDrive)")
"""Folders of the home folder that clients themselves call so."""


def cloud_client(folder: Path) -> str | None:
    """The client that copies a folder to other machines, such as ``Dropbox``; ``None``: none that is known."""
    real = folder.resolve()
    home = _home()
    for place in (real, *real.parents):
        for root, name in _named_roots(home, os.environ):
            if place == root:
                return name
        if home is not None and place.parent == home and (match := _HOME_NAMES.fullmatch(place.name)):
            return "iCloud" if match[3] else match[0].partition(" - ")[0]
        if home is not None and place.parent == home / "Library" / "CloudStorage":
            return place.name.partition("-")[0]
        if marked := _by_marks(place):
            return marked
    return None


def _named_roots(home: Path | None, environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Folders that settings name, with the client that copies them."""
    for variable in _ONEDRIVE:
        if environment.get(variable):
            yield Path(environment[variable]).resolve(), "OneDrive"
    if home is None:
        return
    yield home / "Library" / "Mobile Documents", "iCloud"
    settings = [environment[name] for name in ("APPDATA", "LOCALAPPDATA") if environment.get(name)]
    for info in (home / ".dropbox" / "info.json", *(Path(place, "Dropbox", "info.json") for place in settings)):
        with suppress(OSError, ValueError, TypeError, AttributeError):
            for account in json.loads(info.read_text(encoding="utf-8")).values():
                yield Path(account["path"]).resolve(), "Dropbox"


def _by_marks(folder: Path) -> str | None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                for pattern, is_folder, name in _MARKS:
                    if pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False) == is_folder:
                        return name
    return None


def _home() -> Path | None:
    with suppress(RuntimeError, OSError):  # there is none
        return Path.home().resolve()
    return None
