"""Embedding in the background, while the caller reads, cuts and commits what comes next."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..catalog.rows import ChunkRow, EncoderInfo
from ..embedder import Embedder
from ..errors import EdgeEmbedError, ImageError
from ..reading.images import ImageSource
from ..segments.int8 import to_int8

_Result = TypeVar("_Result")
_SLICE = 8
"""Texts of a batch for each thread that are embedded before it is asked whether to stop: some half a second of work."""
_POLL_SECONDS = 0.1
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
    takes_part: bool = False
    """Whether of an image that is cut off the part will do that is there."""
    missing: str | None = None
    """What of it is not in its vector; ``None``: nothing."""
    is_unread: bool = False
    """Whether it is to have no vector, because the model cannot read it, or because it stands aside."""
    work: float = 1.0
    """How much of all work it is, in whatever unit the caller counts."""

    @property
    def is_done(self) -> bool:
        """Whether it has its vector, or its error, or will have none."""
        return self.vector is not None or self.error is not None or self.is_unread


class EmbedQueue:
    """Background embedding queue. Texts run in batches, one running while the next fills; at most 2 x threads + 2
    images are in flight. :meth:`finish` waits for everything.
    """

    def __init__(
        self, embedder: Callable[[str], Embedder], *, threads: int, tick: Callable[[], bool] = lambda: False
    ) -> None:
        """
        Args:
            embedder: gives the model of a kind; called in the thread of the caller, when it is first needed.
            tick: called in the thread of the caller while it waits; ``True``: nothing more is embedded.
        """
        self.embedded = 0
        """Chunks that were embedded so far."""
        self.work_done = 0.0
        """The sum of their ``work``."""
        self._tick = tick
        self._is_stopped = False
        self._guard = threading.Lock()
        self._embedder = embedder
        self._max_images = 2 * threads + 2
        self._slice = _SLICE * threads
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
            self._end_image()
        self._images.append((self._pool.submit(self._embed_image, self._embedder("image"), chunk), size))

    def finish(self) -> None:
        """Wait until every queued chunk has its vector, or its error; or, once it is to stop, what is running is done.

        Raises:
            EdgeEmbedError: the model failed.
        """
        self.start_batch()
        self._end_batch()
        while self._images:
            self._end_image()

    def stop(self) -> None:
        """Start nothing more; what is running ends."""
        self._is_stopped = True

    def wait(self, future: Future[_Result]) -> _Result:
        """The result of something in the background; meanwhile the caller is asked whether to stop."""
        while not future.done():
            wait([future], timeout=_POLL_SECONDS)
            if self._tick():
                self.stop()
        return future.result()

    def drain(self) -> None:
        """As :meth:`finish`, but errors of the model are passed over: they were raised before."""
        self._tick = lambda: False  # it may be what raised
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
        if self._texts and not self._is_stopped:
            self._end_batch()
            batch, self._texts = self._texts, []
            self._batch = self._pool.submit(self._embed_texts, self._embedder("text"), batch)

    def _end_batch(self) -> None:
        if self._batch is not None:
            batch = self._batch
            try:
                self.wait(batch)
            finally:  # one that still runs, when the caller was told something worse, is waited for by drain
                if batch.done():
                    self._batch = None

    def _end_image(self) -> None:
        future = self._images[0][0]
        try:
            self.wait(future)
        finally:
            if future.done():
                self._images.popleft()

    def _embed_texts(self, embedder: Embedder, batch: list[PendingChunk]) -> None:
        for first in range(0, len(batch), self._slice):
            if self._is_stopped:
                return
            chunks = batch[first : first + self._slice]
            vectors = embedder.embed_readable([chunk.row.text or "" for chunk in chunks])
            readable = np.asarray(vectors.any(axis=1))
            encoder = encoder_info(embedder)
            rows = iter(to_int8(vectors[readable]))
            for chunk, is_read in zip(chunks, readable, strict=True):
                if is_read:
                    chunk.encoder = encoder
                    chunk.vector = next(rows).tobytes()  # last: now it is done
                else:
                    chunk.is_unread = True
            self._count(chunks)

    def _embed_image(self, embedder: Embedder, chunk: PendingChunk) -> None:
        assert chunk.image is not None
        if self._is_stopped:
            return

        def note(number: int, missing: str) -> None:
            chunk.missing = missing

        try:
            vectors = embedder.iter_embed_images([chunk.image], reduced=True, tell=note if chunk.takes_part else None)
            (vector,) = to_int8(next(vectors))
        except ImageError as error:
            chunk.error = error
        else:
            chunk.encoder = encoder_info(embedder)
            chunk.vector = vector.tobytes()
            self._count([chunk])
        finally:
            chunk.image = None  # the catalog has no use for it

    def _count(self, chunks: Sequence[PendingChunk]) -> None:
        with self._guard:
            self.embedded += sum(chunk.vector is not None for chunk in chunks)
            self.work_done += sum(chunk.work for chunk in chunks)


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
