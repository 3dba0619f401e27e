"""Walk a folder: which files are in it, git's ignore rules honoured, and what the system says of each."""

from __future__ import annotations

import errno
import os
import re
import stat as modes
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..reading.entries import NOT_A_FILE, OWN_INDEX, FileStat, Skipped, unreadable
from ..system.files import file_id
from .ignore_rules import (
    IGNORE_FILES,
    Rules,
    built_in_rules,
    deciding_rule,
    ignored,
    inherited_rules,
    is_plain_file,
    library_rules,
    read_rules,
    repository_rules,
    with_patterns,
)
from .ignore_syntax import byte_text
from .walk_options import LeftOut, WalkOptions

IN_THE_CLOUD = "kept in the cloud, not on this machine"
HIDDEN = "hidden"
_OWN_INDEX = ".edgeembed"
_INODE_BITS = (1 << 63) - 1
_SPECIAL = frozenset((_OWN_INDEX, ".git", *IGNORE_FILES))
"""Hidden names that say something of the folder that they are in."""
_NEVER = re.compile(r"\.(git|hg|svn|jj|edgeembed(-.*)?(\.new|\.old)?)")
"""What is left out even where hidden files are taken in: version control, indexes, and those that are being made."""
_HAS_FLAGS = hasattr(os.stat_result, "st_file_attributes") or hasattr(os.stat_result, "st_flags")


