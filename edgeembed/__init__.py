"""Semantic search over your own files, on your own machine.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from .bundle.manifest import Manifest
    from .document import Document, StoredDocument
    from .embedder import Embedder
    from .errors import (
        BundleError,
        EdgeEmbedError,
        FolderMismatchError,
        ForkedError,
        ImageError,
        IndexCorruptError,
        IndexLockedError,
        IndexNotFoundError,
        IndexNotWritableError,
        ModelMismatchError,
        NotAnIndexError,
        UnsupportedInputError,
    )
    from .folder import Folder
    from .index import Index
    from .reading.entries import Skipped
    from .search.hits import Hit, Passage
    from .sync.report import SyncReport

_HOME = {
    "BundleError": "errors",
    "Document": "document",
    "EdgeEmbedError": "errors",
    "Embedder": "embedder",
    "Folder": "folder",
    "FolderMismatchError": "errors",
    "ForkedError": "errors",
    "Hit": "search.hits",
    "ImageError": "errors",
    "Index": "index",
    "IndexCorruptError": "errors",
    "IndexLockedError": "errors",
    "IndexNotFoundError": "errors",
    "IndexNotWritableError": "errors",
    "Manifest": "bundle.manifest",
    "ModelMismatchError": "errors",
    "NotAnIndexError": "errors",
    "Passage": "search.hits",
    "Skipped": "reading.entries",
    "StoredDocument": "document",
    "SyncReport": "sync.report",
    "UnsupportedInputError": "errors",
}

__all__ = [
    "BundleError",
    "Document",
    "EdgeEmbedError",
    "Embedder",
    "Folder",
    "FolderMismatchError",
    "ForkedError",
    "Hit",
    "ImageError",
    "Index",
    "IndexCorruptError",
    "IndexLockedError",
    "IndexNotFoundError",
    "IndexNotWritableError",
    "Manifest",
    "ModelMismatchError",
    "NotAnIndexError",
    "Passage",
    "Skipped",
    "StoredDocument",
    "SyncReport",
    "UnsupportedInputError",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'edgeembed' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
