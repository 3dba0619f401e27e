"""Thumbnails that are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeembed.server.previews import Previews


def test_the_oldest_thumbnails_go_once_all_take_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    previews = Previews(max_cache_bytes=250)
    files = [tmp_path / "edgeembed" / "thumbnails" / f"{i:02x}" / f"{i}-250.webp" for i in range(5)]
    for age, file in enumerate(files):
        file.parent.mkdir()
        file.write_bytes(b"x" * 100)
        os.utime(file, (1_000_000 - age, 1_000_000 - age))
    previews.prune()
    assert [file.exists() for file in files] == [True, True, False, False, False]
