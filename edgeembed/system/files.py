"""Files on disk: flushed so that they survive a power cut, hashed, identified; and the user's cache."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows does so by itself and cannot open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_id(path: Path) -> tuple[int, int]:
    """Which file or folder it is, whatever it is called: device and inode.

    Raises:
        FileNotFoundError: there is none.
    """
    info = path.stat()
    return info.st_dev, info.st_ino


def as_on_disk(path: Path) -> Path:
    """``path`` as the file system spells it, where only the composition of letters differs (NFC, NFD); else itself.

    Names that a Mac wrote to an archive are decomposed, and what is typed is not; most systems take them for two names.
    What stands behind the path of a file stays as it is.
    """
    if os.fspath(path).isascii() or path.exists():
        return path
    actual = Path(path.anchor)
    parts = path.parts[1 if path.anchor else 0 :]
    for number, name in enumerate(parts):
        if actual.is_file():  # a message of a mailbox
            return actual.joinpath(*parts[number:])
        if not (actual / name).exists():
            try:
                names = [entry.name for entry in actual.iterdir()]
            except OSError:
                return path
            nfc = unicodedata.normalize("NFC", name)
            same = sorted(other for other in names if unicodedata.normalize("NFC", other) == nfc)
            if not same:
                return path
            name = same[0]
        actual /= name
    return actual


def cache_path(folder: Path, purpose: str) -> Path | None:
    """Where something about a folder is kept in the user's cache: under ``purpose``, by a digest of its path.

    ``None``: the user has no cache, as a service without a home folder. It need not be there, nor be writable.
    """
    from platformdirs import user_cache_path

    try:
        cache = user_cache_path("edgeembed", appauthor=False)
    except RuntimeError:  # there is no home folder
        return None
    if not cache.is_absolute():  # to older versions of platformdirs ~ stays as it is then
        return None
    digest = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=12).hexdigest()
    return cache / purpose / digest
