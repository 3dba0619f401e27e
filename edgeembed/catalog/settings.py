"""Keys of the table ``settings``, as catalogs made by earlier versions have them: they must never change."""

from __future__ import annotations

from typing import Final

MODELS: Final = "model"
"""The models that the index was made with, as JSON; see ``index_models.records``."""
GENERATION: Final = "generation"
"""Number of commits, in decimal."""
NEEDS_GC: Final = "unswept"
"""``1``: contents without a document, or segment files without a name, may be left to collect; else ``0``."""
READERS_VERSION: Final = "readers"
"""Version of the readers that every file of a folder was read with."""
SOURCE_FOLDER: Final = "folder"
"""Where the folder was at the last sync that changed anything, as JSON, which takes every file name."""
