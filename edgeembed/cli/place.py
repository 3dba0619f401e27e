"""What FOLDER on the command line means: whose index is asked, about which part of it, and how its paths are shown."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import messages


@dataclass(frozen=True)
class Place:
    """A folder with its index, a folder in one that has an index, or a file in either."""

    typed: str
    """As on the command line."""
    folder: Path
    """The folder that was named, or that the named file is in."""
    root: Path
    """The folder whose index is asked."""
    below: str = ""
    """``folder`` from ``root``, with ``/``; empty: they are the same."""
    file: str | None = None
    """The file that was named, from ``root``; ``None``: it was a folder."""

    def shown(self, id: str) -> str:
        """The path of a document, so that it can be opened from where the command runs."""
        relative = id.removeprefix(f"{self.below}/") if self.below else id
        return os.path.normpath(os.path.join(self.folder, *relative.split("/")))  # noqa: PTH118 (keeps lone surrogates)

    def path_tests(self, patterns: Sequence[str]) -> dict[str, Any]:
        """What must be true of ``file.path``: inside of this place, and as the values of ``--path`` say."""
        tests: dict[str, Any] = {}
        if self.file is not None:
            tests["="] = self.file
        elif self.below:
            tests |= {">=": f"{self.below}/", "<": f"{self.below}0"}  # "0" comes next after "/"
        meanings = [meaning for pattern in patterns if pattern[:1] != "!" for meaning in self._meanings(pattern)]
        unwanted = [meaning for pattern in patterns if pattern[:1] == "!" for meaning in self._meanings(pattern[1:])]
        return tests | ({"glob": meanings} if meanings else {}) | ({"not glob": unwanted} if unwanted else {})

    def _meanings(self, pattern: str) -> list[str]:
        """What a pattern may mean: one of ``.gitignore`` from the folder, and paths as they are shown and typed."""
        from ..text.globs import alternatives

        rests = [rest for base in self._bases() if (rest := _below(pattern.removeprefix("./"), base))]
        if (file := self._file_here(pattern)) is not None:
            rests.append(_literal(file))
        prefix = f"{_literal(self.below)}/" if self.below else ""
        meanings = [f"/{prefix}{rest.lstrip('/')}" for rest in rests]
        if not prefix:
            return [pattern, *meanings]
        for body in alternatives(pattern.removeprefix("./").rstrip("/")):
            meanings.append(prefix + (body.lstrip("/") if "/" in body else f"**/{body}"))
        return meanings

    def _bases(self) -> list[str]:
        """Paths of the folder that a pattern may begin with."""
        shown = os.path.normpath(self.folder)
        bases = [self.folder.absolute(), self.folder.resolve(), *([] if shown == os.curdir else [Path(shown)])]
        return [base.as_posix() for base in bases]

    def _file_here(self, path: str) -> str | None:
        """The path, from the folder, of a file, or a message of a mailbox, that is named from where the command runs;
        ``None``: there is none."""
        file = Path(path)
        is_part = file.name.isdecimal() and file.parent.is_file()
        if not path or not (is_part or os.path.lexists(path)):
            return None
        real, folder = file.parent.resolve() / file.name, self.folder.resolve()
        return real.relative_to(folder).as_posix() if real != folder and real.is_relative_to(folder) else None


def find_place(typed: str, index: str | None, *, own: bool = False, allows_file: bool = True) -> Place:
    """What ``typed`` means: the nearest folder with an index is asked, from it upwards; where none has one, itself.

    A folder that the index above leaves out is on its own, and that is said.

    Args:
        index: the folder of an index that was named, for this very folder; ``None``: none was.
        own: whether the folder is to have an index of its own.
        allows_file: whether it may be a file.

    Raises:
        FileNotFoundError, NotADirectoryError, PermissionError: as :func:`check_folder`.
    """
    from ..storage.index_place import covering_folder, index_place
    from ..sync.walk import left_out_by
    from ..sync.walk_options import options_at
    from ..system.files import as_on_disk, check_folder

    path = as_on_disk(Path(typed))
    is_file = allows_file and path.is_file()
    folder = check_folder(path.parent if is_file else path)
    root, below = folder, ""
    covering = None if own or index is not None else covering_folder(folder)
    if covering is not None and covering != (real := folder.resolve()):
        root, below = covering, real.relative_to(covering).as_posix()
        left_out = left_out_by(covering, below, options_at(index_place(covering).path))
        if left_out is not None:
            messages.note(
                f"{typed}: the index of {covering} leaves it out ({left_out.rule}), so it gets one of its own"
            )
            root, below = folder, ""
    prefix = f"{below}/" if below else ""
    return Place(typed, folder, root, below, prefix + path.name if is_file else None)


def check_one_index(folders: Sequence[str], index: str | None) -> None:
    """Refuse an index that is named for several folders.

    Raises:
        ValueError: with what to type.
    """
    if index is not None and len(folders) > 1:
        raise ValueError("--index names the index of one folder; leave it out, or name one folder")


def find_places(folders: Sequence[str], index: str | None) -> list[Place]:
    """As :func:`find_place`, of several folders, each once; of none the current one.

    Raises:
        ValueError: an index was named, and is to be that of several.
        As :func:`find_place`.
    """
    check_one_index(folders, index)
    places = [find_place(folder, index, allows_file=False) for folder in folders or (".",)]
    return list({(place.root.resolve(), place.below): place for place in places}.values())


def _below(pattern: str, base: str) -> str | None:
    return pattern[len(base) + 1 :] if pattern.startswith(base.rstrip("/") + "/") else None


def _literal(text: str) -> str:
    """A pattern that fits a path as it stands."""
    return re.sub(r"([*?\[\]\\{},!])", r"\\\1", text)
