"""What is flushed to the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgeembed.system.files import as_on_disk, sync_file, sync_folder


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened there")
def test_contents_and_names_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[int, bool]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        info = os.fstat(descriptor)
        flushed.append((info.st_ino, stat.S_ISDIR(info.st_mode)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    file = tmp_path / "file"
    file.write_bytes(b"content")
    sync_file(file)
    sync_folder(tmp_path)
    assert flushed == [(file.stat().st_ino, False), (tmp_path.stat().st_ino, True)]
    assert file.read_bytes() == b"content"


def test_a_path_is_found_however_its_letters_are_composed(tmp_path: Path) -> None:
    apart, together = "Zu\u0308rich", "Z\u00fcrich"
    (tmp_path / apart).mkdir()
    (tmp_path / apart / "cafe\u0301.txt").write_text("x")
    found = as_on_disk(tmp_path / together / "caf\u00e9.txt")
    assert found.read_text() == "x"
    assert as_on_disk(found) == found
    missing = tmp_path / together / "no\u00ebl.txt"
    assert as_on_disk(missing) == missing
    assert as_on_disk(tmp_path / "plain.txt") == tmp_path / "plain.txt"
