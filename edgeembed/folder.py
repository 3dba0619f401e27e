"""A folder of files and the index that follows it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from .catalog.database import CATALOG_NAME
from .document import Document
from .errors import (
    ImageError,
    IndexCorruptError,
    IndexNotFoundError,
    NotAnIndexError,
    UnsupportedInputError,
    path_error,
)
from .index import Index
from .index_models.choice import continues
from .index_models.meanings import Meaning
from .index_models.records import models_at
from .index_models.requests import Model, RequestedModels, models_for_rebuild
from .maintenance.status import IndexStatus, index_status
from .reading.entries import FileStat, Skipped
from .reading.parts import FileParts
from .reading.read_file import read_document
from .reading.sandbox.protocol import DecodeRequest
from .search.hits import Hit
from .storage.index_dir import named_index_dir, write_cache_tags
from .storage.index_place import index_place
from .storage.index_swap import check_swap, rebuild_dir, remove_index, roll_back_swap, swap_in
from .storage.open import open_catalog, open_store
from .storage.store import Store
from .sync.companions import with_companions
from .sync.plan import SyncPlan, plan_sync
from .sync.report import SyncProgress, SyncReport
from .sync.sync import sync
from .sync.walk import walk
from .sync.walk_options import WalkOptions, options_at
from .system.files import as_on_disk, check_folder
from .system.limits import checked_threads

if TYPE_CHECKING:
    from .search.explain import Explanation


_log = logging.getLogger(__name__)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def _of_index(
    method: Callable[Concatenate[Index, _Arguments], _Result],
) -> Callable[Concatenate[Folder, _Arguments], _Result]:
    """A method of a folder that is one of its index, with the same signature and documentation."""

    @wraps(method)
    def call(folder: Folder, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        return method(folder.index, *args, **kwargs)

    return call


class Folder:
    """A folder whose files can be searched by meaning; :meth:`sync` brings the index up to date."""

    def __init__(self, path: Path, store: Store) -> None:
        """For :meth:`open`, which callers want."""
        self.path = path
        self.index = Index(store)
        self._store = store

    @classmethod
    def rebuild(
        cls,
        path: str | os.PathLike[str],
        *,
        index: str | os.PathLike[str] | None = None,
        model: Model = None,
        image_model: Model = None,
        threads: int | None = None,
        options: WalkOptions | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Make the index of a folder anew beside the old one, which answers until the new one takes its place.

        After a cancel the next rebuild with the same models goes on where this one ended.

        Args:
            model, image_model: as in :meth:`Index.open`; ``None`` is the one of the old index if it can still be had
                and goes with the other.
            options: which files are taken in, from now on; ``None``: those that the old index records.
            Others as in :meth:`open` and :meth:`sync`.

        Raises:
            NotAnIndexError: a file that is not edgeembed's lies in the folder of the index, or where the new one is
                made; nothing is touched.
            As :meth:`open` and :meth:`sync`.
        """
        threads = checked_threads(threads)
        root = check_folder(path)
        index_dir = _index_dir(root, index).resolve()  # a link to the index stays, and so does what "." means
        roll_back_swap(index_dir)
        check_swap(index_dir)
        with suppress(IndexCorruptError, IndexNotFoundError):  # then its model cannot be asked for either
            open_catalog(index_dir).close()
        options = options_at(index_dir) if options is None else options
        requested, scratch = RequestedModels(model, image_model), rebuild_dir(index_dir)
        decision = models_for_rebuild(models_at(index_dir), requested, scratch)
        goes_on = continues(models_at(scratch), decision.models, requested.info())
        _log.info("%s: made anew: %s; %s", root, decision.reason, "goes on" if goes_on else "from the start")
        if not goes_on:
            remove_index(scratch)
        requested = requested.completed_by(decision.models)
        with cls.open(
            root, index=scratch, model=requested.text, image_model=requested.image, threads=threads
        ) as folder:
            report = sync(root, folder._store, progress=progress, cancel=cancel, exclude=index_dir, options=options)
        if not report.cancelled:
            swap_in(index_dir, scratch)
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
                written and in what Dropbox and the like copy, a folder in the user's cache.
            model, image_model: as in :meth:`Index.open`.
            read_only: ``True`` writes nothing, anywhere; the index must exist.
            threads: as in :meth:`Index.open`.

        Raises:
            FileNotFoundError: no such folder.
            NotADirectoryError: it is a file.
            IndexNotWritableError: neither the folder nor the user's cache can be written.
            As :meth:`Index.open`.
        """
        threads = checked_threads(threads)
        root = check_folder(path)
        index_dir = _index_dir(root, index)
        if not read_only:
            roll_back_swap(index_dir)
        if read_only and not (index_dir / CATALOG_NAME).is_file():
            raise IndexNotFoundError(index_dir, f"make one with `edgeembed index {root}` or Folder.sync")
        requested = RequestedModels(model, image_model)
        store = open_store(index_dir, requested, read_only=read_only, threads=threads)
        if not read_only:
            write_cache_tags(index_dir)
        return cls(root, store)

    @classmethod
    def plan_rebuild(
        cls,
        path: str | os.PathLike[str],
        *,
        index: str | os.PathLike[str] | None = None,
        options: WalkOptions | None = None,
    ) -> tuple[FileStat, ...]:
        """The files that :meth:`rebuild` would read, all of them; changes nothing.

        Args:
            path, index: as in :meth:`open`.
            options: as in :meth:`rebuild`.

        Raises:
            As :meth:`rebuild`.
        """
        root = check_folder(path)
        index_dir = _index_dir(root, index).resolve()
        check_swap(index_dir)
        entries = walk(root, exclude=[index_dir], options=options_at(index_dir) if options is None else options)
        return tuple(entry for entry in with_companions(entries) if isinstance(entry, FileStat))

    def plan(self, *, options: WalkOptions | None = None, below: str = "", lists_left_out: bool = False) -> SyncPlan:
        """Walk the folder and compare it with the index; changes nothing.

        Args:
            options, below: as in :meth:`sync`.
            lists_left_out: whether the plan lists what is left out on purpose, and by which rule.

        Raises:
            FileNotFoundError, FolderMismatchError: as :meth:`sync`.
        """
        return plan_sync(self.path, self._store, options=options, below=below, lists_left_out=lists_left_out)

    def sync(
        self,
        *,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        checksum: bool = False,
        options: WalkOptions | None = None,
        below: str | Collection[str] = "",
        deep: bool = True,
        later: Collection[str] = (),
    ) -> SyncReport:
        """Bring the index up to date with the folder.

        Files whose size, time, inode and ctime did not change are not read, contents that are known are not embedded,
        and files that cannot be used are listed and not raised. Work is committed every few seconds. Where an index
        lies elsewhere and the folder holds no file any more, as the mount point of a drive, all is kept, and ``.`` is
        listed as skipped.

        Args:
            progress: called after each file, and some times a second while texts and images are embedded; it counts
                what is embedded.
            cancel: called some times a second; once it returns ``True`` the sync ends within about a second, and what
                is embedded is kept.
            checksum: ``True`` reads every file, also those that look as they did when they were last read.
            options: which files are taken in, from now on: it is recorded; ``None``: those that were recorded last.
            below: only what is in this folder, relative to the folder, with ``/``, without links; all else in the
                index stays as it is; or in several folders. Empty: everything.
            deep: ``False``: not what is in the folders that are in it.
            later: paths of files, relative likewise, that are not read now, such as those that are still being written.

        Raises:
            FileNotFoundError: the folder went away meanwhile; nothing is taken for deleted.
            FolderMismatchError: the index holds the files of another folder, and most are not in this one.
            IndexLockedError: another process is writing; nothing is locked when nothing changed.
            ModelMismatchError: something must be embedded and the model is not the one of the index.
        """
        return sync(
            self.path,
            self._store,
            progress=progress,
            cancel=cancel,
            checksum=checksum,
            options=options,
            below=below,
            deep=deep,
            later=later,
        )

    search = _of_index(Index.search)
    """As :meth:`Index.search`, of the index as it is; ``Hit.id`` is the path relative to the folder."""

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
            file: path of a file, or as ``Hit.id`` names it: of a message in a mailbox with its number behind a ``/``.
                One that is not in the index is read now.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file holds nothing that could be compared.
            ImageError: it is an image that cannot be read.
            TypeError: ``file`` is no path.
        """
        path = _given_path(file, '; what is in no file goes to folder.index.similar(Document("q", image=...))')
        item = self._known(path) or _read_alone(path, self._store.models.decode_request)
        try:
            return self.index.similar(item, k=k, where=where, min_score=min_score, exact=exact)
        except ImageError as error:  # the image has been read, and only here its path is known
            raise ImageError(path, error.reason) from error

    def explain(self, query: Meaning, file: str | os.PathLike[str], *, syntax: bool = True) -> Explanation:
        """Which words of a file's best passage made it match a query; see :meth:`Index.explain`.

        Args:
            query, syntax: as there.
            file: as in :meth:`similar`.

        Raises:
            KeyError: the file is not in the index.
            TypeError: ``file`` is no path.
            As :meth:`Index.explain`.
        """
        id = self._known(_given_path(file))
        if id is None:
            raise KeyError(f"{file}: not in the index of {self.path}")
        try:
            return self.index.explain(query, id, syntax=syntax)
        except (UnsupportedInputError, ValueError) as error:
            if getattr(error, "path", None) != id:
                raise  # it is about the query
            raise path_error(file, type(error), str(getattr(error, "reason", error))) from error

    def status(self, *, below: str = "") -> IndexStatus:
        """As :meth:`Index.status`.

        Args:
            below: count and list only what is in this folder, as in :meth:`sync`; sizes are those of the whole index.
        """
        return self._store.read(lambda snapshot: index_status(snapshot, self.index.path, self._store.models, below))

    def close(self) -> None:
        """Close the index; see :meth:`Index.close`."""
        self.index.close()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _known(self, file: Path) -> str | None:
        """The id of a file in the index, given by its path or by its id; ``None``: it is not there."""
        resolved, root = file.resolve(), self.path.resolve()
        names = [resolved.relative_to(root).as_posix()] if resolved.is_relative_to(root) else []
        if not file.exists():
            names.append(file.as_posix())
            if not file.is_absolute():
                names.append(as_on_disk(self.path / file).relative_to(self.path).as_posix())
        return self._store.read(lambda snapshot: next((id for id in names if snapshot.has_documents_of(id)), None))


