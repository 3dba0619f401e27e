"""Embedding in the background, while the caller reads, splits and commits what comes next."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..catalog.checksums import chunk_digest
from ..catalog.snapshot import ChunkRow
from ..catalog.transaction import Transaction
from ..embedder import Embedder
from ..errors import EdgeEmbedError, ImageError
from ..reading.pictures import ImageSource
from ..segments.int8 import to_int8

_PICTURE_BYTES = 48 << 20
"""Files of pictures, or their pixels, that wait to be embedded; one alone may be larger."""


@dataclass
class PendingChunk:
    """A chunk on its way to the catalog."""

    digest: bytes
    """Of the content that it belongs to."""
    row: ChunkRow
    image: ImageSource | None = None
    vector: bytes | None = None
    """``None`` until it is embedded."""
    error: ImageError | None = None
    """Why it cannot be."""

    @property
    def is_done(self) -> bool:
        return self.vector is not None or self.error is not None

    def put(self, transaction: Transaction) -> None:
        """Add it to the catalog."""
        assert self.vector is not None
        content = transaction.content(self.digest, self.row.kind)
        transaction.add_chunk(content, self.row, self.vector, chunk_digest(self.row, self.vector))


class EmbedQueue:
    """Takes chunks and gives them their vectors, sooner or later; :meth:`finish` waits for all.

    Of texts one batch is embedded while the next is collected; of pictures there are a few for each thread.
    """

    def __init__(self, embedder: Callable[[str], Embedder], *, threads: int) -> None:
        """``embedder`` gives the model of a kind; asked in the thread of the caller, when it is first needed."""
        self.embedded = 0
        self._guard = threading.Lock()
        self._embedder = embedder
        self._most_pictures = 2 * threads + 2
        self._pool = ThreadPoolExecutor(threads + 1, thread_name_prefix="edgeembed-ahead")
        self._texts: list[PendingChunk] = []
        self._batch: Future[None] | None = None
        self._pictures: deque[tuple[Future[None], int]] = deque()

    def text(self, chunk: PendingChunk, *, together: int) -> bool:
        """Take a chunk of text; ``True``: with it a batch was full, and is being embedded."""
        self._texts.append(chunk)
        if len(self._texts) < together:
            return False
        self.start_batch()
        return True

    def picture(self, chunk: PendingChunk) -> None:
        """Take a picture; waits while too many are under way. One that cannot be read gets an error."""
        assert chunk.image is not None
        size = _size_bytes(chunk.image)
        while self._pictures and (
            len(self._pictures) >= self._most_pictures
            or size + sum(held for _, held in self._pictures) > _PICTURE_BYTES
        ):
            self._pictures.popleft()[0].result()
        self._pictures.append((self._pool.submit(self._embed_picture, self._embedder("image"), chunk), size))

    def finish(self) -> None:
        """Wait until every chunk that was taken has its vector, or its error.

        Raises:
            EdgeEmbedError: the model failed.
        """
        self.start_batch()
        self._end_batch()
        while self._pictures:
            self._pictures.popleft()[0].result()

    def close(self) -> None:
        """Wait for what is under way, and take nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def settle(self) -> None:
        """As :meth:`finish`, whatever comes of it."""
        with suppress(EdgeEmbedError):
            self.finish()
        for future in (*([self._batch] if self._batch else ()), *(future for future, _ in self._pictures)):
            with suppress(Exception):  # it has been told
                future.result()
        self._batch = None
        self._pictures.clear()

    @property
    def collected(self) -> int:
        """How many chunks of text wait for their batch to be full."""
        return len(self._texts)

    def start_batch(self) -> None:
        """Begin with the texts that were collected, however few, once the batch before is done."""
        if self._texts:
            self._end_batch()
            batch, self._texts = self._texts, []
            self._batch = self._pool.submit(self._embed_texts, self._embedder("text"), batch)

    def _end_batch(self) -> None:
        if self._batch is not None:
            batch, self._batch = self._batch, None
            batch.result()

    def _embed_texts(self, embedder: Embedder, batch: list[PendingChunk]) -> None:
        vectors = embedder.embed_texts([chunk.row.text or "" for chunk in batch])
        self._count(len(batch))
        for chunk, row in zip(batch, to_int8(vectors), strict=True):
            chunk.vector = row.tobytes()

    def _count(self, chunks: int) -> None:
        with self._guard:
            self.embedded += chunks

    def _embed_picture(self, embedder: Embedder, chunk: PendingChunk) -> None:
        assert chunk.image is not None
        try:
            (vector,) = to_int8(embedder.embed_images([chunk.image], reduced=True))
        except ImageError as error:
            chunk.error = error
        else:
            self._count(1)
            chunk.vector = vector.tobytes()
        finally:
            chunk.image = None  # the catalog has no use for it


def _size_bytes(image: ImageSource) -> int:
    if isinstance(image, bytes):
        return len(image)
    if isinstance(image, (str, os.PathLike)):
        return Path(image).stat().st_size
    return image.width * image.height * len(image.getbands())
