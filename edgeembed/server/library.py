"""The folders that a server answers for, as one: searches over all of them, and documents by opaque ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..document import Document, StoredDocument
from ..output.hit_fields import hit_fields
from ..search.hits import merge_rank
from .document_ids import DocumentIds
from .served_folder import ServedFolder

if TYPE_CHECKING:
    from ..index_models.meanings import Weighted
    from ..search.hits import Hit
    from .question import Filters, Question

_LIKE_WEIGHT = 0.5
"""Of a document beside the words of a query, for `like` and `unlike`: words lead."""
_LIKE_CHARACTERS = 2000
"""Of a text that is added to a query; its model reads no more."""


class UnknownDocumentError(LookupError):
    """No document has this id, or none any more."""

    def __str__(self) -> str:
        return "no document has this id; ids come from answers, and end when an index is made anew"


@dataclass(frozen=True)
class Answer:
    """A hit and the folder that it is in."""

    hit: Hit
    folder: ServedFolder
    document: str
    """Its opaque id."""

    def fields(self) -> dict[str, Any]:
        """As of ``docs/output.schema.json``, with ``document`` and the name of ``folder``."""
        return {"document": self.document, "folder": self.folder.name, **hit_fields(self.hit, self.folder.shown)}


@dataclass(frozen=True)
class Found:
    """A document that was asked for by its id."""

    folder: ServedFolder
    id: str
    """In the index, as in ``Hit``."""
    file: str
    """Path of its file, as in ``Hit``: of a message that of its mailbox."""


class Library:
    """Several folders as one. May be used from several threads."""

    def __init__(self, folders: Iterable[ServedFolder], ids: DocumentIds) -> None:
        self.folders = tuple(folders)
        self._ids = ids

    def search(self, question: Question) -> list[Answer]:
        """The best hits of all folders; scores mean the same in each. Documents of ``unlike`` are none.

        Raises:
            UnknownDocumentError: of a document that the question names.
            ValueError, TypeError, UnsupportedInputError: as :meth:`Index.search`.
        """
        plus: list[Weighted] = [*question.plus, *((_LIKE_WEIGHT, self._meaning(id)) for id in question.like)]
        minus: list[Weighted] = [*question.minus, *((_LIKE_WEIGHT, self._meaning(id)) for id in question.unlike)]

        def ask(folder: ServedFolder) -> list[Hit]:
            return folder.folder.search(
                question.query,
                k=question.k + len(question.unlike),
                where=question.filters.where(folder.below),
                mode=question.mode,
                plus=plus,
                minus=minus,
                min_score=question.min_score,
                exact=question.exact,
                syntax=not question.literal,
            )

        answers = self._best(ask, question.filters, question.k + len(question.unlike))
        return [answer for answer in answers if answer.document not in question.unlike][: question.k]

    def similar(self, id: str, filters: Filters, *, k: int, min_score: Any = None) -> list[Answer]:
        """Documents like another one, in all folders.

        Raises:
            UnknownDocumentError: of that one.
            ValueError: it holds no text that could be compared.
        """
        found = self.find(id)

        def ask(folder: ServedFolder) -> list[Hit]:
            item: str | Document = found.id if folder is found.folder else self._document(found)
            where = filters.where(folder.below)
            return folder.folder.index.similar(item, k=k, where=where, min_score=min_score)

        return self._best(ask, filters, k, by_similarity=True)

    def find(self, id: str) -> Found:
        """The document with an opaque id.

        Raises:
            UnknownDocumentError: there is none.
        """
        place = self._ids.place(id)
        for folder in self.folders if place is not None else ():
            assert place is not None
            if self._ids.fits(place[0], folder.folder.index.path):
                name = folder.document_name(place[1])
                if name is not None and self._ids.proves(id, folder.folder.index.path, place[1], name):
                    return Found(folder, name, folder.file_of(name))
        raise UnknownDocumentError

    def stored(self, found: Found) -> StoredDocument:
        """What the index holds of a document.

        Raises:
            UnknownDocumentError: it is gone.
        """
        (stored,) = found.folder.folder.index.get([found.id])
        if stored is None:
            raise UnknownDocumentError
        return stored

    def close(self) -> None:
        """Break off what is being brought up to date, and close all indexes."""
        for folder in self.folders:
            folder.close()

    def _best(
        self, ask: Callable[[ServedFolder], Sequence[Hit]], filters: Filters, k: int, *, by_similarity: bool = False
    ) -> list[Answer]:
        wanted = [folder for folder in self.folders if not filters.folders or folder.name in filters.folders]
        unknown = set(filters.folders) - {folder.name for folder in self.folders}
        if unknown:
            names = ", ".join(repr(folder.name) for folder in self.folders)
            raise ValueError(f"folders: {sorted(unknown)[0]!r:.80} is not served here; these are: {names}")
        answers = []
        for folder in wanted:
            hits = ask(folder)
            numbers = folder.document_numbers([hit.id for hit in hits])
            for hit, number in zip(hits, numbers, strict=True):
                if number is not None:  # it went meanwhile
                    answers.append(Answer(hit, folder, self._ids.of(folder.folder.index.path, number, hit.id)))
        if len(wanted) > 1:
            answers.sort(key=lambda answer: -merge_rank(answer.hit, by_similarity=by_similarity))
        return answers[:k]

    def _meaning(self, id: str) -> str | Path:
        """A document as a part of a query: its words, or the path of its picture."""
        document = self._document(self.find(id))
        if document.text is not None:
            return document.text[:_LIKE_CHARACTERS]
        assert isinstance(document.image, Path)
        return document.image

    def _document(self, found: Found) -> Document:
        """A document as it is compared with those of another index."""
        stored = self.stored(found)
        if stored.text is not None:
            return Document(found.id, text=stored.text)
        return Document(found.id, image=found.folder.safe_path(found.file))
