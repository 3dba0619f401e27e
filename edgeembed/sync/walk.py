"""Walk a folder: which files are in it, git's ignore rules honoured, and what the system says of each."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterable, Iterator
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..reading.entries import NOT_A_FILE, OWN_INDEX, FileStat, Skipped, unreadable
from ..system.files import file_id
from .ignore_rules import IGNORE_FILES, Rules, ignored, inherited_rules, is_plain_file, read_rules
from .ignore_syntax import byte_text

IN_THE_CLOUD = "kept in the cloud, not on this machine"
_OWN_INDEX = ".edgeembed"
_INODE_BITS = (1 << 63) - 1
_HAS_FLAGS = hasattr(os.stat_result, "st_file_attributes") or hasattr(os.stat_result, "st_flags")


def walk(root: Path, *, exclude: Iterable[Path] = ()) -> Iterator[FileStat | Skipped]:
    """Find the files of a folder.

    Left out without a word: what ignore rules name, hidden names, what systems and programs leave behind, links to
    folders, links that leave the folder or lead to something hidden in it.

    Args:
        root: the folder; may itself be a link.
        exclude: files and folders to leave out besides; those outside ``root`` have no effect.

    Yields:
        A ``FileStat`` for each file: folder by folder, sorted by name, the files of a folder before those of the
        folders in it. A ``Skipped`` for each folder that cannot be read or has an index of its own, for each file that
        is kept in the cloud only, for each pipe, socket, device and broken link, none of which is ever opened, and for
        each ignore file with a rule that cannot be used. What vanishes meanwhile is no error.

    Raises:
        FileNotFoundError, NotADirectoryError: ``root`` is not a folder, or goes away meanwhile.
        OSError: ``root`` cannot be read.
    """
    real = root.resolve(strict=True)
    if not real.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", os.fspath(root))
    inside = (path.resolve() for path in exclude)
    excluded = frozenset(path.relative_to(real).as_posix() for path in inside if path.is_relative_to(real))
    return _Walk(real, excluded).run()


class _Folder(NamedTuple):
    """A folder that is still to be read."""

    path: str
    """As the system takes it."""
    prefix: str
    """Relative to the root, with ``/`` at the end; empty for the root."""
    rules: Rules
    """Those that apply to its entries."""


class _Walk:
    def __init__(self, root: Path, excluded: frozenset[str]) -> None:
        self._root = root
        self._excluded = excluded
        self._identity = file_id(root)
        self._problems: list[Skipped] = []

    def run(self) -> Iterator[FileStat | Skipped]:
        """Yield the files of each folder in path order, then one ``Skipped`` for each unusable ignore rule."""
        todo = [_Folder(os.fspath(self._root), "", inherited_rules(self._root, self._problems))]
        while todo:
            folder = todo.pop()
            below: list[_Folder] = []
            yield from self._read(folder, below)
            todo.extend(reversed(below))
        check_still_there(self._root, self._identity)
        yield from self._problems

    def _read(self, folder: _Folder, below: list[_Folder]) -> Iterator[FileStat | Skipped]:
        """The files of one folder; what is to be read next is appended to ``below``."""
        names: list[tuple[str, os.DirEntry[str]]] = []
        special: dict[str, os.DirEntry[str]] = {}
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] != ".":
                        names.append((name, entry))
                    elif name == _OWN_INDEX or name in IGNORE_FILES:
                        special[name] = entry
        except OSError as error:
            yield from self._cannot_read(folder, error)
            return
        if folder.prefix and _OWN_INDEX in special and Path(special[_OWN_INDEX].path, "catalog.sqlite").exists():
            yield Skipped(folder.prefix[:-1], OWN_INDEX)
            return
        names.sort(key=itemgetter(0))
        rules = self._with_own_rules(folder, special)
        for name, entry in names:
            path = folder.prefix + name
            try:
                result = self._look(entry, path, rules)
            except FileNotFoundError:
                continue
            except OSError as error:
                yield Skipped(path, unreadable(error))
                continue
            if isinstance(result, _Folder):
                below.append(result)
            elif result is not None:
                yield result

    def _look(self, entry: os.DirEntry[str], path: str, rules: Rules) -> FileStat | Skipped | _Folder | None:
        """What an entry is: a file, a folder to read, or ``None`` for what is left out without a word."""
        is_folder = entry.is_dir(follow_symlinks=False)
        if path in self._excluded or ignored(rules, entry.name, path, is_folder):
            return None
        if is_folder and not _HAS_FLAGS:
            return _Folder(entry.path, path + "/", rules)
        info = entry.stat(follow_symlinks=False)
        if modes.S_ISLNK(info.st_mode):
            target = self._link_target(Path(entry.path), path)
            if not isinstance(target, os.stat_result):
                return target
            info = target
        if not is_folder and not modes.S_ISREG(info.st_mode):
            return Skipped(path, f"{NOT_A_FILE}: {_file_type(info.st_mode)}")
        if _HAS_FLAGS and _is_hidden_or_junction(info):
            return None
        if _HAS_FLAGS and _is_in_the_cloud(info):
            return Skipped(path, IN_THE_CLOUD)
        if is_folder:
            return _Folder(entry.path, path + "/", rules)
        # Inodes may have 64 bits, of which the catalog takes 63; on Windows a listing has none.
        return FileStat(path, info.st_size, info.st_mtime_ns, info.st_ino & _INODE_BITS or None, info.st_ctime_ns)

    def _link_target(self, link: Path, path: str) -> os.stat_result | Skipped | None:
        """What a link leads to; ``None`` if that is a folder, outside of the root, or hidden in it."""
        try:
            target = link.resolve(strict=True)
            if not target.is_relative_to(self._root):
                return None
            relative = target.relative_to(self._root)
            steps = [step for step in (relative, *relative.parents) if step.name]
            if any(step.name.startswith(".") or step.as_posix() in self._excluded for step in steps):
                return None
            info = target.stat()
        except PermissionError:
            return None
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            return Skipped(path, f"{NOT_A_FILE}: a broken link")
        return None if modes.S_ISDIR(info.st_mode) else info

    def _cannot_read(self, folder: _Folder, error: OSError) -> Iterator[Skipped]:
        gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
        if not folder.prefix:
            raise error
        if gone:
            check_still_there(self._root, self._identity)
        else:
            yield Skipped(folder.prefix[:-1], unreadable(error))

    def _with_own_rules(self, folder: _Folder, special: dict[str, os.DirEntry[str]]) -> Rules:
        paths = [Path(special[name].path) for name in IGNORE_FILES if name in special]
        files = [(path, folder.prefix + path.name) for path in paths if is_plain_file(path)]
        if not files:
            return folder.rules
        return folder.rules.with_nearer(read_rules(files, self._problems, cut=len(byte_text(folder.prefix))))


def check_still_there(root: Path, before: tuple[int, int]) -> None:
    """Make sure that a folder is the one that it was when its :func:`file_id` was read.

    Otherwise a drive that is pulled out would look like a folder from which everything was deleted.

    Raises:
        FileNotFoundError: it is gone, or another is in its place, such as the mount point of that drive.
    """
    with suppress(OSError):
        if file_id(root) == before:
            return
    message = "went away while it was read; nothing was taken for deleted, run it again when it is back"
    raise FileNotFoundError(errno.ENOENT, message, os.fspath(root))


def _file_type(mode: int) -> str:
    """What something is that is neither a file nor a folder."""
    return "a pipe" if modes.S_ISFIFO(mode) else "a socket" if modes.S_ISSOCK(mode) else "a device"


def _is_hidden_or_junction(info: Any) -> bool:
    """By Windows's attributes. A junction is a link to a folder that does not look like one."""
    attributes = getattr(info, "st_file_attributes", 0)
    is_junction = attributes & modes.FILE_ATTRIBUTE_REPARSE_POINT and info.st_reparse_tag == 0xA0000003
    return bool(attributes & modes.FILE_ATTRIBUTE_HIDDEN or is_junction)


def _is_in_the_cloud(info: Any) -> bool:
    """Whether reading would download it: Windows OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS; macOS SF_DATALESS."""
    return bool(getattr(info, "st_file_attributes", 0) & 0x441000 or getattr(info, "st_flags", 0) & 0x40000000)
