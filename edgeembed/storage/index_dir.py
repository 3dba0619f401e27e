"""Which folders an index may be in: its own, and no other; and how a new index takes the place of an old one.

Whoever names the folder of an index may have meant another one. So nothing is written into a folder that holds other
files, and nothing is renamed or removed but what has the names of an index's files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..catalog.database import CATALOG_NAME, is_catalog, with_logs
from ..catalog.rows import is_segment_name
from ..errors import IndexCorruptError, NotAnIndexError, path_error
from .lock import LOCK_FILES

INDEX_NAME = ".edgeembed"
_TAG_NAME = "CACHEDIR.TAG"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# An index of edgeembed; it can be made again. See https://bford.info/cachedir/\n"
_MARKS = {".gitignore": "*\n", _TAG_NAME: _TAG}
DAMAGED_NAME = f"{CATALOG_NAME}.damaged.part"
"""The copy of a catalog that is being repaired."""
_CATALOGS = (CATALOG_NAME, f"{CATALOG_NAME}.part", DAMAGED_NAME)
_OWN_NAMES = frozenset((*LOCK_FILES, *_MARKS, *(path.name for name in _CATALOGS for path in with_logs(Path(name)))))
_JUNK_NAMES = frozenset((".ds_store", ".directory", ".localized", "thumbs.db", "ehthumbs.db", "desktop.ini"))
"""What systems leave in a folder that somebody looked at; in lower case."""
_JUNK_PREFIXES = (".nfs", ".fuse_hidden")
"""Files that were removed while a process had them open, where the file system cannot do without a name."""


def named_index_dir(path: str | os.PathLike[str]) -> Path:
    """The folder that somebody named for an index.

    Raises:
        ValueError: the name is empty, which would be the current folder.
    """
    if not os.fspath(path):
        raise ValueError("the name of the index's folder is empty; name an empty or a new folder")
    return Path(path)


def check_index_dir(folder: Path) -> None:
    """Refuse a folder that is neither an index, alone in it, nor empty or absent.

    Raises:
        NotADirectoryError: it is a file.
        NotAnIndexError: it holds something else.
        IndexCorruptError: it holds a link.
    """
    if not folder.is_dir():
        if os.path.lexists(folder):
            raise path_error(folder, NotADirectoryError, "an index is a folder, and this is a file")
        return
    for name in foreign_files(folder):
        raise NotAnIndexError(folder, f"holds what is not edgeembed's, such as {name}")
    refuse_links(folder)


def check_catalog(folder: Path) -> None:
    """Refuse a folder whose catalog was made by another program.

    Raises:
        NotAnIndexError: it was.
    """
    if not _has_catalog(folder):
        raise NotAnIndexError(folder, f"its {CATALOG_NAME} is not edgeembed's")


def refuse_links(folder: Path) -> None:
    """No writer makes a link in an index; one that is there could lead anywhere."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise IndexCorruptError(entry.path, "is a link, and an index follows none", "remove it")


def write_cache_tags(index_dir: Path) -> None:
    """Keep git and backup programs out of an index; where other files lie beside it, they must not lose them."""
    missing = {name: content for name, content in _MARKS.items() if not (index_dir / name).exists()}
    if not missing or any(foreign_files(index_dir)):
        return
    for name, content in missing.items():
        with suppress(OSError), (index_dir / name).open("x") as file:  # it is there, or nothing can be written
            file.write(content)


def foreign_files(folder: Path) -> Iterator[str]:
    """Names in a folder that are not those of an index's files; its catalog, if another program made it."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            is_own = is_own_name(entry.name) and not entry.is_dir(follow_symlinks=False)
            if not is_own or (entry.name == CATALOG_NAME and not _has_catalog(folder)):
                yield entry.name


def _has_catalog(folder: Path) -> bool:
    """Whether the catalog is edgeembed's; of one that is too damaged to say so, the marks beside it do."""
    if is_catalog(folder / CATALOG_NAME):
        return True
    try:
        return (folder / _TAG_NAME).read_text(encoding="utf-8") == _TAG
    except (OSError, ValueError):
        return False


def is_own_name(name: str) -> bool:
    name = name.removeprefix("._")  # macOS keeps a file of that name beside each, where the disk is of another system
    is_junk = name.lower() in _JUNK_NAMES or name.startswith(_JUNK_PREFIXES)
    return is_junk or name in _OWN_NAMES or is_segment_name(name.removesuffix(".part"))
