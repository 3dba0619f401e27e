"""Which files of a folder are taken in: a setting of its index, which every later run goes by."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ..catalog import settings
from ..catalog.database import Catalog
from ..catalog.snapshot import Snapshot
from ..errors import EdgeEmbedError

SWITCHES = ("hidden", "ignore", "follow")
"""Fields of :class:`WalkOptions` that are yes or no."""


@dataclass(frozen=True)
class WalkOptions:
    """Which files of a folder are taken in."""

    hidden: bool = False
    """Names that begin with a dot too; never the folders of version control, nor those of indexes."""
    ignore: bool = True
    """Leave out what ignore files name; system junk is left out in any case."""
    follow: bool = False
    """Links that leave the folder, and links to folders outside of it; never those to folders in it, whose files are
    taken in anyway."""
    patterns: tuple[str, ...] = ()
    """Lines as of an ignore file, for the whole folder: what they name is left out too, unless a rule of an ignore file
    says otherwise; without ``ignore`` they do not count either."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", tuple(self.patterns))  # a list where it comes from JSON

    def to_setting(self) -> str:
        """What is stored of it, as JSON."""
        return json.dumps(asdict(self))


def recorded_options(snapshot: Snapshot) -> WalkOptions:
    """What an index was told to take in; the defaults where it was told nothing."""
    value = snapshot.setting(settings.WALK)
    stored = {} if value is None else json.loads(value)
    switches = {name: stored[name] for name in SWITCHES if isinstance(stored.get(name), bool)}
    patterns = stored.get("patterns")
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        patterns = []
    return WalkOptions(**switches, patterns=tuple(patterns))


def options_at(index_dir: Path) -> WalkOptions:
    """As :func:`recorded_options`, of an index of whatever layout; the defaults if there is none."""
    try:
        catalog = Catalog(index_dir, read_only=True, only_settings=True)
        try:
            with catalog.read() as snapshot:
                return recorded_options(snapshot)
        finally:
            catalog.close()
    except EdgeEmbedError:
        return WalkOptions()


class LeftOut(NamedTuple):
    """A file or folder that was left out on purpose, which is no fault, with all that is in it."""

    path: str
    """Relative to the folder, with ``/``; of a folder with ``/`` at its end."""
    rule: str
    """Why: ``hidden``, ``a link to a folder``, or the rule of an ignore file: ``.gitignore:3: *.log``."""