def _index_dir(root: Path, index: str | os.PathLike[str] | None) -> Path:
    """Where the index of a folder is to be; ``index`` as in :meth:`Folder.open`."""
    index_dir = index_place(root).path if index is None else named_index_dir(index)
    if index is None and os.path.islink(index_dir):  # noqa: PTH114 (false where it cannot be looked at)
        target = index_dir.resolve()
        raise IndexCorruptError(
            index_dir, "is a link, which is not followed", f"name its target with index= or --index {target}"
        )
    if index_dir.resolve() == root.resolve():
        raise NotAnIndexError(index_dir, "is the folder with the files themselves")
    return index_dir


def _given_path(file: object, advice: str = "") -> Path:
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"file must be a path, not {type(file).__name__}{advice}")
    return as_on_disk(Path(file))


def _read_alone(path: Path, images: DecodeRequest | None) -> Document:
    """A file that is not in the index as a document."""
    is_part = path.name.isdecimal() and path.parent.is_file()
    file = path.parent if is_part else path
    info = file.stat()
    stat = FileStat(file.name, info.st_size, info.st_mtime_ns)
    found = read_document(file.parent, stat, images=images)
    if isinstance(found, FileParts):
        found = found.joined(stat.path, int(path.name) if is_part else None)
    elif is_part:
        path.stat()  # it is none
    if isinstance(found, Skipped):
        raise path_error(path, ValueError, f"{found.reason}; there is nothing to compare")
    return found
