"""Damage byte by byte: a few places here, thousands by ``python -m tests.robustness.flips``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.robustness import flips

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each place is tried in a copy of this process")


@pytest.mark.slow
def test_damage_to_an_index_is_found_or_changes_nothing(tmp_path: Path, tiny_bundle: Path) -> None:
    tally = flips.run_index(tmp_path, tiny_bundle, 40)
    assert tally["found when opened or searched"] > 20
    assert tally["found by verify"] > 3


@pytest.mark.slow
def test_damage_to_a_bundle_is_found(tmp_path: Path, tiny_bundle: Path) -> None:
    tally = flips.run_bundle(tmp_path, tiny_bundle, 5)
    assert tally["found when opened or searched"] > 30
    assert tally.keys() == {"found when opened or searched"}
