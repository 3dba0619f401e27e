"""Writing to an index: documents to contents, chunks and vectors, a commit every few seconds.

What is committed stays, whatever happens to the process afterwards. A content whose chunks are not all embedded yet
is invisible to searches, and the next run goes on with its next chunk.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Literal

from ..catalog.database import Catalog
from ..catalog.schema import KINDS
from ..catalog.snapshot import ChunkRow, FileRow
from ..catalog.transaction import Transaction
from ..document import Document
from ..embedder import Embedder
from ..errors import ImageError
from ..reading.pictures import path_of
from ..segments.segment_set import SegmentSet
from ..text.chunker import split
from .content import Content, content_of
from .embed_queue import EmbedQueue, PendingChunk
from .segment_merger import MAX_SEGMENT_ROWS, SegmentMerger

EMBED_CHUNKS = 128
"""Chunks that are embedded together: a few seconds of work on a slow laptop."""
COMMIT_SECONDS = 2.0
COMMIT_CHUNKS = 4096
Taken = Literal["new", "changed", "same"]


@dataclass(frozen=True)
class _Change:
    """Something to be done to the catalog, in its turn."""

    apply: Callable[[Transaction], object]
    chunk: PendingChunk | None = None
    """What must have been embedded before."""
    completes: bytes | None = None
    """The content that is whole with it."""

    @property
    def is_ready(self) -> bool:
        return self.chunk is None or self.chunk.is_done


class Writer:
    """One writing session. The caller holds the index's lock while it lasts."""

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        segments: SegmentSet,
        embedder: Callable[[str], Embedder],
        *,
        threads: int,
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        """``embedder`` gives the model of a kind of documents; called when one must be embedded, not before."""
        self._catalog = catalog
        self._segments = segments
        self._merger = SegmentMerger(folder, catalog, segments, threads=threads)
        self._embedder = embedder
        self._cancel = cancel or (lambda: False)
        self._ahead = EmbedQueue(embedder, threads=threads)
        self._changes: deque[_Change] = deque()
        self._queued: dict[bytes, PendingChunk | None] = {}
        """Contents that are whole once all changes are committed; of a picture its chunk, which may yet fail."""
        self._error: ImageError | None = None
        self._committed = time.monotonic()
        self.cancelled = False
        """Whether ``cancel`` was seen; from then on nothing more is taken."""

    @property
    def embedded(self) -> int:
        """How many chunks were embedded so far."""
        return self._ahead.embedded

    def add(
        self,
        document: Document,
        *,
        file: FileRow | None = None,
        failed: Callable[[Taken, str], object] | None = None,
    ) -> Taken | None:
        """Add a document, in place of the one with the same id.

        Args:
            file: what to remember of the file it was read from; ``None``: it comes from no file.
            failed: told what this returned, and the reason, if it comes out later that a picture cannot be read, which
                is then remembered as skipped; ``None``: that is raised by the next call, or at the end.

        Returns:
            What it was to the index: ``new``, ``changed`` or ``same``; ``None``: it was not taken, after a cancel.

        Raises:
            ImageError: a picture cannot be read; perhaps one that was added before.
            OSError: the file of a picture cannot be read.
        """
        self._raise_error()
        content = content_of(document)
        digest, kind = content.digest, content.kind
        metadata = json.dumps(dict(document.metadata), sort_keys=True)
        with self._catalog.read() as snapshot:
            before = snapshot.document_state(document.id)
            done, complete = snapshot.content_state(digest)
        if not complete and digest not in self._queued and not self._queue_chunks(content, done):
            return None
        chunk, id = self._queued.get(digest), document.id
        source = None if document.image is None else path_of(document.image)
        taken: Taken = "new" if before is None else "same" if before == (digest, metadata) else "changed"

        def put(transaction: Transaction) -> None:
            """Let the document point to its content, or give up a picture that could not be read."""
            if chunk is not None and chunk.error is not None:
                self._give_up(transaction, id, file, ImageError(source, chunk.error.reason, which=f"document {id!r}"))
                if failed is not None:
                    failed(taken, chunk.error.reason)
                return
            transaction.put_document(id, transaction.content(digest, kind), metadata)
            if file is not None:
                transaction.put_file(id, file)

        self._changes.append(_Change(put, chunk))
        self._commit_if_due()
        return taken

    def remove(self, ids: Iterable[str]) -> int:
        """Remove documents; returns how many there were."""
        ids = list(ids)
        removed = 0

        def drop(transaction: Transaction) -> None:
            nonlocal removed
            removed = transaction.remove_documents(ids)
            transaction.remove_files(ids)

        if ids:
            self._changes.append(_Change(drop))
            self.commit()
        return removed

    def skip(self, path: str, file: FileRow, *, keep: bool) -> None:
        """Remember why a file was skipped; unless ``keep``, what was indexed of it before is removed."""

        def note(transaction: Transaction) -> None:
            if not keep:
                transaction.remove_documents([path])
            transaction.put_file(path, file)

        self._changes.append(_Change(note))
        self._commit_if_due()

    def note(self, name: str, value: str) -> None:
        """Make or replace a setting with the next commit."""
        self._changes.append(_Change(lambda transaction: transaction.set(name, value)))

    def commit(self) -> None:
        """Embed what is waiting and make everything so far last."""
        self._ahead.finish()
        self._write(len(self._changes))

    def keep(self) -> None:
        """After trouble: make last what is embedded already, and all that came before it."""
        self._ahead.settle()
        self._write(self._ready())

    def close(self) -> None:
        """End the threads."""
        self._ahead.close()

    def _ready(self) -> int:
        """How many changes from the oldest on wait for no embedding."""
        return sum(1 for _ in takewhile(lambda change: change.is_ready, self._changes))

    def _write(self, count: int) -> None:
        """Commit the ``count`` oldest changes."""
        self._committed = time.monotonic()
        if not count:
            return
        changes = list(islice(self._changes, count))
        with self._catalog.write() as transaction:
            transaction.set("unswept", "1")
            for change in changes:
                change.apply(transaction)
        for change in changes:
            self._changes.popleft()
            if change.completes is not None:
                self._queued.pop(change.completes, None)
        for kind in KINDS:
            self._merger.seal(kind)

    def _give_up(self, transaction: Transaction, id: str, file: FileRow | None, error: ImageError) -> None:
        """What to do about a picture that cannot be read: skip its file, or have the error raised."""
        if file is None:
            self._error = self._error or error
            return
        transaction.remove_documents([id])
        transaction.put_file(id, file._replace(reason=error.reason))

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def finish(self) -> None:
        """Commit; and, unless it was cancelled, drop contents without documents and files without a name."""
        self.commit()
        with self._catalog.read() as snapshot:
            unswept = snapshot.setting("unswept") == "1"
        if unswept and not self.cancelled:
            with self._catalog.write() as transaction:
                swept = transaction.sweep_contents()
                transaction.set("unswept", "0")
            if swept:
                self._merger.rewrite_sparse()
        for kind in KINDS if not self.cancelled else ():
            # Not before: a run needs memory for texts, and what is merged late need not be merged again and again.
            self._merger.merge(kind, MAX_SEGMENT_ROWS)
        with self._catalog.read() as snapshot:
            named = [facts.file for facts in snapshot.segments()]
        self._segments.sweep(named)
        self._raise_error()

    def compact(self) -> None:
        """Drop contents without documents, and rewrite segments that hold removed rows or are smaller than need be."""
        self.commit()
        with self._catalog.write() as transaction:
            transaction.sweep_contents()
            transaction.set("unswept", "0")
        for kind in KINDS:
            self._merger.pack(kind)

    def _queue_chunks(self, content: Content, done: int) -> bool:
        """Queue the chunks of a content from number ``done`` on; ``False``: cancelled before the last one."""
        if content.image is not None:
            return self._queue_picture(content)
        for chunk in islice(self._chunks(content), done, None):
            self._changes.append(_Change(chunk.put, chunk))
            if self._ahead.text(chunk, together=EMBED_CHUNKS):
                self._commit_if_due()
                if self.stopped():
                    return False
        if self.stopped():
            return False
        self._complete(content, None)
        return True

    def _queue_picture(self, content: Content) -> bool:
        """Queue a picture; ``False``: cancelled before."""
        if self.stopped():
            return False
        row = ChunkRow(content.kind, None, None, None, None, None, None)
        chunk = PendingChunk(content.digest, row, image=content.image)
        self._ahead.picture(chunk)

        def put(transaction: Transaction) -> None:
            """Add the picture, unless it turned out that it cannot be read."""
            if chunk.error is None:
                chunk.put(transaction)

        self._changes.append(_Change(put, chunk))
        self._complete(content, chunk)
        return True

    def _complete(self, content: Content, picture: PendingChunk | None) -> None:
        """Queue what makes a content whole; the ``picture`` may yet fail."""
        digest, kind = content.digest, content.kind  # what is queued must not hold texts and files until the commit

        def complete(transaction: Transaction) -> None:
            if picture is None or picture.error is None:
                transaction.complete(transaction.content(digest, kind))

        self._changes.append(_Change(complete, picture, digest))
        self._queued[digest] = picture

    def _chunks(self, content: Content) -> Iterator[PendingChunk]:
        embedder = self._embedder("text")
        limit = embedder.content_tokens
        for chunk in split(content.text, limit=limit, count_tokens=embedder.count_tokens, pages=content.pages):
            first, last = (chunk.start_line, chunk.end_line) if content.lines else (None, None)
            span = (chunk.start, chunk.end, first, last, chunk.page)
            yield PendingChunk(content.digest, ChunkRow(content.kind, *span, chunk.text))

    def _commit_if_due(self) -> None:
        """Commit now and then: what is embedded, without waiting for the rest; or all, once it is much."""
        if len(self._changes) - self._ahead.collected >= COMMIT_CHUNKS:
            self.commit()
        elif time.monotonic() - self._committed >= COMMIT_SECONDS:
            self._ahead.start_batch()  # or texts that come slowly would wait until they are many
            self._write(self._ready())

    def stopped(self) -> bool:
        """Ask whether to stop, and remember a yes."""
        self.cancelled = self.cancelled or self._cancel()
        return self.cancelled
