"""Folders that a client copies, by what it leaves in them, and those that are only called so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeembed.system.cloud_clients import cloud_client


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = (tmp_path / "home").resolve()
    (home / "notes").mkdir(parents=True)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.parametrize(
    ("mark", "is_folder", "client"),
    [
        (".dropbox", False, "Dropbox"),
        (".dropbox.cache", True, "Dropbox"),
        (".849C9593-D756-4E56-8D6E-42412F2A707B", False, "OneDrive"),
        (".tmp.drivedownload", True, "Google Drive"),
        (".tmp.driveupload", True, "Google Drive"),
        (".sync_0a1b2c3d4e5f.db", False, "Nextcloud"),
        ("._sync_0a1b2c3d4e5f.db", False, "Nextcloud"),
        (".nextcloudsync.log", False, "Nextcloud"),
        (".owncloudsync.log", False, "ownCloud"),
        (".owncloudsync.log.1", False, "ownCloud"),
        (".stfolder", True, "Syncthing"),
    ],
)
def test_a_client_is_known_by_what_it_leaves(home: Path, mark: str, is_folder: bool, client: str) -> None:
    root = home / "things"
    (root / "deep" / "below").mkdir(parents=True)
    (root / mark).mkdir() if is_folder else (root / mark).touch()
    assert cloud_client(root) == client
    assert cloud_client(root / "deep" / "below") == client
    (home / "link").symlink_to(root / "deep")
    assert cloud_client(home / "link") == client
    assert cloud_client(home / "notes") is None
    assert cloud_client(home) is None


@pytest.mark.parametrize(
    ("place", "client"),
    [
        ("OneDrive/notes", "OneDrive"),
        ("OneDrive - Example Ltd/notes", "OneDrive"),
        ("iCloudDrive/notes", "iCloud"),
        ("Google Drive/notes", "Google Drive"),
        ("Library/Mobile Documents/com~apple~CloudDocs/notes", "iCloud"),
        ("Library/CloudStorage/Dropbox/notes", "Dropbox"),
        ("Library/CloudStorage/GoogleDrive-ann@example.org/My Drive", "GoogleDrive"),
        ("Library/CloudStorage/OneDrive-Personal", "OneDrive"),
    ],
)
def test_a_client_is_known_by_where_it_has_its_folder(home: Path, place: str, client: str) -> None:
    (home / place).mkdir(parents=True)
    assert cloud_client(home / place) == client


@pytest.mark.parametrize(
    "place",
    [
        "Dropbox-notes",
        "notes on OneDrive",
        "OneDriveBackup",
        "projects/OneDrive",
        "Nextcloud",
        "Library/CloudStorage",
        "Library/Mobile",
        "MobileDocuments",
        "Google Drive export",
    ],
)
def test_a_folder_that_is_only_called_so_is_none(home: Path, place: str) -> None:
    (home / place).mkdir(parents=True)
    for name in (".dropbox-notes", ".sync_plan.db", "owncloudsync.log", ".sync_.db", "sync_ab.db"):
        (home / place / name).touch()
    (home / place / ".dropbox").mkdir()  # Dropbox's settings, as the home folder has them
    assert cloud_client(home / place) is None


def test_the_settings_of_clients_are_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, drive = home / "My Box (Work)", tmp_path / "drive"
    for folder in (box, drive, home / ".dropbox"):
        folder.mkdir()
    info = home / ".dropbox" / "info.json"
    info.write_text(json.dumps({"business": {"path": str(box), "host": 1}}))
    assert cloud_client(box) == "Dropbox"
    assert cloud_client(home) is None
    for text in ("", "[]", '{"personal": null}', '{"personal": {"path": 3}}', "{"):
        info.write_text(text)
        assert cloud_client(box) is None
    monkeypatch.setenv("OneDriveCommercial", str(drive))
    assert cloud_client(drive) == "OneDrive"
    assert cloud_client(tmp_path) is None


def test_without_a_home_folder_marks_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert cloud_client(tmp_path) is None
    (tmp_path / ".dropbox").touch()
    assert cloud_client(tmp_path) == "Dropbox"
