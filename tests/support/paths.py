"""Where things are in this checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Of the checkout."""
SAMPLE = ROOT / "tests" / "sample"
"""The folder of notes and images that ships with the source."""
