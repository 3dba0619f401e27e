"""Which folder the files of an index came from: with another folder, a sync would drop them all and read everything."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .errors import FolderMismatchError
from .places import INDEX_NAME
from .snapshot import Snapshot

SETTING = "folder"
"""Setting: where the folder was at the last sync that changed anything, as JSON, which takes every file name."""
_FEW = 5
"""So few files are read again sooner than anybody has read a message."""


def origin(snapshot: Snapshot) -> Path | None:
    """The folder whose files an index holds; ``None``: it comes from an older edgeembed, or from no folder."""
    value = snapshot.setting(SETTING)
    return None if value is None else Path(json.loads(value))


def origin_setting(root: Path) -> str:
    """What is remembered of a folder."""
    return json.dumps(os.fspath(root.resolve()))


def check_origin(root: Path, place: Path, made_from: Path | None, *, known: int, missing: int) -> None:
    """Refuse to bring an index up to date with another folder than its own; one that was moved is the same.

    Args:
        root: the folder that was named.
        place: the index.
        made_from: as :func:`origin` says.
        known: files that the index knows.
        missing: of these, how many are not in ``root``.

    Raises:
        FolderMismatchError: it is another, and most of the files are not there; all of them, where it is not known
            what the folder was.
    """
    inside = place.name == INDEX_NAME
    if known <= _FEW or made_from == root.resolve() or (inside and place.resolve().parent == root.resolve()):
        return
    if 2 * missing > known if made_from is not None else missing == known:
        raise FolderMismatchError(place, made_from or (place.parent if inside else None), root, known, missing)
