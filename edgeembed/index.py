"""An index of documents: an application's own records, or, through ``Folder``, files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from .catalog import CATALOG_NAME, Catalog, SnapshotLostError
from .chunks import split
from .cores import usable_cores
from .documents import Document
from .embedder import Embedder
from .errors import (
    BundleError,
    EdgeEmbedError,
    IndexCorruptError,
    IndexLockedError,
    IndexNotFoundError,
    ModelMismatchError,
    UnsupportedInputError,
)
from .filters import Condition, condition, word_condition
from .keywords import parse_query
from .layout import KINDS
from .lock import process_lock
from .maintenance import IndexStatus, index_status, repair_index
from .model_facts import IndexModels, holds_pictures, stored_models
from .nearest import stored_rows
from .opening import create_index, open_catalog, refuse_links
from .pairing import Given, Model, chosen_models
from .queries import Meaning, Weighted, is_words, item_kind, listed, query_vectors, unit
from .ranking import Hit
from .readers.extracted import PictureNeed
from .rows import Floats
from .searcher import Mode, Request, Searcher
from .snapshot import ChunkRow, Snapshot
from .stamps import Stamps
from .towers import Towers
from .vectors import Segments
from .writer import Writer

_Answer = TypeVar("_Answer")

if TYPE_CHECKING:
    from .compact import CompactReport
    from .explain import Explanation
    from .repair import RepairReport
    from .verify import VerifyReport

_ATTEMPTS = 10


class Index:
    """Documents that can be searched by meaning, in a folder on disk.

    May be used from several threads. One process writes at a time; any number of processes search meanwhile and
    see the last commit. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, path: Path, catalog: Catalog, given: Given, *, read_only: bool, threads: int | None) -> None:
        """For :meth:`open`, which callers want."""
        self.path = path
        self.read_only = read_only
        self._threads = threads
        self._catalog = catalog
        self._identity = catalog.identity
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        with catalog.read() as snapshot:
            stored, has_pictures = stored_models(snapshot, path), holds_pictures(snapshot)
        self._towers = Towers(path, stored, given, has_pictures=has_pictures, threads=threads)
        self._segments = self._new_segments(stored)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        model: Model = None,
        image_model: Model = None,
        read_only: bool = False,
        threads: int | None = None,
    ) -> Index:
        """Open the index in the folder ``path``, or make it there.

        Args:
            path: a folder of its own. It holds private text and is readable by its owner only.
            model: name of a shipped bundle, path of a bundle folder, or a loaded ``Embedder`` (shared, not closed
                here); ``None`` is the model that the index was made with, for a new one the shipped default.
            image_model: likewise the model for pictures: of the same vector space as ``model``, or one that embeds
                texts as well; ``"none"`` leaves pictures out. ``None`` is the one that the index was made with, else
                ``model`` itself or a shipped one of the same space, if there is one.
            read_only: ``True`` writes nothing, anywhere; the index must exist.
            threads: how many documents are embedded at a time; ``None`` is one a usable core.

        Raises:
            IndexNotFoundError: ``read_only`` and there is no index.
            NotADirectoryError: ``path`` is a file.
            ModelMismatchError: the index was made with a model of another vector space.
            BundleError: a model cannot be used.
            UnsupportedInputError: ``image_model`` embeds no pictures, or words could not find them.
            IndexCorruptError: the index cannot be read.
        """
        folder, given = Path(path), Given(model, image_model)
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{folder}: an index is a folder, and this is a file")
        if folder.exists():
            refuse_links(folder)
        if not (folder / CATALOG_NAME).is_file():
            if read_only:
                raise IndexNotFoundError(folder, "make one first with Index.open(path) or `edgeembed index FOLDER`")
            create_index(folder, chosen_models(given))
        catalog = open_catalog(folder, read_only=read_only)
        try:
            return cls(folder, catalog, given, read_only=read_only, threads=threads)
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
            UnsupportedInputError: an image, and no model of the index embeds images.
            ImageError: an image that cannot be read; what came before it is kept.
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
            UnsupportedInputError: a picture, and no model of the index embeds pictures; or a picture together with
                words, where they have vector spaces of their own.
        """
        _check_request(k, mode)
        parsed = parse_query(query) if isinstance(query, str) else None
        if parsed is None and mode == "keyword":
            raise ValueError("a picture has no words; search for it with mode='hybrid' or 'vector'")
        test = condition(where or {})
        if parsed is not None:
            test &= word_condition(parsed.phrases, parsed.excluded)
        self._follow()
        added, taken = listed("plus", plus), listed("minus", minus)
        vectors = query_vectors(self._towers, parsed.text if parsed else query, added, taken, kinds=self._kinds(query))
        words, phrases = (parsed.text, parsed.phrases) if parsed else ("", ())
        request = Request(vectors, words, phrases, k, test, mode, min_score, exact)
        return self._search(request, item_kind([query, *added, *taken]))

    def similar(
        self,
        item: str | Document,
        *,
        k: int = 10,
        where: Mapping[str, Any] | None = None,
        min_score: float | Literal["auto"] | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """Documents like another one, best first: texts and photos, where both are in one vector space.

        Args:
            item: id of a document in the index, which is itself left out; or any document, in the index or not.
            Others as in :meth:`search`.

        Raises:
            KeyError: no document has this id.
        """
        _check_request(k, "vector")
        test = condition(where or {})
        if isinstance(item, Document):
            vectors, kind = self._vectors_of(item), "image" if item.text is None else "text"
        else:
            number, kind, rows = self.ask(lambda snapshot: self._rows_of(snapshot, item))
            vectors = dict.fromkeys(self._towers.kinds_like(kind), unit(rows.mean(axis=0)))
            test &= Condition("d.document <> ?", (number,))
        return self._search(Request(vectors, "", (), k, test, "vector", min_score, exact), kind)

    def explain(self, query: Meaning, id: str) -> Explanation:
        """Which words of a document's best passage made it match a query; see :mod:`edgeembed.explain`.

        The passage is embedded once for each of its words, which takes a second or two.

        Args:
            query: as in :meth:`search`.
            id: of a document in the index, a text.

        Raises:
            KeyError: no document has this id.
            ValueError: the query is empty, or its ``"phrases"`` and ``-words`` keep the document out.
            UnsupportedInputError: the document is a picture, which has no words.
        """
        from .explain import explain

        if self.ask(lambda snapshot: snapshot.document(id)) is None:
            raise KeyError(f"no document {id!r} in this index")
        hits = self.search(query, k=1, where={"document.id": id})
        if not hits:
            raise ValueError(f"{id}: what the query says must or must not occur keeps this document out")
        if hits[0].kind != "text":
            raise UnsupportedInputError(f"{id}: only texts can be explained, word by word; this is a picture")
        words = parse_query(query).text if isinstance(query, str) else query
        vectors = query_vectors(self._towers, words, kinds=("text",))
        return explain(hits[0], vectors["text"], self._document_embedder("text"))

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
        """Counts, sizes and the models."""
        self._follow()
        return self.ask(lambda snapshot: index_status(snapshot, self.path, self._towers))

    def verify(self) -> VerifyReport:
        """Check everything that the index claims: checksums, counts, references, spans, a sample of vectors.

        Raises:
            IndexCorruptError: too little is whole to look any further.
        """
        from .verify import verify

        def is_named(name: str) -> bool:
            with self._catalog.read() as newest:
                return any(facts.file == name for facts in newest.segments())

        return self.ask(
            lambda snapshot: verify(
                snapshot, self.path, stored_models(snapshot, self.path).dims(), self._embedder_or_reason, is_named
            )
        )

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
        return repair_index(Path(path), model, threads=threads)

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
        self._towers.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def embedder(self) -> Embedder:
        """The model for texts, loaded when it is first needed."""
        return self._towers.embedder("text")

    @property
    def sees(self) -> bool:
        """Whether pictures are embedded."""
        return self._towers.facts("image") is not None

    @property
    def pictures(self) -> PictureNeed | None:
        """What the model needs of a picture; ``None``: pictures are left out."""
        return self._towers.pictures

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
        """Notice that another catalog took the place of this one, or that a model for pictures was chosen meanwhile."""
        with self._guard, self._catalog.read() as snapshot:
            identity, stored = self._catalog.identity, stored_models(snapshot, self.path)
            if (identity, stored) == (self._identity, self._towers.stored):
                return
            if stored != self._towers.stored:
                self._towers = self._towers.follow(stored, has_pictures=holds_pictures(snapshot))
            self._segments = self._new_segments(stored)
            self._identity = identity

    def _new_segments(self, stored: IndexModels) -> Segments:
        return Segments(self.path, stored.dims(), stamps=Stamps(self.path, read_only=self.read_only))

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
            self._store(self._towers.models)
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
                writer.finish()
            except BaseException:
                writer.keep()  # what was taken before the trouble
                raise
            finally:
                writer.close()

    def _store(self, models: IndexModels) -> None:
        """Remember which models the index is made with, if that is new."""
        if models != self._towers.stored:
            with self._catalog.write() as transaction:
                transaction.set("model", models.to_setting())
            self._follow()

    def _embedder_or_reason(self) -> Embedder | str:
        try:
            return self._towers.document_embedder("text")
        except (BundleError, ModelMismatchError) as error:
            return str(error)

    def _document_embedder(self, kind: str) -> Embedder:
        """The model for documents of a kind; one for pictures that nobody chose is settled with the first of them."""
        embedder = self._towers.document_embedder(kind)
        if kind == "image":
            self._store(IndexModels(self._towers.models.text, self._towers.facts(kind)))
        return embedder

    # Searching

    def _kinds(self, query: Meaning) -> tuple[str, ...]:
        """What to search in; without pictures their model is not asked for the vector of words."""
        return KINDS if not is_words(query) or self.ask(holds_pictures) else ("text",)

    def _search(self, request: Request, item: str) -> list[Hit]:
        """Answer a request that was made of words or texts (``item`` is ``text``), or of a picture too (``image``)."""
        scales = {kind: self._towers.scale(item, kind, vector) for kind, vector in request.vectors.items()}
        return self.ask(lambda snapshot: Searcher(snapshot, self._segments, scales, request).hits())

    def _rows_of(self, snapshot: Snapshot, id: str) -> tuple[int, str, Floats]:
        """The number of a document of the index, its kind, and its vectors ``(n, dim)``."""
        number = snapshot.document(id)
        if number is None:
            raise KeyError(f"no document {id!r} in this index")
        keys = [row.key for row in snapshot.document_keys([number], Condition(""))]
        kind, dims = snapshot.chunk(keys[0]).kind, self._towers.stored.dims()
        return number, kind, stored_rows(snapshot, self._segments, kind, keys, dims[kind])

    def _vectors_of(self, document: Document) -> dict[str, Floats]:
        """For a whole document, the mean of its chunks' vectors, for each kind that it can be compared with."""
        if document.text is None:
            return query_vectors(self._towers, document.image or b"")
        embedder = self.embedder
        chunks = split(document.text, limit=embedder.content_tokens, count_tokens=embedder.count_tokens)
        texts = [chunk.text for chunk in chunks]
        if not texts:
            raise ValueError(f"{document.id}: holds no text to compare")
        return dict.fromkeys(self._towers.kinds_like("text"), unit(embedder.embed_texts(texts).mean(axis=0)))


def _check_request(k: int, mode: str) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}, not {mode!r}")
