"""From paths that the system names to parts of a folder that must be looked at."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from ..sync.ignore_rules import IGNORE_FILES
from ..sync.walk import left_out_by
from ..sync.walk_options import WalkOptions
from .resting import RestingPaths

_MANY_PATHS = 500
"""From so many on, looking at everything costs less than asking the ignore rules about each."""
_MOST_REMEMBERED = 10_000
_FEW_PARTS = 4


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
        self._parts: set[str] = set()

    def use(self, options: WalkOptions) -> None:
        """What is taken in, as of now; also the ignore files may have changed."""
        self._options = options
        self._answers.clear()

    def notice(self, paths: Collection[str], now: float) -> list[str]:
        """Something changed at these paths, as the system takes them; those that count, relative."""
        relatives = [relative for path in paths if (relative := self._relative(path)) is not None]
        if len(relatives) > _MANY_PATHS:
            counting = [path for path in relatives if not self._is_own(path)]
        else:
            counting = [path for path in relatives if self._counts(path)]
        for path in counting:
            self._resting.notice(path, now)
        return counting

    def mark(self, part: str) -> None:
        """A folder must be looked at."""
        self._parts.add(part)

    def collect(self, now: float) -> None:
        """Mark what rests by now."""
        for path in self._resting.take_due(now):
            is_folder = os.path.isdir(self._prefix + path)  # noqa: PTH112 (keeps lone surrogates)
            # Of what is gone nobody knows whether it was a file; a look at the folder that it was in finds out.
            self._parts.add(path if is_folder else path.rpartition("/")[0])

    def parts(self) -> list[str]:
        """What must be looked at now: a few folders, none in another, or one that holds them all."""
        parts = [part for part in sorted(self._parts) if not any(_is_in(part, other) for other in self._parts)]
        return parts if len(parts) <= _FEW_PARTS else [_common(parts)]

    def done(self, part: str) -> None:
        """A folder was looked at, with all that is in it."""
        self._parts = {other for other in self._parts if other != part and not _is_in(other, part)}

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
