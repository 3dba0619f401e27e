"""Files on disk: flushed so that they survive a power cut, hashed, identified; and the user's cache."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from pathlib import Path

from ..errors import path_error


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


def check_folder(path: str | os.PathLike[str]) -> Path:
    """``path`` as a ``Path``, if it is a folder that can be listed.

    Raises:
        FileNotFoundError, NotADirectoryError, PermissionError: with the path and what to do.
    """
    folder = as_on_disk(Path(path))
    if not folder.exists():
        raise path_error(folder, FileNotFoundError, "no such folder; give the folder that holds your files")
    if not folder.is_dir():
        raise path_error(folder, NotADirectoryError, "this is a file; give the folder it is in")
    try:
        with os.scandir(folder):
            pass
    except PermissionError as error:
        raise path_error(folder, PermissionError, "this folder cannot be read; check its permissions") from error
    return folder


def user_cache() -> Path | None:
    """Where this user's caches of edgeembed are; it need not be there, nor be writable.

    ``None``: the user has no cache, as a service without a home folder.
    """
    from platformdirs import user_cache_path

    try:
        cache = user_cache_path("edgeembed", appauthor=False)
    except RuntimeError:  # there is no home folder
        return None
    return cache if cache.is_absolute() else None  # to older versions of platformdirs ~ stays as it is then


def cache_path(folder: Path, purpose: str) -> Path | None:
    """Where something about a folder is kept in the user's cache: under ``purpose``, by a digest of its path.

    ``None``: as of :func:`user_cache`. It need not be there, nor be writable.
    """
    cache = user_cache()
    return None if cache is None else cache / purpose / path_digest(folder)


def path_digest(path: Path) -> str:
    """A name for a file or folder, by where it really is: 24 hexadecimal digits."""
    return hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()


def make_private_folder(folder: Path) -> bool:
    """Make a folder that its owner alone may read, in one that its owner alone may write to; whether they are there.

    One that belongs to somebody else, or lies in such a one, is none: they could put other files in the place of ours.
    """
    try:
        for candidate, forbidden in ((folder.parent, 0o022), (folder, 0o077)):
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
            info = candidate.lstat()
            if not stat.S_ISDIR(info.st_mode) or (hasattr(os, "getuid") and info.st_uid != os.getuid()):
                return False
            if hasattr(os, "getuid") and info.st_mode & forbidden:
                candidate.chmod(stat.S_IMODE(info.st_mode) & ~forbidden)
    except OSError:
        return False
    return True


def write_private(path: Path, content: bytes) -> None:
    """Put a file that its owner alone may read in the place of another, all at once.

    Raises:
        OSError: nothing can be written there.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
