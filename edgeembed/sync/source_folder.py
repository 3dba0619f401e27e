"""Which folder the files of an index came from: with another folder, a sync would drop them all and read everything."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..catalog import settings
from ..catalog.snapshot import Snapshot
from ..errors import FolderMismatchError
from ..storage.index_dir import INDEX_NAME

_FEW = 5
"""So few files are read again sooner than anybody has read a message."""


def source_folder(snapshot: Snapshot) -> Path | None:
    """The folder whose files an index holds; ``None``: it comes from an older edgeembed, or from no folder."""
    value = snapshot.setting(settings.SOURCE_FOLDER)
    return None if value is None else Path(json.loads(value))


def source_folder_setting(root: Path) -> str:
    """What is stored of a folder."""
    return json.dumps(os.fspath(root.resolve()))


def check_source_folder(root: Path, index_dir: Path, recorded: Path | None, *, known: int, missing: int) -> None:
    """Refuse to bring an index up to date with another folder than its own; one that was moved is the same.

    Args:
        root: the folder that was named.
        index_dir: the index.
        recorded: as :func:`source_folder` says.
        known: files that the index knows.
        missing: of these, how many are not in ``root``.

    Raises:
        FolderMismatchError: it is another, and most of the files are not there; all of them, where it is not known
            what the folder was.
    """
    is_inside = index_dir.name == INDEX_NAME
    if known <= _FEW or recorded == root.resolve() or (is_inside and index_dir.resolve().parent == root.resolve()):
        return
    if 2 * missing > known if recorded is not None else missing == known:
        raise FolderMismatchError(
            index_dir, recorded or (index_dir.parent if is_inside else None), root, known, missing
        )
