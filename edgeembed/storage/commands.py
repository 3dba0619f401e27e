"""Changes of the catalog as values: the writer queues them, and applies them in order, many in one commit."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..catalog.checksums import chunk_digest
from ..catalog.rows import FileRow
from ..catalog.transaction import Transaction
from ..errors import ImageError
from .embed_queue import PendingChunk

Change = Literal["new", "changed", "same"]
"""What a document was to the index when it was added."""


class FailedImage(NamedTuple):
    """An image that could not be read, which shows only while it is embedded, after its document was added."""

    id: str
    change: Change
    """What adding the document returned."""
    error: ImageError
    is_file: bool
    """Whether its file is now recorded as skipped; otherwise its error is to be raised."""


class Removed(NamedTuple):
    """How many documents were removed, all parts of a file counted as one."""

    documents: int


class Taken(NamedTuple):
    """A file of many documents that is in the index now."""

    change: Change
    """What it was to the index before."""


Outcome = FailedImage | Removed | Taken | None
"""What the writer must know of a command that was applied; ``None``: nothing."""


class Command(Protocol):
    """A change of the catalog."""

    @property
    def is_ready(self) -> bool:
        """Whether what must be embedded before is embedded."""

    def apply(self, transaction: Transaction) -> Outcome:
        """Make the change."""


class _Ready:
    is_ready = True


@dataclass(frozen=True)
class AddChunk:
    """Add a chunk with its vector, unless it is an image that cannot be read."""

    chunk: PendingChunk

    @property
    def is_ready(self) -> bool:
        """Whether it is embedded."""
        return self.chunk.is_done

    def apply(self, transaction: Transaction) -> None:
        """Add it to its content."""
        if self.chunk.error is not None:
            return
        row, vector = self.chunk.row, self.chunk.vector
        content = transaction.content(self.chunk.digest, row.kind)
        transaction.add_chunk(content, row, vector, chunk_digest(row, vector or b""), self.chunk.encoder)


@dataclass(frozen=True)
class CompleteContent:
    """Say that all chunks of a content are there, unless it is an image that cannot be read."""

    digest: bytes
    kind: str
    image: PendingChunk | None = None

    @property
    def is_ready(self) -> bool:
        """Whether its image, if it is one, is embedded."""
        return self.image is None or self.image.is_done

    def apply(self, transaction: Transaction) -> None:
        """Mark the content as complete."""
        if self.image is None or self.image.error is None:
            transaction.complete(transaction.content(self.digest, self.kind))


@dataclass(frozen=True)
class PutDocument:
    """Let a document point to its content, or give up an image that cannot be read."""

    id: str
    digest: bytes
    kind: str
    metadata: str
    change: Change
    file: FileRow | None
    """Of the file it was read from; ``None``: it comes from no file."""
    image: PendingChunk | None
    image_path: Path | None
    is_part: bool = False
    """Whether it is one of many in its file, for which an ``EndParts`` follows."""

    @property
    def is_ready(self) -> bool:
        """Whether its image, if it is one, is embedded."""
        return self.image is None or self.image.is_done

    def apply(self, transaction: Transaction) -> FailedImage | None:
        """Put it, in the place of all that was indexed of its file, or record its file as skipped."""
        if self.image is not None and self.image.error is not None:
            return self._give_up(transaction, self.image.error)
        content = transaction.content(self.digest, self.kind)
        if self.file is not None:
            # Of a text its reader says so; an image that is known already is not decoded again.
            known = transaction.missing_of(content) if self.kind == "image" else None
            missing = known if self.image is None else self.image.missing
            transaction.put_file(self.id, self.file if missing is None else self.file.incomplete(missing))
            transaction.remove_documents_of(self.id, keep=(self.id,))
        transaction.put_document(self.id, content, self.metadata)
        return None

    def _give_up(self, transaction: Transaction, cause: ImageError) -> FailedImage:
        error = ImageError(self.image_path, cause.reason, which=f"document {self.id!r}")
        if self.file is not None:
            transaction.remove_documents_of(self.id)
            transaction.put_file(self.id, self.file.skipped(error.reason))
        return FailedImage(self.id, self.change, error, is_file=self.file is not None)


@dataclass(frozen=True)
class EndParts(_Ready):
    """Say that all documents of a file are there, and remove what else was indexed of it."""

    path: str
    file: FileRow
    ids: Container[str]
    """Of all its documents."""
    unread: Container[str]
    """Of documents that could not be read now and stay as they were."""
    change: Change
    """What it was to the index, but for what is removed now."""

    def apply(self, transaction: Transaction) -> Taken:
        """Record the file."""
        removed = transaction.remove_documents_of(self.path, keep=self.ids, unread=self.unread)
        transaction.put_file(self.path, self.file)
        return Taken("changed" if removed and self.change == "same" else self.change)


@dataclass(frozen=True)
class RemoveDocuments(_Ready):
    """Remove documents, all parts of a file with it, and forget the files that they came from."""

    ids: tuple[str, ...]

    def apply(self, transaction: Transaction) -> Removed:
        """Remove those that are there; the file of a part that goes alone is read again by the next sync."""
        removed = 0
        for id in self.ids:
            path = transaction.file_of_part(id)
            removed += transaction.remove_documents_of(id) > 0
            file = None if path is None else transaction.file(path)
            if path is not None and file is not None:
                transaction.put_file(path, file.begun(is_new=False))
        transaction.remove_files(self.ids)
        return Removed(removed)


@dataclass(frozen=True)
class SkipFile(_Ready):
    """Record why a file was skipped."""

    path: str
    file: FileRow
    keep: bool
    """``False``: what was indexed of it before is removed."""

    def apply(self, transaction: Transaction) -> None:
        """Record it."""
        if not self.keep:
            transaction.remove_documents_of(self.path)
        transaction.put_file(self.path, self.file)


@dataclass(frozen=True)
class PutSetting(_Ready):
    """Make or replace a setting."""

    name: str
    value: str

    def apply(self, transaction: Transaction) -> None:
        """Set it."""
        transaction.set(self.name, self.value)
