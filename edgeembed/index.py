"""An index of documents: an application's own records, or, through ``Folder``, files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from .catalog.schema import KINDS
from .catalog.snapshot import Snapshot
from .catalog.where import among, condition, holds_option
from .document import Document, StoredDocument
from .embedder import Embedder
from .errors import UnsupportedInputError, path_error
from .index_models.meanings import Meaning, Weighted, is_words
from .index_models.query_vectors import document_vectors, unit
from .index_models.records import has_images
from .index_models.requests import Model, RequestedModels
from .maintenance.status import IndexStatus, index_status
from .search.arguments import check_id, check_limits, checked_ids
from .search.fusion import Mode
from .search.hits import Hit
from .search.hybrid_search import hybrid_search
from .search.prepared_query import PreparedQuery, SearchRequest, prepare_query
from .search.vector_search import document_rows
from .storage.content import content_of
from .storage.index_dir import named_index_dir
from .storage.open import open_store
from .storage.store import Store
from .storage.work_counter import each_number

if TYPE_CHECKING:
    from .maintenance.compact import CompactReport
    from .maintenance.repair import RepairReport
    from .maintenance.verify import VerifyReport
    from .search.explain import Explanation


_UNREAD = "the model does not know most words of the query, or of the text, and cannot compare them"


class Index:
    """Documents that can be searched by meaning, in a folder on disk.

    May be used from several threads. One process writes at a time; any number of processes search meanwhile and
    see the last commit. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, store: Store) -> None:
        """For :meth:`open`, which callers want."""
        self._store = store

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
            path: a folder of its own, which is made if it is not there; one that holds other files is refused. It
                holds private text and is readable by its owner only.
            model: name of a shipped bundle, path of a bundle folder, or a loaded ``Embedder`` (shared, not closed
                here); ``None`` is the model that the index was made with, for a new one the shipped default. It may be
                another as long as there is no document.
            image_model: likewise the model for images: of the same vector space as ``model``, or one that embeds
                texts as well; ``"none"`` leaves images out. ``None`` is the one that the index was made with, else
                ``model`` itself or a shipped one of the same space, if there is one.
            read_only: ``True`` writes nothing, anywhere; the index must exist.
            threads: how many documents are embedded at a time; ``None`` is one a usable core.

        Raises:
            IndexNotFoundError: ``read_only`` and there is no index.
            NotADirectoryError: ``path`` is a file.
            NotAnIndexError: there is no index, and the folder holds other files.
            IndexNotWritableError: it cannot be made there; the message says what to pass.
            ValueError: ``path`` is empty, or ``threads`` less than 1.
            ModelMismatchError: the index was made with a model of another vector space.
            BundleError: a model cannot be used.
            UnsupportedInputError: ``image_model`` embeds no images, or words could not find them.
            IndexCorruptError: the index cannot be read.
        """
        return cls(
            open_store(named_index_dir(path), RequestedModels(model, image_model), read_only=read_only, threads=threads)
        )

    @property
    def path(self) -> Path:
        """The folder of the index."""
        return self._store.path

    @property
    def read_only(self) -> bool:
        """Whether it was opened so that nothing is written."""
        return self._store.read_only

    def __contains__(self, id: object) -> bool:
        """Whether a document has this id, or some are parts of the file of this path."""
        return isinstance(id, str) and self._store.read(lambda snapshot: snapshot.has_documents_of(id))

    @property
    def embedder(self) -> Embedder:
        """The model for texts, loaded when it is first needed.

        Raises:
            ValueError: the index is closed.
        """
        self._store.check_open()
        return self._store.models.embedder("text")

    def add(
        self,
        documents: Iterable[Document],
        *,
        progress: Callable[[int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> int:
        """Add documents, each in place of the one with the same id; a text that is known already is not embedded again.

        Args:
            documents: any iterable, perhaps a generator; what was added is committed every few seconds.
            progress: called with the number of documents so far that are embedded, or need not be.
            cancel: called some times a second; once it returns ``True`` nothing more is added, and what is embedded
                is kept.

        Returns:
            How many documents were added and are kept.

        Raises:
            IndexLockedError: another process is writing.
            UnsupportedInputError: an image, and no model of the index embeds images.
            ImageError: an image that cannot be read; what came before it is kept.
            TypeError: a single document, or something in ``documents`` that is none; what came before it is kept.
            TypeError, ValueError: metadata that JSON cannot hold; likewise.
        """
        if isinstance(documents, (Document, str, bytes)) or not isinstance(documents, Iterable):
            raise TypeError(
                f"documents must be a sequence of Documents, not one {type(documents).__name__}: [document] makes one"
            )
        with self._store.writing(cancel=cancel) as writer:
            if progress is not None:
                writer.report = each_number(progress, lambda: writer.work.documents)
            for document in documents:
                if not isinstance(document, Document):
                    raise TypeError(f"documents must hold Documents, not {type(document).__name__}: {document!r:.80}")
                if writer.add(document) is None:
                    break
                writer.report()
        writer.report()
        return writer.applied.total()

    def remove(self, ids: Iterable[str]) -> int:
        """Remove documents by id; unknown ids are passed over. Returns how many were removed."""
        ids = checked_ids(ids)
        with self._store.writing() as writer:
            return writer.remove(ids)

    def get(self, ids: Iterable[str]) -> list[StoredDocument | None]:
        """Documents by id, in the order of ``ids``, as of one commit; ``None`` for an id that is not there.

        Raises:
            TypeError: ``ids`` is one string, or holds something else than strings.
        """
        ids = checked_ids(ids)
        return self._store.read(lambda snapshot: [snapshot.stored_document(id) for id in ids])

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
        syntax: bool = True,
    ) -> list[Hit]:
        """Documents that a query is about, best first.

        Args:
            query: words, a sentence, a question, in which ``"…"`` must occur in the passage (or the document's name)
                and ``-word`` must not occur in the document (unless it is said so there, as in ``rm -rf``); or an
                image: a ``Path``, the content of an image file, or a Pillow image.
            k: most documents to return.
            where: only documents of which all this is true, applied before the best ``k`` are taken; see
                :mod:`edgeembed.catalog.where`. ``None``: all documents.
            mode: ``hybrid`` by meaning and by words, ``vector`` by meaning only, ``keyword`` only documents that
                hold some of the words, those with the most telling ones first.
            plus, minus: meanings to add to that of the query and to take away, words or images, each with a weight
                if it is a pair such as ``(0.5, "winter")``.
            min_score: leave out hits with a lower ``score``; ``"auto"``: leave out what is not relevant (see
                ``docs/searching.md``); ``None``: leave out none.
            exact: compare every vector instead of walking the graphs of large segments.
            syntax: ``False`` takes quotes and minus signs in ``query`` as text, like all other characters.

        Returns:
            At most ``k`` hits; one a document, and one for all files with the same content (``Hit.copies``).

        Raises:
            ValueError: the query is empty, ``k`` is less than 1, ``min_score`` is not from 0 to 1, a weight is more
                than 1 000 000, ``where`` or ``mode`` is not understood, or the index is closed.
            TypeError: something is of another type than it says here.
            UnsupportedInputError: an image, and no model of the index embeds images; or an image together with
                words, where they have vector spaces of their own.
        """
        check_limits(k, min_score)
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}, not {mode!r}")
        if mode == "keyword" and not is_words(query):
            raise ValueError("a picture has no words, and the mode keyword goes by them alone: take hybrid or vector")
        test = condition({} if where is None else where)
        prepared = self._prepare(query, plus, minus, syntax=syntax)
        return self._search(
            SearchRequest(prepared, k, test & prepared.condition, mode, min_score, exact, folds_copies=True)
        )

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
            item: id of a document in the index, which is itself left out; or the path of a mailbox, for all its
                messages together, by the mean of their passages, all left out; or any document, in the index or not.
            Others as in :meth:`search`.

        Raises:
            KeyError: no document has this id.
            TypeError: ``item`` is neither an id nor a document.
            ValueError: the document holds no text that could be compared.
            FileNotFoundError, ImageError: its image is missing, or cannot be read.
            UnsupportedInputError: it is an image, and no model of the index embeds images.
        """
        if not isinstance(item, (str, Document)):
            wanted = 'an id, or a document such as Document("q", image=...)'
            raise TypeError(f"item must be {wanted}, not {type(item).__name__}: {item!r:.80}")
        check_limits(k, min_score)
        test = condition({} if where is None else where)
        self._store.refresh()
        if isinstance(item, Document):
            vectors, kind = document_vectors(self._store.models, item), "image" if item.text is None else "text"
            digest: bytes | None = content_of(item).digest
        else:
            numbers, kind, rows = self._store.read(
                lambda snapshot: document_rows(snapshot, self._store.segments, item, self._store.models.recorded.dims())
            )
            mean = unit(rows.mean(axis=0))
            vectors = dict.fromkeys(self._store.models.kinds_like(kind), mean)
            test &= ~among(numbers)
            digest = self._digest(item)
        hits = self._search(SearchRequest(PreparedQuery(kind, vectors), k, test, "vector", min_score, exact))
        return [replace(hit, same_content=digest is not None and digest == self._digest(hit.id)) for hit in hits]

    def explain(self, query: Meaning, id: str, *, syntax: bool = True) -> Explanation:
        """Which words of a document's best passage made it match a query; see :mod:`edgeembed.search.explain`.

        The passage is embedded once for each of its words, which takes a second or two.

        Args:
            query, syntax: as in :meth:`search`.
            id: of a document in the index, a text; or the path of a mailbox, for the one of its messages that fits
                best.

        Raises:
            KeyError: no document has this id.
            TypeError: something is of another type than it says here.
            ValueError: the query is empty, or its ``"phrases"`` and ``-words`` keep the document out.
            UnsupportedInputError: the document is an image, which has no words; or the query is one, and texts have a
                vector space of their own, or no model of the index embeds images.
        """
        from .search.explain import explain

        check_id(id)
        numbers = self._store.read(lambda snapshot: snapshot.numbers_of(id))
        if not numbers:
            raise KeyError(f"no document {id!r} in this index")
        prepared = self._prepare(query, syntax=syntax)
        hits = self._search(SearchRequest(prepared, 1, among(numbers) & prepared.condition))
        if not hits and not is_words(query):
            raise UnsupportedInputError(f"{id}: in this index a picture is compared with pictures only; this is a text")
        if not hits and not prepared.condition:
            raise path_error(id, ValueError, _UNREAD)
        if not hits:
            raise path_error(id, ValueError, "what the query says must or must not occur keeps this document out")
        if hits[0].kind != "text":
            raise path_error(id, UnsupportedInputError, "only texts can be explained, word by word; this is a picture")
        vector = prepared.vectors["text"]
        if vector is None or hits[0].similarity is None:
            raise path_error(id, ValueError, _UNREAD)
        return explain(hits[0], vector, self._store.document_embedder("text"))

    def lines(self, id: str, first: int, last: int) -> list[tuple[int, str]]:
        """Lines of a document's text as it was indexed, with their numbers from 1; blank ones between passages too."""
        check_id(id)

        def lines_of(snapshot: Snapshot) -> list[tuple[int, str]]:
            number = snapshot.document(id)
            return [] if number is None else snapshot.lines(number, first, last)

        return self._store.read(lines_of)

    def status(self) -> IndexStatus:
        """Counts, sizes and the models."""
        self._store.refresh()
        return self._store.read(lambda snapshot: index_status(snapshot, self.path, self._store.models))

    def verify(self) -> VerifyReport:
        """Check everything that the index claims: checksums, counts, references, spans, a sample of vectors.

        Raises:
            IndexCorruptError: too little is whole to look any further.
        """
        from .maintenance.verify import verify_store

        return verify_store(self._store)

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
        from .maintenance.repair import repair_index

        return repair_index(named_index_dir(path), model, threads=threads)

    def compact(self, *, for_shipping: bool = False) -> CompactReport:
        """Give the disk back that removed and replaced documents took, and wipe their text.

        Args:
            for_shipping: also take out what concerns this machine only, so that the folder can be opened with
                ``read_only`` anywhere, from read-only media too, by many processes. Nobody else may have it open.

        Raises:
            IndexLockedError: another process is writing, or, for shipping, reading.
        """
        from .maintenance.compact import compact_store

        return compact_store(self._store, for_shipping=for_shipping)

    def close(self) -> None:
        """Close files and threads; any other call afterwards raises ``ValueError``."""
        self._store.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _digest(self, id: str) -> bytes | None:
        """Of the content of a document; ``None``: there is no such document any more."""
        state = self._store.read(lambda snapshot: snapshot.document_state(id))
        return None if state is None else state[0]

    def _prepare(
        self, query: Meaning, plus: Iterable[Weighted] = (), minus: Iterable[Weighted] = (), *, syntax: bool
    ) -> PreparedQuery:
        """Parse and embed a query, with the models of the last commit."""
        self._store.refresh()
        # Where there are no images, their model is not asked for the vector of words.
        kinds = KINDS if not is_words(query) or self._store.read(has_images) else ("text",)

        def is_literal(word: str, rest: str) -> bool:
            return self._store.read(lambda snapshot: holds_option(snapshot.connection, word, rest))

        return prepare_query(self._store.models, query, plus, minus, kinds=kinds, is_literal=is_literal, syntax=syntax)

    def _search(self, request: SearchRequest) -> list[Hit]:
        vectors, query_kind = request.query.vectors, request.query.kind
        calibrations = {
            kind: self._store.models.calibration(query_kind, kind, vector) for kind, vector in vectors.items()
        }
        return self._store.read(lambda snapshot: hybrid_search(snapshot, self._store.segments, calibrations, request))
