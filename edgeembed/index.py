"""An index of documents: an application's own records, or, through ``Folder``, files."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from .bundle import Manifest, read_bundle
from .catalog import CATALOG_NAME, Catalog, SnapshotLostError, create_catalog, upgrade_catalog
from .chunks import split
from .documents import Document
from .embedder import Embedder, usable_cores
from .errors import (
    BundleError,
    EdgeEmbedError,
    IndexCorruptError,
    IndexLockedError,
    IndexNotFoundError,
    ModelMismatchError,
)
from .filters import Condition, condition, word_condition
from .image import picture_need
from .keywords import parse_query
from .layout import KINDS, OutdatedLayoutError
from .lock import process_lock
from .model_facts import ModelFacts, stored_model
from .nearest import stored_rows
from .queries import Meaning, Weighted, query_vector, unit
from .ranking import Hit
from .readers.extracted import PictureNeed
from .scores import read_background
from .searcher import Mode, Request, Searcher
from .skipped import Skipped
from .snapshot import ChunkRow, Snapshot
from .stamps import Stamps
from .vectors import Floats, Segments
from .writer import Writer

_Answer = TypeVar("_Answer")

if TYPE_CHECKING:
    from .compact import CompactReport
    from .repair import RepairReport
    from .verify import VerifyReport

Model = str | os.PathLike[str] | Embedder | None

_ATTEMPTS = 10


@dataclass(frozen=True)
class IndexStatus:
    """What an index holds."""

    path: Path
    model: str
    encoder: str
    space: str
    documents: int
    chunks: int
    fresh: int
    """Chunks that are in no segment yet."""
    segments: int
    size_bytes: int
    """All files of the index."""
    generation: int
    """Number of commits."""
    skipped: tuple[Skipped, ...]
    """Files of a folder that were left out."""
    catalog_bytes: int
    """The catalog with its log: texts, metadata, full text, and vectors that are in no segment yet."""
    segment_bytes: int
    """Vectors and graphs."""


class Index:
    """Documents that can be searched by meaning, in a folder on disk.

    May be used from several threads. One process writes at a time; any number of processes search meanwhile and
    see the last commit. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, path: Path, catalog: Catalog, model: Model, *, read_only: bool, threads: int | None) -> None:
        """For :meth:`open`, which callers want."""
        self.path = path
        self.read_only = read_only
        self._threads = threads
        self._catalog = catalog
        with catalog.read() as snapshot:
            self._model = stored_model(snapshot, path)
        self._identity = catalog.identity
        self._embedder = model if isinstance(model, Embedder) else None
        self._owns_embedder = self._embedder is None
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._segments = Segments(path, self._model.dim, stamps=Stamps(path, read_only=read_only))
        self._background: Mapping[str, Floats] | None = None
        if model is not None:
            self._check_space(
                model.manifest if isinstance(model, Embedder) else read_bundle(model, verify=False).manifest
            )
            self._wanted: str | os.PathLike[str] | None = None if isinstance(model, Embedder) else model
        else:
            self._wanted = self._model.location or self._model.name

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: Model = None,
        read_only: bool = False,
        threads: int | None = None,
    ) -> Index:
        """Open the index in the folder ``path``, or make it there.

        Args:
            path: a folder of its own. It holds private text and is readable by its owner only.
            model: name of a shipped bundle, path of a bundle folder, or a loaded ``Embedder`` (shared, not closed
                here); ``None`` is the model that the index was made with, for a new one the shipped default.
            read_only: ``True`` writes nothing, anywhere; the index must exist.
            threads: how many documents are embedded at a time; ``None`` is one a usable core.

        Raises:
            IndexNotFoundError: ``read_only`` and there is no index.
            NotADirectoryError: ``path`` is a file.
            ModelMismatchError: the index was made with a model of another vector space.
            BundleError: the model cannot be used.
            IndexCorruptError: the index cannot be read.
        """
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{folder}: an index is a folder, and this is a file")
        if folder.exists():
            _refuse_links(folder)
        if not (folder / CATALOG_NAME).is_file():
            if read_only:
                raise IndexNotFoundError(folder, "make one first with Index.open(path) or `edgeembed index FOLDER`")
            _create(folder, model)
        catalog = open_catalog(folder, read_only=read_only)
        try:
            return cls(folder, catalog, model, read_only=read_only, threads=threads)
        except BaseException:
            catalog.close()
            raise

    def add(
        self,
        documents: Iterable[Document],
        *,
        progress: Callable[[int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> int:
        """Add documents, each in place of the one with the same id; a text that is known already is not embedded again.

        Args:
            documents: may be a generator; what was taken is committed every few seconds.
            progress: called with the number of documents taken so far.
            cancel: asked now and then; once it answers ``True`` nothing more is taken, and what was taken is kept.

        Returns:
            How many documents were taken.

        Raises:
            IndexLockedError: another process is writing.
            UnsupportedInputError: an image, and the model embeds text only.
        """
        taken = 0
        with self.writing(cancel=cancel) as writer:
            for document in documents:
                if writer.add(document) is None:
                    break
                taken += 1
                if progress is not None:
                    progress(taken)
        return taken

    def remove(self, ids: Iterable[str]) -> int:
        """Remove documents by id; unknown ids are passed over. Returns how many were removed."""
        if isinstance(ids, str):
            raise TypeError(f"ids must be a sequence of strings, not one string: [{ids!r}]")
        with self.writing() as writer:
            return writer.remove(ids)

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
        """Documents that a query is about, best first.

        Args:
            query: words, a sentence, a question, in which ``"…"`` must occur in the passage (or the document's name)
                and ``-word`` must not occur in the document; or a picture: a ``Path``, the content of an image file,
                or a Pillow image.
            k: most documents to return.
            where: only documents of which all this is true, applied before the best ``k`` are taken; see
                :mod:`edgeembed.filters`. ``None``: all documents.
            mode: ``hybrid`` by meaning and by words, ``vector`` by meaning only, ``keyword`` only documents that
                hold some of the words, those with the most telling ones first.
            plus, minus: meanings to add to that of the query and to take away, words or pictures, each with a weight
                if it is a pair such as ``(0.5, "winter")``.
            min_score: leave out hits with a lower ``score``; ``"auto"``: leave out what is not relevant (see
                ``docs/searching.md``); ``None``: leave out none.
            exact: compare every vector instead of walking the graphs of large segments.

        Returns:
            At most ``k`` hits; one a document.

        Raises:
            ValueError: the query is empty, ``k`` is less than 1, or ``where`` or ``mode`` is not understood.
            UnsupportedInputError: a picture, and the model embeds text only.
        """
        _check_request(k, mode)
        parsed = parse_query(query) if isinstance(query, str) else None
        if parsed is None and mode == "keyword":
            raise ValueError("a picture has no words; search for it with mode='hybrid' or 'vector'")
        test = condition(where or {})
        if parsed is not None:
            test &= word_condition(parsed.phrases, parsed.excluded)
        self._follow()
        vector = query_vector(self.embedder, parsed.text if parsed else query, plus, minus)
        words, phrases = (parsed.text, parsed.phrases) if parsed else ("", ())
        return self._search(Request(vector, words, phrases, k, test, mode, min_score, exact))

    def similar(
        self,
        item: str | Document,
        *,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        min_score: float | Literal["auto"] | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """Documents like another one, best first: texts, and photos where the model knows both.

        Args:
            item: id of a document in the index, which is itself left out; or any document, in the index or not.
            Others as in :meth:`search`.

        Raises:
            KeyError: no document has this id.
        """
        _check_request(k, "vector")
        test = condition(where or {})
        if isinstance(item, Document):
            vector = self._vector_of(item)
        else:
            number, rows = self.ask(lambda snapshot: self._rows_of(snapshot, item))
            vector = unit(rows.mean(axis=0))
            test &= Condition("d.document <> ?", (number,))
        return self._search(Request(vector, "", (), k, test, "vector", min_score, exact))

    def lines(self, id: str, first: int, last: int) -> list[tuple[int, str]]:
        """Lines of a document's text as it was indexed, with their numbers from 1; blank ones between passages too."""

        def neighbours(snapshot: Snapshot) -> list[ChunkRow]:
            number = snapshot.document(id)
            return [] if number is None else snapshot.neighbours(number, first, last)

        chunks = self.ask(neighbours)
        held: dict[int, str] = {}
        for chunk in chunks:
            for line, text in enumerate((chunk.text or "").split("\n"), chunk.start_line or 1):
                gap = " " if line in held else ""  # a long line that was cut: only white space is between the parts
                held[line] = held.get(line, "") + gap + text
        shown = [line for line in held if first <= line <= last]
        return [(line, held.get(line, "")) for line in range(min(shown), max(shown) + 1)] if shown else []

    def status(self) -> IndexStatus:
        """Counts, sizes and the model."""
        counts, files, generation = self.ask(lambda s: (s.counts(), s.files(), int(s.setting("generation") or 0)))
        skipped = [Skipped(path, row.reason) for path, row in files.items() if row.reason is not None]
        sizes = {file.name: file.stat().st_size for file in self.path.iterdir() if file.is_file()}
        return IndexStatus(
            path=self.path,
            model=self._model.name,
            encoder=self._model.encoder,
            space=self._model.space,
            documents=counts["documents"],
            chunks=counts["chunks"],
            fresh=counts["fresh"],
            segments=counts["segments"],
            size_bytes=sum(sizes.values()),
            generation=generation,
            skipped=tuple(sorted(skipped, key=lambda item: item.path)),
            catalog_bytes=sum(size for name, size in sizes.items() if name.startswith(CATALOG_NAME)),
            segment_bytes=sum(size for name, size in sizes.items() if name.endswith(".usearch")),
        )

    def verify(self) -> VerifyReport:
        """Check everything that the index claims: checksums, counts, references, spans, a sample of vectors.

        Raises:
            IndexCorruptError: too little is whole to look any further.
        """
        from .verify import verify

        def is_named(name: str) -> bool:
            with self._catalog.read() as newest:
                return any(facts.file == name for facts in newest.segments())

        return self.ask(lambda found: verify(found, self.path, self._model.dim, self._embedder_or_reason, is_named))

    @classmethod
    def repair(cls, path: str | os.PathLike[str], *, model: Model = None, threads: int | None = None) -> RepairReport:
        """Make the index in the folder ``path`` whole again from what remains of it.

        Damaged rows are left out, texts whose vectors are lost are embedded again, and documents of which a part is
        lost are removed, so that a folder's next sync takes them anew; an application gets their ids. Other processes
        that have the index open go on with the new state.

        Args:
            model: as in :meth:`open`.
            threads: as in :meth:`open`.

        Raises:
            IndexNotFoundError: there is nothing to repair.
            IndexLockedError: another process is writing.
            IndexCorruptError: too little is left; the index must be made anew.
        """
        from .repair import RepairReport, repair

        folder = Path(path)
        if not (folder / CATALOG_NAME).is_file():
            raise IndexNotFoundError(folder, "there is nothing to repair")
        _refuse_links(folder)
        documents = _documents_if_intact(folder)
        if documents is not None:
            return RepairReport((), documents, 0, ())

        def embedder(facts: ModelFacts) -> Embedder | str:
            if isinstance(model, Embedder):
                wanted = model
            else:
                try:
                    wanted = Embedder.load(model or facts.location or facts.name, threads=threads)
                except BundleError as error:
                    return str(error)
            return wanted if wanted.manifest.encoder == facts.encoder else f"{wanted.manifest.label} is another model"

        with process_lock(folder):
            return repair(folder, embedder)

    def compact(self, *, for_shipping: bool = False) -> CompactReport:
        """Give the disk back that removed and replaced documents took, and wipe their text.

        Args:
            for_shipping: also take out what concerns this machine only, so that the folder can be opened with
                ``read_only`` anywhere, from read-only media too, by many processes. Nobody else may have it open.

        Raises:
            IndexLockedError: another process is writing, or, for shipping, reading.
        """
        from .compact import CompactReport, compact_catalog, size_bytes, strip_for_shipping

        before = size_bytes(self.path)
        with self.writing() as writer:
            writer.compact()
            writer.finish()
            notes = compact_catalog(self._catalog)
            if for_shipping:
                strip_for_shipping(self.path, self._catalog)
        return CompactReport(before, size_bytes(self.path), notes)

    def close(self) -> None:
        """Close files and threads; the index must not be used afterwards."""
        self._segments.close()
        self._catalog.close()
        if self._embedder is not None and self._owns_embedder:
            self._embedder.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def embedder(self) -> Embedder:
        """The model, loaded when it is first needed."""
        with self._guard:
            if self._embedder is None:
                try:
                    embedder = Embedder.load(self._wanted, threads=self._threads)
                except BundleError as error:
                    if Path(error.path).exists():
                        raise
                    advice = f"this index was made with {self._model.label}; name its bundle with --model"
                    raise BundleError(error.path, error.reason, advice) from error
                self._check_space(embedder.manifest)
                self._embedder = embedder
            return self._embedder

    @property
    def pictures(self) -> PictureNeed | None:
        """What the model needs of a picture; ``None``: it embeds text only, or is not at hand."""
        with self._guard:
            known = self._embedder
        try:
            section = (known.bundle if known is not None else read_bundle(self._wanted, verify=False)).manifest.image
        except BundleError:
            return None  # said where something must be embedded
        return None if section is None else picture_need(section)

    def ask(self, question: Callable[[Snapshot], _Answer]) -> _Answer:
        """Ask something of the catalog as of the last commit; for ``Folder`` and the methods above.

        Args:
            question: is asked again, of a newer commit, if a writer took away what it was reading.

        Raises:
            IndexCorruptError: the files contradict each other, or a segment is gone.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._follow()
                with self._catalog.read() as snapshot:
                    return question(snapshot)
            except (FileNotFoundError, SnapshotLostError) as error:
                # A segment was merged away between the read of its name and its opening: the newest commit knows.
                if attempt == _ATTEMPTS - 1:
                    if isinstance(error, FileNotFoundError):
                        raise IndexCorruptError(str(error.filename), "is missing") from error
                    raise
        raise AssertionError("unreachable")

    def _follow(self) -> None:
        """Notice that a rebuild or a repair put another catalog in the place of this one."""
        with self._guard:
            identity = self._catalog.identity
            if identity == self._identity:
                return
            with self._catalog.read() as snapshot:
                model = stored_model(snapshot, self.path)
            if model != self._model:
                if self._embedder is not None and not self._owns_embedder:
                    if (model.space, model.dim) != (self._model.space, self._model.dim):
                        raise ModelMismatchError(self.path, model.label, self._embedder.manifest.label)
                else:
                    self._embedder, self._wanted = None, model.location or model.name
                self._model, self._background = model, None
            self._segments = Segments(self.path, model.dim, stamps=Stamps(self.path, read_only=self.read_only))
            self._identity = identity

    def sweep(self) -> None:
        """Do what a writer that was killed left undone, if there is any and nobody else writes; for ``Folder``."""

        def is_swept(snapshot: Snapshot) -> bool:
            named = {facts.file for facts in snapshot.segments()}
            return snapshot.setting("unswept") != "1" and not self._segments.strays(named)

        if not self.ask(is_swept):
            with suppress(IndexLockedError), self.writing():
                pass

    @contextmanager
    def writing(self, *, cancel: Callable[[], bool] | None = None) -> Iterator[Writer]:
        """Hold the lock and write; for ``Folder`` and the methods above.

        Raises:
            IndexLockedError: another process is writing.
            EdgeEmbedError: the index was opened read-only.
        """
        if self.read_only:
            raise EdgeEmbedError(f"{self.path}: opened read-only; open it without read_only to change it")
        with self._writing, process_lock(self.path):
            self._follow()
            writer = Writer(
                self.path,
                self._catalog,
                self._segments,
                self._document_embedder,
                threads=self._threads or usable_cores(),
                cancel=cancel,
            )
            try:
                yield writer
            except BaseException:
                writer.commit()  # what was taken before the trouble is kept
                raise
            writer.finish()

    def _embedder_or_reason(self) -> Embedder | str:
        try:
            return self._document_embedder()
        except (BundleError, ModelMismatchError) as error:
            return str(error)

    def _document_embedder(self) -> Embedder:
        """The model for documents, whose vectors must all come from one encoder."""
        embedder = self.embedder
        if embedder.manifest.encoder != self._model.encoder:
            raise ModelMismatchError(self.path, self._model.label, embedder.manifest.label)
        return embedder

    def _check_space(self, manifest: Manifest) -> None:
        if (manifest.space, manifest.dim) != (self._model.space, self._model.dim):
            raise ModelMismatchError(self.path, self._model.label, manifest.label)

    # Searching

    def _search(self, request: Request) -> list[Hit]:
        background = self._read_background()
        return self.ask(lambda snapshot: Searcher(snapshot, self._segments, background, request).hits())

    def _read_background(self) -> Mapping[str, Floats]:
        """Vectors of ordinary things, read when they are first needed."""
        if self._background is None:
            self._background = read_background(self.embedder.bundle)
        return self._background

    def _rows_of(self, snapshot: Snapshot, id: str) -> tuple[int, Floats]:
        """The number of a document of the index, and its vectors ``(n, dim)``."""
        number = snapshot.document(id)
        if number is None:
            raise KeyError(f"no document {id!r} in this index")
        keys = [row.key for row in snapshot.document_keys([number], Condition(""))]
        rows = [stored_rows(snapshot, self._segments, kind, keys, self._model.dim) for kind in KINDS]
        return number, np.concatenate(rows)

    def _vector_of(self, document: Document) -> Floats:
        """One vector for a whole document: the mean of its chunks'."""
        if document.text is None:
            return query_vector(self.embedder, document.image or b"")
        count, limit = self.embedder.count_tokens, self.embedder.content_tokens
        chunks = [chunk.text for chunk in split(document.text, limit=limit, count_tokens=count)]
        if not chunks:
            raise ValueError(f"{document.id}: holds no text to compare")
        return unit(self.embedder.embed_texts(chunks).mean(axis=0))


def _check_request(k: int, mode: str) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}, not {mode!r}")


def open_catalog(folder: Path, *, read_only: bool = False) -> Catalog:
    """Open the catalog in ``folder``; one of an older layout is brought to the present one, in place.

    Raises:
        IndexLockedError: it must be brought up to date, and another process is writing.
        As :class:`Catalog`.
    """
    try:
        # Opened to see its layout, and not read: closing a file by other means than SQLite's would free the locks
        # that this process holds on it elsewhere (https://www.sqlite.org/howtocorrupt.html, 2.2).
        return Catalog(folder, read_only=read_only)
    except OutdatedLayoutError:
        if read_only:
            raise
        with process_lock(folder, wait_seconds=10):
            upgrade_catalog(folder)
        return Catalog(folder)


def _documents_if_intact(folder: Path) -> int | None:
    """How many documents an index holds in which nothing is wrong; ``None``: something is."""
    try:
        with Index.open(folder, read_only=True) as index:
            report = index.verify()
    except IndexCorruptError:
        return None
    return report.documents if report.ok else None


def _refuse_links(folder: Path) -> None:
    """No writer makes a link in an index; one that is there could lead anywhere."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise IndexCorruptError(entry.path, "is a link, and an index follows none", "remove it")


def _create(folder: Path, model: Model) -> None:
    """Make an empty index."""
    bundle = model.bundle if isinstance(model, Embedder) else read_bundle(model, verify=False)
    manifest = bundle.manifest
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    shipped = (read_bundle(None, verify=False).path.parent / manifest.name).absolute() == bundle.path.absolute()
    facts = ModelFacts(
        manifest.name, manifest.encoder, manifest.space, manifest.dim, None if shipped else str(bundle.path.absolute())
    )
    with process_lock(folder, wait_seconds=10):
        if not (folder / CATALOG_NAME).exists():
            create_catalog(folder, {"model": json.dumps(vars(facts))})
