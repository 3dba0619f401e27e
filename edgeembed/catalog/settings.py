"""Keys of the table ``settings``, as catalogs have them: they change with the layout only (``migrate.py``)."""

from __future__ import annotations

from typing import Final

MODELS: Final = "model"
"""The models that the index was made with, as JSON; see ``index_models.records``."""
GENERATION: Final = "generation"
"""Number of commits, in decimal."""
NEEDS_GC: Final = "needs_gc"
"""``1``: contents without a document, or segment files without a name, may be left to collect; else ``0``."""
READERS_VERSION: Final = "readers"
"""Version of the readers that every file of a folder was read with."""
SOURCE_FOLDER: Final = "folder"
"""Where the folder was at the last sync that changed anything, as JSON, which takes every file name."""
UNSTABLE_INODES: Final = "unstable_inodes"
"""``1``: where the folder lies, inodes change while files stay as they are, as on many network drives."""
FULL_TEXT: Final = "full_text"
"""What made the words in full text of texts and names: :data:`text.terms.WORDS_VERSION`."""
WALK: Final = "walk"
"""Which files of the folder are taken in, as JSON; see ``sync.walk_options``. Absent: the defaults."""
