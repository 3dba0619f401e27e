"""Texts and images to unit vectors.

Each document is one run of the graph on one thread, and documents are spread over one thread a core. On
CPUs this is as fast as padded batches, needs no padding, little memory, and a vector depends on nothing but
its own document, which batches cannot promise: dynamic quantization scales the activations of a whole batch.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from .bundle.bundle import Bundle, read_bundle
from .bundle.manifest import Manifest
from .errors import ImageError, UnsupportedInputError
from .inference.block_runner import Vectors, _Block, _Job
from .inference.image_preprocess import ImagePreprocessor
from .inference.onnx_session import ALL, BASIC, OnnxSession
from .inference.tokenizer import BundleTokenizer
from .reading.images import ImageSource
from .system.forks import follow_forks
from .system.limits import checked_threads, usable_cores

Role = Literal["document", "query"]
_BLOCK = 256
"""Documents that are tokenized and scheduled together: enough to keep the cores level, few enough to stay small."""
_IMAGE_BLOCK = 32
"""Batch size of the stream of image vectors."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Embedder:
    """A loaded model: texts (and images, if the bundle has an image tower) to vectors of length 1.

    May be used from several threads at once, and in a forked child, which loads it again. A vector is the same alone,
    among others, in any order and with any number of threads.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None, max_pixels: int | None = None) -> None:
        """Use an already opened bundle; most callers want :meth:`load`, which has the same arguments."""
        threads = checked_threads(threads)
        self.bundle = bundle
        self._max_pixels = max_pixels
        self._is_closed = False
        self._is_inherited = False
        """Whether this process was forked since: threads are not inherited."""
        self._renewing = threading.Lock()
        follow_forks(self)
        self.threads = threads or usable_cores()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="edgeembed") if self.threads > 1 else None
        self._text: tuple[BundleTokenizer, OnnxSession] | None = None
        section = bundle.manifest.text
        if section is not None:
            self._text = (
                BundleTokenizer(bundle),
                OnnxSession(bundle, section.graph, ("input_ids", "attention_mask"), BASIC),
            )
        self._image: tuple[ImagePreprocessor, OnnxSession] | None = None
        if bundle.manifest.image is not None:
            image = bundle.manifest.image
            graph = OnnxSession(bundle, image.graph, ("pixel_values",), ALL)
            graph.check_shape("pixel_values", (None, len(image.mean), image.height, image.width))
            self._image = (ImagePreprocessor(bundle, max_pixels=max_pixels), graph)

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        max_pixels: int | None = None,
    ) -> Embedder:
        """Load a model.

        Args:
            model: name of a shipped bundle, or path of a bundle folder; ``None`` is the shipped default.
            threads: how many documents are embedded at a time; ``None`` is as many as this process has cores
                (processor affinity and container quota counted).
            max_pixels: larger images are refused; ``None`` is about 179 megapixels, or less on a machine with little
                memory.

        Raises:
            BundleError: the bundle is missing, damaged, or in a newer format.
            TypeError, ValueError: ``threads`` is no whole number, or less than 1; ``max_pixels`` is less than 1.
        """
        return cls(read_bundle(model), threads=checked_threads(threads), max_pixels=max_pixels)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the bundle."""
        return self.bundle.manifest

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.bundle.manifest.dim

    def embed_texts(self, texts: Sequence[str], *, role: Role = "document") -> Vectors:
        """Embed texts.

        Args:
            texts: any number of strings, also none; each is cut at the model's limit of tokens.
            role: ``query`` for what is searched with, ``document`` for what is searched in; they differ only
                for models that were trained with prefixes.

        Returns:
            float32 ``(N, dim)``, rows of length 1, in the order of ``texts``.

        Raises:
            TypeError: a bare string, or something in ``texts`` that is no string.
            UnsupportedInputError: the model has no text encoder.
            ValueError: the embedder is closed.
        """
        if isinstance(texts, (str, bytes)):
            raise TypeError(f"texts must be a sequence of strings, not one {type(texts).__name__}: [text] makes one")
        blocks = list(self._text_blocks(texts, role, ahead=True))
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), np.float32)

    def embed_readable(self, texts: Sequence[str], *, role: Role = "document") -> Vectors:
        """As :meth:`embed_texts`; a row is all zeros where most words of the text are not in the model's vocabulary.

        All such texts have nearly the same vector, whatever they say: Japanese, Thai and emoji for an English model.
        """
        blocks = list(self._text_blocks(texts, role, ahead=True, only_readable=True))
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), np.float32)

    def iter_embed_texts(self, texts: Iterable[str], *, role: Role = "document") -> Iterator[Vectors]:
        """Embed a stream of texts of any length with bounded memory.

        Yields:
            float32 ``(n, dim)`` for the next ``n`` texts, in order; ``n`` varies.

        Raises:
            As :meth:`embed_texts`.
        """
        yield from self._text_blocks(texts, role, ahead=False)  # a stream is read no faster than it is used

    def _text_blocks(
        self, texts: Iterable[str], role: Role, *, ahead: bool, only_readable: bool = False
    ) -> Iterator[Vectors]:
        encoder, graph = self._text_side()
        if role not in ("document", "query"):
            raise ValueError(f"role must be 'document' or 'query', not {role!r}")
        return self._blocks(graph, self._tokenized(encoder, texts, role, only_readable), ahead=ahead)

    @staticmethod
    def _tokenized(encoder: BundleTokenizer, texts: Iterable[str], role: Role, only_readable: bool) -> Iterator[_Block]:
        """What the graph takes of each text, a block at a time."""
        iterator = iter(texts)
        while block := list(itertools.islice(iterator, _BLOCK)):
            for text in block:
                if not isinstance(text, str):
                    raise TypeError(f"texts must hold strings, not {type(text).__name__}: {text!r:.80}")
            tokenized = _Block(encoder.encoding(block, role=role), [len(text) for text in block])
            yield tokenized._replace(reads=partial(encoder.reads, role=role)) if only_readable else tokenized

    def embed_images(self, images: Sequence[ImageSource], *, reduced: bool = False) -> Vectors:
        """Embed images.

        Args:
            images: any number of paths, contents of image files, or Pillow images, also none.
            reduced: make large images smaller in whole steps first: faster, in less memory, slightly other vectors.

        Returns:
            float32 ``(N, dim)``, rows of length 1, in the order of ``images``.

        Raises:
            TypeError: a single image, or something in ``images`` that is none.
            ImageError: an image that cannot be read; says which, as ``images[2]``, counted from 0.
            OSError: a file that is missing or may not be read.
            UnsupportedInputError: the model has no image encoder.
            ValueError: the embedder is closed.
        """
        if isinstance(images, (str, bytes, os.PathLike)) or not isinstance(images, Iterable):
            raise TypeError(
                f"images must be a sequence of pictures, not one {type(images).__name__}: [image] makes one"
            )
        blocks = list(self.iter_embed_images(images, reduced=reduced))
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), np.float32)

    def iter_embed_images(
        self,
        images: Iterable[ImageSource],
        *,
        reduced: bool = False,
        tell: Callable[[int, str], None] | None = None,
    ) -> Iterator[Vectors]:
        """Embed a stream of images of any length with bounded memory; they are decoded in all threads.

        Args:
            images, reduced: as in :meth:`embed_images`.
            tell: is told the number of each image whose file is cut off, and what is missing of it; what can be
                decoded is embedded. May be called in any thread. ``None``: such an image is an error.

        Yields:
            float32 ``(n, dim)`` for the next ``n`` images, in order; ``n`` varies.

        Raises:
            As :meth:`embed_images`.
        """
        self._check_open()
        if self._image is None:
            raise UnsupportedInputError(f"{self.manifest.name} embeds text only; load a model that embeds images")
        encoder, graph = self._image

        def embed(numbered: tuple[int, ImageSource]) -> npt.NDArray[np.float32]:
            number, image = numbered
            try:
                pixels = encoder.encode(image, reduced=reduced, tell=partial(tell, number) if tell else None)
            except ImageError as error:
                raise ImageError(error.path, error.reason, which=f"images[{number}]") from error
            return graph.run({"pixel_values": pixels[None]})

        vectors = self._ahead(embed, enumerate(images))
        while block := list(itertools.islice(vectors, _IMAGE_BLOCK)):
            yield np.stack(block)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text, special tokens and prefix not counted."""
        return self._text_side()[0].count(texts)

    def are_whole(self, words: Sequence[str]) -> list[bool]:
        """Whether each word is a single token, so that the vocabulary has it as it is."""
        return self._text_side()[0].are_whole(words)

    @property
    def content_tokens(self) -> int:
        """How many tokens of a document fit into one vector, special tokens and prefix not counted."""
        return self._text_side()[0].content_tokens

    def close(self) -> None:
        """End the threads; embedding anything afterwards is a ``ValueError``, closing again is not."""
        self._is_closed = True
        if self._is_inherited:
            return
        if self._pool is not None:
            self._pool.shutdown()
        if self._image is not None:
            self._image[0].close()

    def _text_side(self) -> tuple[BundleTokenizer, OnnxSession]:
        self._check_open()
        if self._text is None:
            raise UnsupportedInputError(f"{self.manifest.name} embeds images only; load a model that embeds text")
        return self._text

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"{self.manifest.name}: this embedder is closed; load it again to use it")
        if self._is_inherited:
            self._load_again()

    def before_fork(self) -> None:
        """Nothing: what is running goes on in the parent."""

    def after_fork(self, *, in_child: bool) -> None:
        """In a child the model is loaded again when it is first used."""
        if in_child:
            self._is_inherited, self._renewing = True, threading.Lock()

    def _load_again(self) -> None:
        with self._renewing:
            if self._is_inherited:
                fresh = Embedder(self.bundle, threads=self.threads, max_pixels=self._max_pixels)
                vars(self).update({**vars(fresh), "_renewing": self._renewing, "_is_inherited": True})
                self._is_inherited = False  # not before all is in place, for other threads do not wait

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ahead(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """``work`` done on each item, in order, with two items a thread read from ``items`` in advance."""
        if self._pool is None:
            yield from map(work, items)
            return
        waiting: deque[Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(work, item))
                if len(waiting) > 2 * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # also where one of them failed, or nobody wants the rest
            for future in waiting:
                future.cancel()

    def _blocks(self, graph: OnnxSession, blocks: Iterator[_Block], *, ahead: bool) -> Iterator[Vectors]:
        """The vectors of each block; ``ahead``: while its documents are run, this thread prepares the next one."""
        block = next(blocks, None)
        while block is not None:
            job = _Job(graph, block, self.dim)
            with job.begun(self._pool, self.threads):
                following = next(blocks, None) if ahead else None
                yield job.result()
            block = following if ahead else next(blocks, None)