def walk(
    root: Path,
    *,
    exclude: Iterable[Path] = (),
    options: WalkOptions = WalkOptions(),  # noqa: B008 (it is frozen)
    below: str = "",
    deep: bool = True,
    left_out: list[LeftOut] | None = None,
    folders: list[str] | None = None,
) -> Iterator[FileStat | Skipped]:
    """Find the files of a folder.

    Left out on purpose: what ignore rules name, hidden names, what systems and programs leave behind, links to
    folders, links that leave the folder or lead to something hidden in it.

    Args:
        root: the folder; may itself be a link.
        exclude: files and folders to leave out besides; those outside ``root`` have no effect.
        options: what is taken in and what is not.
        below: only what is in this folder, relative to ``root``, with ``/``, without links; the rules of all folders
            on the way count, and nothing is found where one of them is left out. Empty: everything.
        deep: ``False``: not what is in the folders that are in it.
        left_out: gets what is left out on purpose, each folder as one; ``None``: nobody asks.
        folders: gets the folders that are read, as the system takes them; ``None``: nobody asks.

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
    return _Walk(real, excluded, options, left_out, folders).run(below, deep=deep)


def left_out_by(root: Path, below: str, options: WalkOptions, *, is_folder: bool = True) -> LeftOut | None:
    """What keeps a folder below ``root`` out, or one on the way to it; ``None``: nothing does.

    Args:
        below: as in :func:`walk`.
        is_folder: ``False``: it names a file.
    """
    start = _Walk(root.resolve(), frozenset(), options, None).start(below, is_folder=is_folder)
    return start if isinstance(start, LeftOut) else None


def enclosing_rule(folder: Path) -> str | None:
    """The rule of an enclosing git repository that leaves a folder out; ``None``: none does, or it is in none.

    A folder that is named is walked all the same, but the rule may fit what is in it too.
    """
    real = folder.resolve()
    repository = next((above for above in (real, *real.parents) if os.path.lexists(above / ".git")), None)
    if repository in (None, real):
        return None
    left_out = left_out_by(repository, real.relative_to(repository).as_posix(), WalkOptions(hidden=True))
    return None if left_out is None or left_out.rule == HIDDEN else f"{repository}: {left_out.rule}"


class _Folder(NamedTuple):
    """A folder that is still to be read."""

    path: str
    """As the system takes it."""
    prefix: str
    """Relative to the root, with ``/`` at the end; empty for the root."""
    rules: Rules
    """Those that apply to its entries."""


class _Walk:
    def __init__(
        self,
        root: Path,
        excluded: frozenset[str],
        options: WalkOptions,
        left_out: list[LeftOut] | None,
        folders: list[str] | None = None,
    ) -> None:
        self._root = root
        self._excluded = excluded
        self._options = options
        self._left_out = left_out
        self._folders = folders
        self._identity = file_id(root)
        self._seen: set[tuple[int, int]] = set()
        """Folders that were read, where links are followed: two links may lead to one, or to one and what is in it."""
        self._problems: list[Skipped] = []

    def run(self, below: str, *, deep: bool = True) -> Iterator[FileStat | Skipped]:
        """Yield the files of each folder in path order, then one ``Skipped`` for each unusable ignore rule."""
        start = self.start(below)
        if isinstance(start, LeftOut):
            self._leave_out(start.path, start.rule)
        todo = [] if isinstance(start, LeftOut) else [start]
        while todo:
            folder = todo.pop()
            deeper: list[_Folder] = []
            yield from self._read(folder, deeper)
            todo.extend(reversed(deeper) if deep else ())
        check_still_there(self._root, self._identity)
        yield from self._problems

    def start(self, below: str, *, is_folder: bool = True) -> _Folder | LeftOut:
        """The folder to begin with, or what keeps it out; ``is_folder``: whether the last step is one."""
        ignore = self._options.ignore
        rules = inherited_rules(self._root, self._problems) if ignore else built_in_rules(ignore=False)
        if ignore and self._options.patterns:
            rules = with_patterns(rules, self._options.patterns)
        folder = _Folder(os.fspath(self._root), "", rules)
        for step in below.split("/") if below else ():
            path, rules = folder.prefix + step, self._with_own_rules(folder, _SPECIAL)
            if step[0] == "." and (not self._options.hidden or _NEVER.fullmatch(step)):
                return LeftOut(f"{path}/", HIDDEN)
            is_inner = is_folder or len(path) < len(below)
            if ignored(rules, step, path, is_inner):
                return LeftOut(path + "/" * is_inner, _source(rules, step, path, is_inner))
            folder = _Folder(os.path.join(folder.path, step), f"{path}/", rules)  # noqa: PTH118 (as scandir has it)
        return folder

    def _read(self, folder: _Folder, deeper: list[_Folder]) -> Iterator[FileStat | Skipped]:
        """The files of one folder; what is to be read next is appended to ``deeper``."""
        names: list[tuple[str, os.DirEntry[str]]] = []
        special: set[str] = set()
        try:
            if self._was_read(folder):
                return
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == ".":
                        if name in _SPECIAL:
                            special.add(name)
                        if not self._options.hidden or _NEVER.fullmatch(name):
                            self._leave_out_hidden(entry, folder.prefix)
                            continue
                    names.append((name, entry))
        except OSError as error:
            yield from self._cannot_read(folder, error)
            return
        if folder.prefix and _OWN_INDEX in special and Path(folder.path, _OWN_INDEX, "catalog.sqlite").exists():
            yield Skipped(folder.prefix[:-1], OWN_INDEX)
            return
        if self._folders is not None:
            self._folders.append(folder.path)
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
                deeper.append(result)
            elif result is not None:
                yield result

    def _look(self, entry: os.DirEntry[str], path: str, rules: Rules) -> FileStat | Skipped | _Folder | None:
        """What an entry is: a file, a folder to read, or ``None`` for what is left out on purpose."""
        is_folder = entry.is_dir(follow_symlinks=False)
        if path in self._excluded:
            return None
        if ignored(rules, entry.name, path, is_folder):
            if self._left_out is not None:
                self._leave_out(path + "/" * is_folder, _source(rules, entry.name, path, is_folder))
            return None
        if is_folder and not _HAS_FLAGS:
            return _Folder(entry.path, path + "/", rules)
        info = entry.stat(follow_symlinks=False)
        if modes.S_ISLNK(info.st_mode):
            target = self._link_target(Path(entry.path), path)
            if isinstance(target, str):
                self._leave_out(path, target)
                return None
            if isinstance(target, Skipped):
                return target
            info, is_folder = target, modes.S_ISDIR(target.st_mode)
        if not is_folder and not modes.S_ISREG(info.st_mode):
            return Skipped(path, f"{NOT_A_FILE}: {_file_type(info.st_mode)}")
        if _HAS_FLAGS and _is_hidden_or_junction(info) and not self._options.hidden:
            self._leave_out(path + "/" * is_folder, HIDDEN)
            return None
        if _HAS_FLAGS and _is_in_the_cloud(info):
            return Skipped(path, IN_THE_CLOUD)
        if is_folder:
            return _Folder(entry.path, path + "/", rules)
        # Inodes may have 64 bits, of which the catalog takes 63; on Windows a listing has none.
        return FileStat(path, info.st_size, info.st_mtime_ns, info.st_ino & _INODE_BITS or None, info.st_ctime_ns)

    def _link_target(self, link: Path, path: str) -> os.stat_result | Skipped | str:
        """What a link leads to, or why it is not followed; a folder only where such links are."""
        try:
            target = link.resolve(strict=True)
            is_inside = target.is_relative_to(self._root)
            if is_inside and self._is_left_out_inside(target):
                return "a link to what is left out"
            info = target.stat()
        except PermissionError:
            return "a link to what may not be read"
        except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
            return Skipped(path, f"{NOT_A_FILE}: a broken link")
        if modes.S_ISDIR(info.st_mode):
            return self._folder_target(target, is_inside) or info
        return info if is_inside or self._options.follow else "a link that leaves the folder (--follow)"

    def _folder_target(self, target: Path, is_inside: bool) -> str | None:
        """Why a link to a folder is not followed; ``None``: it is."""
        if is_inside:
            return "a link to a folder in this one"
        if not self._options.follow:
            return "a link to a folder (--follow)"
        return "a link to a folder that this one is in" if self._root.is_relative_to(target) else None

    def _was_read(self, folder: _Folder) -> bool:
        """Whether a link has led to a folder before."""
        if not self._options.follow:
            return False
        identity = file_id(Path(folder.path))
        if identity in self._seen:
            self._leave_out(folder.prefix, "a folder that another link leads to")
            return True
        self._seen.add(identity)
        return False

    def _is_left_out_inside(self, target: Path) -> bool:
        relative = target.relative_to(self._root)
        steps = [step for step in (relative, *relative.parents) if step.name]
        is_hidden = any(step.name.startswith(".") for step in steps) and not self._options.hidden
        return is_hidden or any(step.as_posix() in self._excluded or _NEVER.fullmatch(step.name) for step in steps)

    def _leave_out(self, path: str, rule: str) -> None:
        if self._left_out is not None:
            self._left_out.append(LeftOut(path, rule))

    def _leave_out_hidden(self, entry: os.DirEntry[str], prefix: str) -> None:
        if self._left_out is not None and not entry.name.startswith(_OWN_INDEX):
            self._leave_out(prefix + entry.name + "/" * entry.is_dir(follow_symlinks=False), HIDDEN)

    def _cannot_read(self, folder: _Folder, error: OSError) -> Iterator[Skipped]:
        gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
        if not folder.prefix:
            raise error
        if gone:
            check_still_there(self._root, self._identity)
        else:
            yield Skipped(folder.prefix[:-1], unreadable(error))

    def _with_own_rules(self, folder: _Folder, special: Collection[str]) -> Rules:
        """The rules for the entries of a folder in which there are (or may be) these special names."""
        rules, at, cut = folder.rules, Path(folder.path), len(byte_text(folder.prefix))
        library = library_rules(at.name, cut=cut) if self._options.ignore else None
        rules = rules if library is None else Rules((*rules.sets, library))
        if not self._options.ignore or not special:
            return rules
        if folder.prefix and ".git" in special and os.path.lexists(at / ".git"):
            rules = repository_rules(rules, at, folder.prefix[:-1], self._problems, cut=cut)
        paths = [at / name for name in IGNORE_FILES if name in special]
        files = [(path, folder.prefix + path.name) for path in paths if is_plain_file(path)]
        return rules.with_nearer(read_rules(files, self._problems, cut=cut)) if files else rules


def _source(rules: Rules, name: str, path: str, is_folder: bool) -> str:
    """Where the rule comes from that leaves an entry out."""
    rule = deciding_rule(rules, name, path, is_folder)
    return rule.source if rule is not None else "ignored"


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
