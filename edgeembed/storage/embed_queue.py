"""Embedding in the background, while the caller reads, cuts and commits what comes next."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..catalog.snapshot import ChunkRow, EncoderInfo
from ..embedder import Embedder
from ..errors import EdgeEmbedError, ImageError
from ..reading.pictures import ImageSource
from ..segments.int8 import to_int8

_IMAGE_BYTES = 48 << 20
"""Limit on the files of images, or their pixels, that wait to be embedded; one alone may be larger."""


@dataclass
class PendingChunk:
    """A chunk on its way to the catalog."""

    digest: bytes
    """Of the content that it belongs to."""
    row: ChunkRow
    image: ImageSource | None = None
    vector: bytes | None = None
    """int8 ``(dim,)``; ``None`` until it is embedded."""
    encoder: EncoderInfo | None = None
    """What made the vector; likewise."""
    error: ImageError | None = None
    """Why it cannot be embedded."""
    is_unread: bool = False
    """Whether it is to have no vector, because the model cannot read it."""

    @property
    def is_done(self) -> bool:
        """Whether it has its vector, or its error, or will have none."""
        return self.vector is not None or self.error is not None or self.is_unread


class EmbedQueue:
    """Background embedding queue. Texts run in batches, one running while the next fills; at most 2 x threads + 2
    images are in flight. :meth:`finish` waits for everything.
    """

    def __init__(self, embedder: Callable[[str], Embedder], *, threads: int) -> None:
        """``embedder`` gives the model of a kind; called in the thread of the caller, when it is first needed."""
        self.embedded = 0
        """Chunks that were embedded so far."""
        self._guard = threading.Lock()
        self._embedder = embedder
        self._max_images = 2 * threads + 2
        self._pool = ThreadPoolExecutor(threads + 1, thread_name_prefix="edgeembed-queue")
        self._texts: list[PendingChunk] = []
        self._batch: Future[None] | None = None
        self._images: deque[tuple[Future[None], int]] = deque()

    def add_text(self, chunk: PendingChunk, *, batch_size: int) -> bool:
        """Queue a chunk of text; ``True``: it filled a batch, which is being embedded now."""
        self._texts.append(chunk)
        if len(self._texts) < batch_size:
            return False
        self.start_batch()
        return True

    def add_image(self, chunk: PendingChunk) -> None:
        """Queue an image; waits while too many are in flight. One that cannot be read gets an error."""
        assert chunk.image is not None
        size = _size_bytes(chunk.image)
        while self._images and (
            len(self._images) >= self._max_images or size + sum(size for _, size in self._images) > _IMAGE_BYTES
        ):
            self._images.popleft()[0].result()
        self._images.append((self._pool.submit(self._embed_image, self._embedder("image"), chunk), size))

    def finish(self) -> None:
        """Wait until every queued chunk has its vector, or its error.

        Raises:
            EdgeEmbedError: the model failed.
        """
        self.start_batch()
        self._end_batch()
        while self._images:
            self._images.popleft()[0].result()

    def drain(self) -> None:
        """As :meth:`finish`, but errors of the model are passed over: they were raised before."""
        with suppress(EdgeEmbedError):
            self.finish()
        for future in (*([self._batch] if self._batch else ()), *(future for future, _ in self._images)):
            with suppress(Exception):
                future.result()
        self._batch = None
        self._images.clear()

    def close(self) -> None:
        """Wait for what is running, and start nothing more."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def waiting_texts(self) -> int:
        """How many chunks of text wait for their batch to be full."""
        return len(self._texts)

    def start_batch(self) -> None:
        """Start on the texts that wait, however few, once the batch before is done."""
        if self._texts:
            self._end_batch()
            batch, self._texts = self._texts, []
            self._batch = self._pool.submit(self._embed_texts, self._embedder("text"), batch)

    def _end_batch(self) -> None:
        if self._batch is not None:
            batch, self._batch = self._batch, None
            batch.result()

    def _embed_texts(self, embedder: Embedder, batch: list[PendingChunk]) -> None:
        vectors = embedder.embed_readable([chunk.row.text or "" for chunk in batch])
        readable = np.asarray(vectors.any(axis=1))
        encoder = encoder_info(embedder)
        self._count(int(np.count_nonzero(readable)))
        rows = iter(to_int8(vectors[readable]))
        for chunk, is_read in zip(batch, readable, strict=True):
            if is_read:
                chunk.encoder = encoder
                chunk.vector = next(rows).tobytes()  # last: now it is done
            else:
                chunk.is_unread = True

    def _embed_image(self, embedder: Embedder, chunk: PendingChunk) -> None:
        assert chunk.image is not None
        try:
            (vector,) = to_int8(embedder.embed_images([chunk.image], reduced=True))
        except ImageError as error:
            chunk.error = error
        else:
            self._count(1)
            chunk.encoder = encoder_info(embedder)
            chunk.vector = vector.tobytes()
        finally:
            chunk.image = None  # the catalog has no use for it

    def _count(self, chunks: int) -> None:
        with self._guard:
            self.embedded += chunks


def encoder_info(embedder: Embedder) -> EncoderInfo:
    """What the catalog remembers of a model beside its vectors."""
    manifest = embedder.manifest
    return EncoderInfo(manifest.encoder, manifest.name, manifest.space, manifest.dim)


def _size_bytes(image: ImageSource) -> int:
    if isinstance(image, bytes):
        return len(image)
    if isinstance(image, (str, os.PathLike)):
        return Path(image).stat().st_size
    return image.width * image.height * len(image.getbands())
