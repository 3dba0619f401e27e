"""Golden data: inputs and the expected output of every stage, which a bundle carries as its proof."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder
from edgeembed.inference.tokenizer import BundleTokenizer

from ... import data as data_files
from ...types import Vectors

_WORDS = 40
"""Number of texts of a single word."""
_LONGEST = 1 << 14
"""Largest limit of tokens that is proved by a text beyond it."""
_PIXEL_SAMPLE = 1000
"""Sampled values of each golden image, of all its pixels and channels."""


def embedded(embedder: Embedder, kind: str, items: Sequence[Any]) -> Vectors:
    """Vectors of texts (``kind`` is ``text``) or of images by a bundle, ``(N, dim)``."""
    return embedder.embed_texts(items) if kind == "text" else embedder.embed_images(items)


class TextReference(Protocol):
    """Float reference of a text tower: another implementation of the same pipeline."""

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        """Token ids of each text, cut at the limit."""

    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1."""


class ImageReference(Protocol):
    """Float reference of an image tower: another implementation of the same pipeline."""

    def pixels(self, image: bytes) -> npt.NDArray[np.float32]:
        """Preprocessed pixels of an image file, float32 ``(C, H, W)``."""

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1, of image files."""


def golden_texts() -> list[str]:
    """Texts that are hard on tokenizers and models: many scripts, emoji, odd spaces, empty, very long."""
    return _texts("golden_texts.json")


def golden_words() -> list[str]:
    """Texts of a single word.

    They round so few activations that another processor rounds all of them alike: such texts tell a changed weight from
    another processor even in large quantized models.
    """
    words = [*dict.fromkeys(re.findall(r"[a-z]{4,}", " ".join(background_texts())))]
    return words[:: len(words) // _WORDS][:_WORDS]


def background_texts() -> list[str]:
    """Some 500 ordinary texts, against which a similarity can be judged."""
    return _texts("background_texts.json")


def golden_arrays(texts: Sequence[str], reference: TextReference, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
    """The arrays of ``golden.npz`` for text, as ``models/README.md`` specifies them.

    Args:
        texts: the inputs beside single words; none may end with a NUL, which NumPy's fixed-width strings lose.
        reference: gives token ids and ``text_reference``.
        embedder: the very bundle; gives ``text_self``.
    """
    if any(text.endswith("\0") for text in texts):
        raise ValueError("a golden text ends with a NUL character, which the archive cannot keep")
    section = embedder.manifest.text
    assert section is not None
    ids = reference.token_ids(texts)
    arrays = {
        "texts": np.array(list(texts)),
        "text_reference": reference.embed(texts),
        "text_self": embedder.embed_texts(texts),
        **_token_arrays("token", ids),
        **own_arrays(embedder, longest=max(map(len, ids)), token_ids=reference.token_ids),
    }
    if section.query_prefix != section.document_prefix:
        arrays |= _token_arrays("query_token", reference.token_ids(texts, role="query"))
    return arrays


def own_arrays(
    embedder: Embedder, *, longest: int, token_ids: Callable[[Sequence[str]], Sequence[Sequence[int]]]
) -> dict[str, npt.NDArray[Any]]:
    """Those of the arrays that need no float model: single words, vocabulary, and a text beyond the limit of tokens.

    Args:
        embedder: the very bundle.
        longest: most tokens of a golden text; where one is cut already, the limit is proved by it.
        token_ids: of texts, cut at the limit.
    """
    section = embedder.manifest.text
    assert section is not None
    words = golden_words()
    arrays: dict[str, npt.NDArray[Any]] = {
        "words": np.array(words),
        "words_self": embedder.embed_texts(words),
        "vocabulary": BundleTokenizer(embedder.bundle).vocabulary_digests(),
    }
    if longest < section.max_tokens <= _LONGEST:
        long = " ".join(background_texts() * (1 + section.max_tokens // 8000))
        arrays["limit_text"] = np.frombuffer(long.encode(), np.uint8)
        arrays["limit_token_ids"] = np.array(token_ids([long])[0], np.int32)
    return arrays


def golden_image_arrays(
    images: Sequence[bytes], reference: ImageReference, embedder: Embedder
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of ``golden.npz`` for images, as ``models/README.md`` specifies them.

    Args:
        images: contents of image files on which all decoders agree; those of JPEG differ by a level here and there.
        reference: gives ``pixels`` and ``image_reference``.
        embedder: the very bundle; gives ``image_self``.
    """
    pixels = np.stack([reference.pixels(image).reshape(-1) for image in images])
    # A fixed sample: everywhere and in every channel, yet always the same.
    positions = np.sort(np.random.default_rng(0).permutation(pixels.shape[1])[:_PIXEL_SAMPLE])
    return {
        "images": np.frombuffer(b"".join(images), np.uint8),
        "image_bytes": np.array([len(image) for image in images], np.int64),
        "pixel_positions": positions.astype(np.int64),
        "pixels": pixels[:, positions].astype(np.float32),
        "image_reference": reference.embed_images(images),
        "image_self": embedder.embed_images(images),
    }


def _token_arrays(name: str, rows: Sequence[Sequence[int]]) -> dict[str, npt.NDArray[Any]]:
    return {
        f"{name}_ids": np.array([i for row in rows for i in row], np.int32),
        f"{name}_counts": np.array([len(row) for row in rows], np.int32),
    }


def _texts(name: str) -> list[str]:
    content = (files(data_files) / name).read_text(encoding="utf-8")
    return [str(text) for text in json.loads(content)]
