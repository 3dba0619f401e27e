"""The bundles that are installed with this package."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from .manifest import MANIFEST_NAME


def shipped_names() -> list[str]:
    """Names of the bundles installed with this package, the default one first."""
    root = models_root()
    names = sorted(p.parent.name for p in root.glob(f"*/{MANIFEST_NAME}"))
    return sorted(names, key=lambda name: name != default_name())


def default_name() -> str:
    """Name of the default bundle."""
    return str(importlib.import_module("edgeembed.models").DEFAULT)


def models_root() -> Path:
    """The folder of the shipped bundles."""
    root = importlib.resources.files("edgeembed.models")
    # A regular package on disk; a zipped one could not be memory-mapped anyway.
    return Path(str(root))
