"""A folder of files and the index that follows it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .catalog import CATALOG_NAME
from .documents import Document, read_document
from .durable import sync_folder
from .errors import IndexCorruptError, IndexNotFoundError
from .files import FileStat
from .index import Index
from .lock import process_lock
from .maintenance import IndexStatus
from .model_facts import models_at
from .opening import open_catalog
from .pairing import Given, Model, is_made_with, models_for_rebuild
from .queries import Meaning, Weighted
from .ranking import Hit
from .readers.extracted import PictureNeed
from .searcher import Mode
from .skipped import Skipped
from .sync import SyncPlan, SyncProgress, SyncReport, plan_sync, sync

if TYPE_CHECKING:
    from .explain import Explanation

INDEX_NAME = ".edgeembed"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# An index of edgeembed; it can be made again. See https://bford.info/cachedir/\n"
_SWITCH_SECONDS = 60.0


class Folder:
    """A folder whose files can be searched by meaning; :meth:`sync` brings the index up to date."""

    def __init__(self, path: Path, index: Index) -> None:
        """For :meth:`open`, which callers want."""
        self.path = path
        self.index = index

    @classmethod
    def rebuild(
        cls,
        path: str | os.PathLike[str],
        *,
        index: str | os.PathLike[str] | None = None,
        model: Model = None,
        image_model: Model = None,
        threads: int | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Make the index of a folder anew beside the old one, which answers until the new one takes its place.

        After a cancel the next rebuild with the same models goes on where this one ended.

        Args:
            model, image_model: as in :meth:`Index.open`; ``None`` is the one of the old index if it can still be had
                and goes with the other.
            Others as in :meth:`open` and :meth:`sync`.
        """
        root = check_folder(path)
        place = Path(index) if index is not None else index_path(root)
        fresh, old = place.with_name(place.name + ".new"), place.with_name(place.name + ".old")
        with suppress(IndexCorruptError, IndexNotFoundError):  # then its model cannot be asked for either
            open_catalog(place).close()
        given = models_for_rebuild(models_at(place), Given(model, image_model))
        if fresh.exists() and not is_made_with(models_at(fresh), given):
            shutil.rmtree(fresh)
        with cls.open(root, index=fresh, model=given.text, image_model=given.image, threads=threads) as folder:
            report = folder.sync(progress=progress, cancel=cancel)
        if not report.cancelled:
            _switch(place, fresh, old)
        return report

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        index: str | os.PathLike[str] | None = None,
        model: Model = None,
        image_model: Model = None,
        read_only: bool = False,
        threads: int | None = None,
    ) -> Folder:
        """Open a folder, and its index, which is made if it is not there.

        Args:
            path: the folder with the files.
            index: folder of the index; ``None`` is ``.edgeembed`` in the folder itself, or, where nothing can be
                written, a folder in the user's cache.
            model, image_model: as in :meth:`Index.open`.
            read_only: ``True`` writes nothing, anywhere; the index must exist.
            threads: as in :meth:`Index.open`.

        Raises:
            FileNotFoundError: no such folder.
            NotADirectoryError: it is a file.
            As :meth:`Index.open`.
        """
        root = check_folder(path)
        place = Path(index) if index is not None else index_path(root)
        if index is None and place.is_symlink():
            raise IndexCorruptError(place, "is a link, which is not followed", f"name its target with --index {place}")
        before = place.with_name(place.name + ".old")
        if before.exists() and not place.exists() and not read_only:
            before.rename(place)
        if read_only and not (place / CATALOG_NAME).is_file():
            raise IndexNotFoundError(place, f"make one with `edgeembed index {root}`")
        opened = Index.open(place, model=model, image_model=image_model, read_only=read_only, threads=threads)
        if not read_only:
            _mark(place)
        return cls(root, opened)

    def plan(self) -> SyncPlan:
        """Walk the folder and compare it with the index; changes nothing."""
        return plan_sync(self.path, self.index)

    def sync(
        self,
        *,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Bring the index up to date with the folder.

        Files that did not change are not read, contents that are known are not embedded, and files that cannot be
        used are listed and not raised. Work is committed every few seconds.

        Args:
            progress: called after each file.
            cancel: asked now and then; once it answers ``True`` the sync ends, and what was done is kept.

        Raises:
            IndexLockedError: another process is writing; nothing is locked when nothing changed.
            ModelMismatchError: something must be embedded and the model is not the one of the index.
        """
        return sync(self.path, self.index, progress=progress, cancel=cancel)

    def search(
        self,
        query: Meaning,
        *,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        mode: Mode = "hybrid",
        plus: Iterable[Weighted] = (),
        minus: Iterable[Weighted] = (),
        min_score: float | Literal["auto"] | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """Search the index as it is; see :meth:`Index.search`. ``Hit.id`` is the path relative to the folder."""
        return self.index.search(
            query, k=k, where=where, mode=mode, plus=plus, minus=minus, min_score=min_score, exact=exact
        )

    def similar(
        self,
        file: str | os.PathLike[str],
        *,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        min_score: float | Literal["auto"] | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """Files like another one; see :meth:`Index.similar`.

        Args:
            file: path of a file. One that is not in the index is read now.

        Raises:
            ValueError: the file holds nothing that could be compared.
        """
        path = Path(file)
        item: str | Document = self._id_of(path)
        if self.index.ask(lambda snapshot: snapshot.document(str(item))) is None:
            item = _read_alone(path, self.index.pictures)
        return self.index.similar(item, k=k, where=where, min_score=min_score, exact=exact)

    def explain(self, query: Meaning, file: str | os.PathLike[str]) -> Explanation:
        """Which words of a file's best passage made it match a query; see :meth:`Index.explain`.

        Raises:
            KeyError: the file is not in the index.
            As :meth:`Index.explain`.
        """
        return self.index.explain(query, self._id_of(Path(file)))

    def status(self) -> IndexStatus:
        """See :meth:`Index.status`."""
        return self.index.status()

    def close(self) -> None:
        """Close the index; see :meth:`Index.close`."""
        self.index.close()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _id_of(self, path: Path) -> str:
        """The id of a file, empty for one outside the folder."""
        try:
            return path.resolve().relative_to(self.path.resolve()).as_posix()
        except ValueError:
            return ""


def check_folder(path: str | os.PathLike[str]) -> Path:
    """``path`` as a ``Path``, if it is a folder that can be listed.

    Raises:
        FileNotFoundError, NotADirectoryError, PermissionError: with the path and what to do.
    """
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"{folder}: no such folder; give the folder that holds your files")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: this is a file; give the folder it is in")
    try:
        with os.scandir(folder):
            pass
    except PermissionError as error:
        raise PermissionError(f"{folder}: this folder cannot be read; check its permissions") from error
    return folder


def index_path(folder: Path) -> Path:
    """Where the index of a folder is, or would be made."""
    inside = folder / INDEX_NAME
    if (inside / CATALOG_NAME).is_file() or os.access(folder, os.W_OK):
        return inside
    from platformdirs import user_cache_path

    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=12).hexdigest()
    return user_cache_path("edgeembed", appauthor=False) / "indexes" / name


def _switch(place: Path, fresh: Path, old: Path) -> None:
    """Put the new index in the place of the old one, while nobody writes to either.

    If the process dies between the two renames, ``Folder.open`` takes the old one back.
    """
    with ExitStack() as locks:
        for folder in (place, fresh):
            if (folder / CATALOG_NAME).is_file():
                locks.enter_context(process_lock(folder, wait_seconds=_SWITCH_SECONDS))
        if not (fresh / CATALOG_NAME).is_file():
            return  # another process made the same index anew and was first
        if os.name == "nt":
            locks.close()  # a folder in which a file is open cannot be renamed there
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        fresh.rename(place)
        sync_folder(place.parent)
    shutil.rmtree(old, ignore_errors=True)


def _read_alone(path: Path, pictures: PictureNeed | None) -> Document:
    """A file that is not in the index as a document."""
    info = path.stat()
    stat = FileStat(path.name, info.st_size, info.st_mtime_ns)
    document = read_document(path.parent, stat, pictures=pictures)
    if isinstance(document, Skipped):
        raise ValueError(f"{path}: {document.reason}; there is nothing to compare")
    return document


def _mark(place: Path) -> None:
    """Keep git and backup programs out of the index."""
    for name, content in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
        with suppress(FileExistsError), (place / name).open("x") as file:
            file.write(content)
