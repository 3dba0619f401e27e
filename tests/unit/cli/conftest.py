"""Fixtures of the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    (root / "Übung").mkdir(parents=True)
    (root / "boat.md").write_text("# Boat\n\nThe boat leaves the harbour at dawn.\n")
    (root / "Übung" / "garden.txt").write_text("Tomato seedlings for the garden.\n")
    return root
