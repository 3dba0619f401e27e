"""Changes of the catalog as values: the writer queues them, and applies them in order, many in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..catalog.checksums import chunk_digest
from ..catalog.snapshot import FileRow
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
    """How many documents were removed."""

    documents: int


Outcome = FailedImage | Removed | None
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

    @property
    def is_ready(self) -> bool:
        """Whether its image, if it is one, is embedded."""
        return self.image is None or self.image.is_done

    def apply(self, transaction: Transaction) -> FailedImage | None:
        """Put it, or record its file as skipped."""
        if self.image is not None and self.image.error is not None:
            return self._give_up(transaction, self.image.error)
        content = transaction.content(self.digest, self.kind)
        if self.file is not None:
            # Of a text its reader says so; an image that is known already is not decoded again.
            known = transaction.missing_of(content) if self.kind == "image" else None
            missing = known if self.image is None else self.image.missing
            transaction.put_file(self.id, self.file if missing is None else self.file.incomplete(missing))
        transaction.put_document(self.id, content, self.metadata)
        return None

    def _give_up(self, transaction: Transaction, cause: ImageError) -> FailedImage:
        error = ImageError(self.image_path, cause.reason, which=f"document {self.id!r}")
        if self.file is not None:
            transaction.remove_documents([self.id])
            transaction.put_file(self.id, self.file.skipped(error.reason))
        return FailedImage(self.id, self.change, error, is_file=self.file is not None)


@dataclass(frozen=True)
class RemoveDocuments(_Ready):
    """Remove documents, and forget the files that they came from."""

    ids: tuple[str, ...]

    def apply(self, transaction: Transaction) -> Removed:
        """Remove those that are there."""
        removed = transaction.remove_documents(self.ids)
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
            transaction.remove_documents([self.path])
        transaction.put_file(self.path, self.file)


@dataclass(frozen=True)
class PutSetting(_Ready):
    """Make or replace a setting."""

    name: str
    value: str

    def apply(self, transaction: Transaction) -> None:
        """Set it."""
        transaction.set(self.name, self.value)
