"""From paths that the system names to parts of a folder that must be looked at."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from ..sync.ignore_rules import IGNORE_FILES
from ..sync.walk import left_out_by
from ..sync.walk_options import WalkOptions
from .resting import RestingPaths

_MANY_PATHS = 500
"""From so many on, looking at everything costs less than asking the ignore rules about each."""
_MOST_REMEMBERED = 10_000
_MOST_PARTS = 200


class Look(NamedTuple):
    """Folders to look at, with all that is in them or with their own files only."""

    parts: tuple[str, ...]
    deep: bool


class Marks:
    """What of a folder must be looked at. Paths are relative to its root, with ``/``; empty: all of it."""

    def __init__(self, root: Path, index_dir: Path, resting: RestingPaths | None = None) -> None:
        """
        Args:
            root: resolved.
            index_dir: what changes in it is the index's own doing.
        """
        self._root = root
        self._prefix = os.path.join(root, "")  # noqa: PTH118 (with a separator at its end)
        index = index_dir.resolve()
        self._index = index.relative_to(root).as_posix() if index.is_relative_to(root) else None
        self._options = WalkOptions()
        self._answers: dict[str, bool] = {}
        """Whether a path counts, as the ignore rules say."""
        self._resting = RestingPaths() if resting is None else resting
        self._deep: set[str] = set()
        self._shallow: set[str] = set()

    def use(self, options: WalkOptions) -> None:
        """What is taken in, as of now; also the ignore files may have changed."""
        self._options = options
        self._answers.clear()

    def notice(self, paths: Collection[str], now: float) -> list[str]:
        """Something changed at these paths, as the system takes them; those of them that count."""
        counts = self._counts if len(paths) <= _MANY_PATHS else lambda path: not self._is_own(path)
        counting = []
        for path in paths:
            relative = self._relative(path)
            if relative is not None and counts(relative):
                self._resting.notice(relative, now)
                counting.append(path)
        return counting

    def mark(self, part: str) -> None:
        """A folder must be looked at, with all that is in it."""
        self._deep.add(part)

    def collect(self, now: float) -> None:
        """Mark what rests by now."""
        for path in self._resting.take_due(now):
            parent, _, name = path.rpartition("/")
            if name in IGNORE_FILES:
                self._deep.add(parent)
            elif os.path.isfile(self._prefix + path):  # noqa: PTH113 (keeps lone surrogates)
                self._shallow.add(parent)
            else:
                self._deep.add(path)
                if not os.path.isdir(self._prefix + path):  # noqa: PTH112
                    self._shallow.add(parent)  # it is gone, and nobody knows whether it was a file or a folder

    def looks(self) -> list[Look]:
        """What must be done now: at most two looks."""
        deep = [part for part in sorted(self._deep) if not any(_is_in(part, other) for other in self._deep)]
        shallow = [part for part in sorted(self._shallow) if not any(part == o or _is_in(part, o) for o in deep)]
        if len(deep) + len(shallow) > _MOST_PARTS:
            return [Look((_common([*deep, *shallow]),), True)]
        return [Look(tuple(parts), parts is deep) for parts in (deep, shallow) if parts]

    def done(self, look: Look) -> None:
        """That was done."""
        if look.deep:
            gone = {part for part in (*self._deep, *self._shallow) if any(_is_in(part, o) for o in look.parts)}
            gone.update(look.parts)
            self._deep -= gone
            self._shallow -= gone
        else:
            self._shallow.difference_update(look.parts)

    def next_due(self) -> float | None:
        """When the next path rests; ``None``: none waits."""
        return self._resting.next_due()

    @property
    def waiting(self) -> frozenset[str]:
        """Paths that do not rest yet."""
        return self._resting.waiting

    def _relative(self, path: str) -> str | None:
        if not path.startswith(self._prefix):
            return None
        return path[len(self._prefix) :].replace(os.sep, "/")

    def _is_own(self, path: str) -> bool:
        """Whether it is in the index, or in one that is being made."""
        names = path.split("/")
        own = self._index is not None and (path == self._index or path.startswith(f"{self._index}/"))
        return own or any(name == ".edgeembed" or name.startswith((".edgeembed.", ".edgeembed-")) for name in names)

    def _counts(self, path: str) -> bool:
        if path.rpartition("/")[2] in IGNORE_FILES:
            self._answers.clear()
            path = path.rpartition("/")[0]
            return not path or self._counts(path)
        if path not in self._answers:
            if len(self._answers) >= _MOST_REMEMBERED:
                self._answers.clear()
            self._answers[path] = not self._is_own(path) and self._is_taken_in(path)
        return self._answers[path]

    def _is_taken_in(self, path: str) -> bool:
        is_folder = os.path.isdir(self._prefix + path)  # noqa: PTH112 (keeps lone surrogates)
        return left_out_by(self._root, path, self._options, is_folder=is_folder) is None


def _is_in(part: str, other: str) -> bool:
    """Whether a folder lies in another one."""
    return part != other and (not other or part.startswith(f"{other}/"))


def _common(parts: Iterable[str]) -> str:
    """The innermost folder that holds all of them."""
    steps: list[str] = []
    for level in zip(*(part.split("/") for part in parts), strict=False):
        if len(set(level)) > 1:
            break
        steps.append(level[0])
    return "/".join(steps)
