"""Writing to an index: documents to contents, chunks and vectors, a commit every few seconds.

What is committed stays, whatever happens to the process afterwards. A content whose chunks are not all embedded yet
is invisible to searches, and the next run goes on with its next chunk.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice, takewhile
from pathlib import Path
from typing import TypeVar

from ..catalog import settings
from ..catalog.database import Catalog
from ..catalog.metadata import metadata_json
from ..catalog.rows import ASIDE, ChunkRow, FileRow
from ..catalog.schema import KINDS
from ..document import Document
from ..embedder import Embedder
from ..errors import ImageError
from ..reading.images import path_of
from ..segments.segment_set import SegmentSet
from ..text.chunker import split
from .commands import (
    AddChunk,
    Change,
    Command,
    CompleteContent,
    EndParts,
    FailedImage,
    Outcome,
    PutDocument,
    PutSetting,
    Removed,
    RemoveDocuments,
    SkipFile,
    Taken,
)
from .content import Content, content_of
from .embed_queue import EmbedQueue, PendingChunk
from .segment_merger import MAX_SEGMENT_ROWS, SegmentMerger
from .work_counter import WorkCounter

_Result = TypeVar("_Result")

EMBED_CHUNKS = 128
"""Batch size of texts: chunks that are embedded together, a few seconds of work on a slow laptop."""
COMMIT_SECONDS = 2.0
COMMIT_CHUNKS = 4096


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
        self._embedding = EmbedQueue(embedder, threads=threads, tick=self._tick)
        self.work = WorkCounter(lambda: self._embedding.work_done)
        """How far it has come."""
        self.applied: Counter[Change] = Counter()
        """Documents that are committed, by what they were to the index; all parts of a file count as one."""
        self.report: Callable[[], None] = lambda: None
        """Called in the thread of the caller, some times a second while it waits for what is embedded."""
        self._commands: deque[Command] = deque()
        self._queued: dict[bytes, PendingChunk | None] = {}
        """Contents that are complete once all commands are committed; of an image its chunk, which may yet fail."""
        self._failed: list[FailedImage] = []
        self._error: ImageError | None = None
        self._committed = time.monotonic()
        self.cancelled = False
        """Whether ``cancel`` was seen; from then on nothing more is added."""

    @property
    def embedded(self) -> int:
        """How many chunks were embedded so far."""
        return self._embedding.embedded

    def add(self, document: Document, *, file: FileRow | None = None) -> Change | None:
        """Add a document, in place of the one with the same id.

        An image of a file that turns out to be unreadable is recorded as skipped, see :meth:`failed_images`; the error
        of one that comes from no file is raised by the next call, or at the end.

        Args:
            file: what to record of the file it was read from; ``None``: it comes from no file.

        Returns:
            What it was to the index: ``new``, ``changed`` or ``same``; ``None``: it was not added, after a cancel.

        Raises:
            ImageError: an image cannot be read; perhaps one that was added before.
            TypeError, ValueError: its metadata cannot be kept; nothing of it is added.
            OSError: the file of an image cannot be read.
        """
        self._raise_error()
        metadata = metadata_json(document.id, document.metadata)
        content = content_of(document)
        size = float(max(1, len(content.text) if file is None else file.size_bytes))
        self.work.begin(size)
        return self._put(document, metadata, content, size, file=file)

    def begin_parts(self, path: str, file: FileRow) -> None:
        """Begin with a file of many documents; ``file`` says so, should this end before :meth:`end_parts`."""
        self.work.begin(float(file.size_bytes))
        self.put_file(path, file)

    def add_part(self, document: Document, size_bytes: int) -> Change | None:
        """Add one of the documents of a file, as :meth:`add`; ``size_bytes``: its share of the file."""
        metadata = metadata_json(document.id, document.metadata)
        return self._put(document, metadata, content_of(document), float(size_bytes), file=None, is_part=True)

    def end_parts(self, end: EndParts, rest_bytes: int) -> None:
        """Record a file of many documents that are all added; ``rest_bytes``: what of it was in none of them."""
        self.work.settle(float(rest_bytes))
        self._commands.append(end)
        self._commit_if_due()

    def _put(
        self,
        document: Document,
        metadata: str,
        content: Content,
        size: float,
        *,
        file: FileRow | None,
        is_part: bool = False,
    ) -> Change | None:
        """Queue what makes a document one of the index; returns as :meth:`add`."""
        with self._catalog.read() as snapshot:
            before = snapshot.document_state(document.id)
            had_parts = before is None and file is not None and snapshot.has_documents_of(document.id)
            done, is_complete = snapshot.content_state(content.digest)
        change: Change = "new" if before is None else "same" if before == (content.digest, metadata) else "changed"
        if is_complete or content.digest in self._queued:
            self.work.settle(size)
        elif not self._queue_chunks(content, done, size, takes_part=file is not None):
            return None
        if is_part and change == "same":
            return None if self.stopped() else change  # of thousands of parts most are as they were
        change = "changed" if had_parts else change
        # What is queued must not hold texts and files until the commit: digests stand for them.
        self._commands.append(
            PutDocument(
                document.id,
                content.digest,
                content.kind,
                metadata,
                change,
                file,
                self._queued.get(content.digest),
                None if document.image is None else path_of(document.image),
                is_part,
            )
        )
        self._commit_if_due()
        return change

    def failed_images(self) -> list[FailedImage]:
        """Images of files that could not be read, of those added before; each is handed out once."""
        failed, self._failed = self._failed, []
        return failed

    def remove(self, ids: Iterable[str]) -> int:
        """Remove documents, and all parts of what is a file; returns how many of ``ids`` there were."""
        command = RemoveDocuments(tuple(ids))
        if not command.ids:
            return 0
        self._commands.append(command)
        return sum(outcome.documents for outcome in self.commit() if isinstance(outcome, Removed))

    def skip(self, path: str, file: FileRow, *, keep: bool) -> None:
        """Record why a file was skipped; unless ``keep``, what was indexed of it before is removed."""
        self.work.begin(float(file.size_bytes))
        self.work.settle(float(file.size_bytes))
        self._commands.append(SkipFile(path, file, keep))
        self._commit_if_due()

    def put_file(self, path: str, file: FileRow) -> None:
        """Record what a file looks like whose document stays as it is."""
        self._commands.append(SkipFile(path, file, keep=True))  # which is no work
        self._commit_if_due()

    def put_setting(self, name: str, value: str) -> None:
        """Make or replace a setting with the next commit."""
        self._commands.append(PutSetting(name, value))

    def commit(self) -> list[Outcome]:
        """Embed what is waiting and make everything so far last; after a cancel, what is embedded."""
        self._embedding.finish()
        return self._write(self._ready_count())

    def wait(self, future: Future[_Result]) -> _Result:
        """The result of something that the caller does in another thread; meanwhile it is asked whether to stop."""
        return self._embedding.wait(future)

    def keep(self) -> None:
        """After trouble: make last what is embedded already, and all that came before it."""
        self._embedding.drain()
        self._write(self._ready_count())

    def close(self) -> None:
        """End the threads."""
        self._embedding.close()

    def finish(self) -> None:
        """Commit; and, unless it was cancelled, collect contents without documents and files without a name."""
        self.commit()
        with self._catalog.read() as snapshot:
            needs_gc = snapshot.setting(settings.NEEDS_GC) == "1"
        if needs_gc and not self.cancelled and self._collect_contents():
            self._merger.rewrite_sparse()
        for kind in KINDS if not self.cancelled else ():
            # Not before: a run needs memory for texts, and what is merged late need not be merged again and again.
            self._merger.merge(kind, MAX_SEGMENT_ROWS)
        with self._catalog.read() as snapshot:
            named = [info.file for info in snapshot.segments()]
        self._segments.collect_garbage(named)
        self._raise_error()

    def compact(self) -> None:
        """Collect contents without documents, and rewrite segments with removed rows or smaller than need be."""
        self.commit()
        self._collect_contents()
        for kind in KINDS:
            self._merger.compact(kind)

    def stopped(self) -> bool:
        """Ask whether to stop, and remember a yes."""
        if not self.cancelled and self._cancel():
            self.cancelled = True
            self._embedding.stop()
        return self.cancelled

    def _tick(self) -> bool:
        self.report()
        return self.stopped()

    def _collect_contents(self) -> int:
        with self._catalog.write() as transaction:
            contents = transaction.collect_contents()
            transaction.set(settings.NEEDS_GC, "0")
        return contents

    def _ready_count(self) -> int:
        """How many commands from the oldest on wait for no embedding."""
        return sum(1 for _ in takewhile(lambda command: command.is_ready, self._commands))

    def _write(self, count: int) -> list[Outcome]:
        """Commit the ``count`` oldest commands."""
        self._committed = time.monotonic()
        if not count:
            return []
        commands = list(islice(self._commands, count))
        with self._catalog.write() as transaction:
            transaction.set(settings.NEEDS_GC, "1")
            outcomes = [command.apply(transaction) for command in commands]
        for command in commands:
            self._commands.popleft()
            if isinstance(command, CompleteContent):
                self._queued.pop(command.digest, None)
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(command, PutDocument) and outcome is None and not command.is_part:
                self.applied[command.change] += 1
            elif isinstance(outcome, Taken):
                self.applied[outcome.change] += 1
            if isinstance(outcome, FailedImage) and outcome.is_file:
                self._failed.append(outcome)
            elif isinstance(outcome, FailedImage):
                self._error = self._error or outcome.error
        for kind in KINDS:
            self._merger.flush(kind)
        return outcomes

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _queue_chunks(self, content: Content, done: int, size: float, *, takes_part: bool) -> bool:
        """Queue the chunks of a content from number ``done`` on; ``False``: cancelled before the last one."""
        if content.image is not None:
            return self._queue_image(content, size, takes_part=takes_part)
        per_character, at = size / max(1, len(content.text)), 0
        for number, chunk in enumerate(self._chunks(content)):
            chunk.work, at = ((chunk.row.end or 0) - at) * per_character, chunk.row.end or 0
            if number < done:
                self.work.settle(chunk.work)
                continue
            self._commands.append(AddChunk(chunk))
            if chunk.is_unread:
                self.work.settle(chunk.work)
            elif self._embedding.add_text(chunk, batch_size=EMBED_CHUNKS):
                self._commit_if_due()
                if self.stopped():
                    return False
        if self.stopped():
            return False
        self.work.settle((len(content.text) - at) * per_character)
        self._complete(content, None)
        return True

    def _queue_image(self, content: Content, size: float, *, takes_part: bool) -> bool:
        """Queue an image; ``False``: cancelled before."""
        if self.stopped():
            return False
        row = ChunkRow(content.kind, None, None, None, None, None, None)
        chunk = PendingChunk(content.digest, row, image=content.image, takes_part=takes_part, work=size)
        self._embedding.add_image(chunk)
        self._commands.append(AddChunk(chunk))
        self._complete(content, chunk)
        return True

    def _complete(self, content: Content, image: PendingChunk | None) -> None:
        """Queue what makes a content complete; the ``image`` may yet fail."""
        self._commands.append(CompleteContent(content.digest, content.kind, image))
        self._queued[content.digest] = image

    def _chunks(self, content: Content) -> Iterator[PendingChunk]:
        embedder = self._embedder("text")
        limit = embedder.content_tokens
        count, pages, aside = embedder.count_tokens, content.pages, content.aside
        for chunk in split(content.text, limit=limit, count_tokens=count, pages=pages, aside=aside):
            first, last = (chunk.start_line, chunk.end_line) if content.lines else (None, None)
            is_aside = aside is not None and chunk.start >= aside
            span = (chunk.start, chunk.end, first, last, ASIDE if is_aside else chunk.page)
            yield PendingChunk(content.digest, ChunkRow(content.kind, *span, chunk.text), is_unread=is_aside)

    def _commit_if_due(self) -> None:
        """Commit now and then: what is embedded, without waiting for the rest; or all, once it is much."""
        if len(self._commands) - self._embedding.waiting_texts >= COMMIT_CHUNKS:
            self.commit()
        elif time.monotonic() - self._committed >= COMMIT_SECONDS:
            self._embedding.start_batch()  # or texts that come slowly would wait until they are many
            self._write(self._ready_count())
