"""Replay what a bundle did when it was made, on this very machine.

``golden.npz`` holds inputs and what each stage must make of them (``models/README.md``). Hashes prove that files are
those that were sealed; this proves that they still do what they did: another processor, another version of a library
or an altered weight under fresh hashes shows here.
"""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle.bundle import Bundle
from ..bundle.manifest import GOLDEN_NAME, Manifest
from ..embedder import Embedder
from ..errors import BundleError, ImageError
from ..inference.image_preprocess import ImagePreprocessor
from ..inference.tokenizer import BundleTokenizer

Arrays = dict[str, npt.NDArray[Any]]
Vectors = npt.NDArray[np.float32]  # (N, dim)
_PIXEL_TOLERANCE = 1e-5


@dataclass(frozen=True)
class StageResult:
    """How far one stage departs from what it did when the bundle was made."""

    stage: str
    """What was compared."""
    worst: float
    """The largest departure that counts: a number of texts for token ids, of 64 parts for the vocabulary, a difference
    for pixel values, 1 - cosine for vectors."""
    allowed: float
    """The largest departure that passes."""
    ok: bool


def check(bundle: Bundle, *, threads: int | None = None) -> list[StageResult]:
    """Replay the golden inputs of a bundle.

    Args:
        bundle: an opened bundle.
        threads: as in :class:`Embedder`.

    Returns:
        One result for each stage, in the order in which data flow; the first that is not ``ok`` is the one to look at.

    Raises:
        BundleError: the bundle has no usable ``golden.npz``, or its graph cannot be loaded.
    """
    golden = _read_golden(bundle)
    with Embedder(bundle, threads=threads) as embedder:
        try:
            return [*_check_text(embedder, golden), *_check_images(embedder, golden)]
        except (KeyError, ValueError) as error:
            raise BundleError(bundle.file(GOLDEN_NAME), f"does not follow the bundle format: {error}") from error


def _read_golden(bundle: Bundle) -> Arrays:
    path = bundle.file(GOLDEN_NAME)
    if GOLDEN_NAME not in bundle.manifest.files:
        raise BundleError(path, "is missing, so the bundle cannot be checked")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(path, f"cannot be read: {error}") from error


def _check_text(embedder: Embedder, golden: Arrays) -> list[StageResult]:
    if embedder.manifest.text is None:
        return []
    texts = [str(text) for text in golden["texts"]]
    encoder = BundleTokenizer(embedder.bundle)
    results = [_check_ids("token ids", encoder, texts, "document", golden["token_ids"], golden["token_counts"])]
    section = embedder.manifest.text
    if section.query_prefix != section.document_prefix or "query_token_ids" in golden:
        expected = golden["query_token_ids"], golden["query_token_counts"]
        results.append(_check_ids("token ids of queries", encoder, texts, "query", *expected))
    if "limit_text" in golden:
        long, ids = golden["limit_text"].tobytes().decode(), golden["limit_token_ids"]
        results.append(_check_ids("token ids at the limit", encoder, [long], "document", ids, np.array([len(ids)])))
    if "vocabulary" in golden:
        results.append(_check_vocabulary(encoder, golden["vocabulary"]))
    return [*results, *_check_kept(embedder.manifest, "text", golden, embed_golden(embedder, golden, "text"))]


def _check_kept(manifest: Manifest, kind: str, golden: Arrays, vectors: Vectors) -> list[StageResult]:
    """Vectors of the golden inputs against those of the float model and those that the bundle once gave."""
    tolerance = manifest.tolerance
    prefix = "" if kind == "text" else f"{kind}_"
    least = tolerance[f"{prefix}self" if f"{prefix}self" in tolerance else "self"]
    share = tolerance.get(f"{prefix}self_share", tolerance.get("self_share", 1.0))
    close = tolerance[f"{prefix}reference" if f"{prefix}reference" in tolerance else "reference"]
    which = "all" if share == 1 else f"closest {share:.0%}"
    stage = "vectors" if kind == "text" else f"{kind} vectors"
    reference, own = golden[f"{kind}_reference"], own_vectors(golden, kind)
    results = [
        _check_vectors(f"{stage} against the float model", vectors[: len(reference)], reference, close),
        _check_vectors(f"{stage} against the bundle's own ({which})", vectors, own, least, share),
    ]
    if (every := tolerance.get(f"{prefix}self_all")) is not None and share < 1:
        results.append(_check_vectors(f"{stage} against the bundle's own (all)", vectors, own, every))
    return results


def embed_golden(embedder: Embedder, golden: Arrays, kind: str) -> Vectors:
    """Vectors by a bundle of its golden inputs of a kind, ``text`` (single words last) or ``image``, ``(N, dim)``.

    Raises:
        KeyError, ValueError: the arrays are not those of a bundle of that kind.
    """
    if kind == "image":
        return embedder.embed_images(golden_files(golden))
    return embedder.embed_texts([str(text) for name in ("texts", "words") for text in golden.get(name, ())])


def own_vectors(golden: Arrays, kind: str) -> Vectors:
    """What :func:`embed_golden` gave when the bundle was made."""
    own = golden[f"{kind}_self"]
    if kind == "text" and "words_self" in golden:
        own = np.concatenate([own, golden["words_self"]])
    return np.asarray(own, np.float32)


def golden_files(golden: Arrays) -> list[bytes]:
    """The image files among golden inputs.

    Raises:
        KeyError, ValueError: the arrays are not those of a bundle that embeds images.
    """
    lengths = golden["image_bytes"]
    if lengths.ndim != 1 or lengths.size == 0 or lengths.sum() != golden["images"].size:
        raise ValueError("image_bytes are not the lengths of images")
    return [part.tobytes() for part in np.split(golden["images"], np.cumsum(lengths)[:-1])]


def _check_images(embedder: Embedder, golden: Arrays) -> list[StageResult]:
    if embedder.manifest.image is None:
        return []
    images = golden_files(golden)
    try:
        pixels = _check_pixels(embedder, images, golden["pixel_positions"], golden["pixels"])
        kept = _check_kept(embedder.manifest, "image", golden, embedder.embed_images(images))
    except ImageError:  # this machine's Pillow reads less than that where the bundle was made
        return [StageResult("pixels", float("inf"), _PIXEL_TOLERANCE, False)]
    return [pixels, *kept]


def _check_pixels(
    embedder: Embedder, images: Sequence[bytes], positions: npt.NDArray[np.int64], expected: npt.NDArray[np.float32]
) -> StageResult:
    """The largest difference of a pixel value, as the graph takes it."""
    if expected.shape != (len(images), len(positions)) or expected.size == 0:
        raise ValueError(f"golden pixels are {expected.shape}, not {(len(images), len(positions))}")
    with contextlib.closing(ImagePreprocessor(embedder.bundle)) as encoder:
        actual = np.stack([encoder.encode(image).reshape(-1).take(positions) for image in images])
    worst = float(np.max(np.nan_to_num(np.abs(actual - expected), nan=np.inf)))
    return StageResult("pixels", worst, _PIXEL_TOLERANCE, worst <= _PIXEL_TOLERANCE)


def _check_ids(
    stage: str,
    encoder: BundleTokenizer,
    texts: Sequence[str],
    role: str,
    ids: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int32],
) -> StageResult:
    """Count the texts whose ids, after cutting and before padding, are not those expected."""
    expected = np.split(ids, np.cumsum(counts)[:-1])
    wrong = 0
    for (actual, mask), expected_row in zip(encoder.encode(texts, role=role), expected, strict=True):
        wrong += not np.array_equal(actual[mask == 1], expected_row)
    return StageResult(stage, float(wrong), 0.0, wrong == 0)


def _check_vocabulary(encoder: BundleTokenizer, expected: npt.NDArray[np.uint64]) -> StageResult:
    """Count the parts of the vocabulary that are not as they were, or are cut into other ids."""
    actual = encoder.vocabulary_digests()
    if expected.shape != actual.shape:
        raise ValueError(f"golden vocabulary is {expected.shape}, not {actual.shape}")
    wrong = int((actual != expected).sum())
    return StageResult("vocabulary", float(wrong), 0.0, wrong == 0)


def _check_vectors(stage: str, actual: Vectors, expected: Vectors, least: float, share: float = 1.0) -> StageResult:
    """Require of the closest ``share`` of the vectors that their cosine is at least ``least``, and of all length 1."""
    if actual.shape != expected.shape:
        raise ValueError(f"golden vectors are {expected.shape}, the bundle gives {actual.shape}")
    departures = np.sort(1 - cosines(actual, expected))
    worst = max(0.0, float(departures[math.ceil(share * len(departures)) - 1]))
    lengths = np.linalg.norm(actual.astype(np.float64), axis=1)
    return StageResult(stage, worst, 1 - least, worst <= 1 - least and bool(np.all(np.abs(lengths - 1) < 1e-3)))


def cosines(a: Vectors, b: Vectors) -> npt.NDArray[np.float64]:
    """Cosine of each row of ``a`` with the same row of ``b``, both (N, dim), as (N,) in double precision.

    A pair of which one is zero or not finite has no cosine; it gives -1, so that it passes no test.
    """
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        values = (x * y).sum(axis=1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    return np.asarray(np.nan_to_num(values, nan=-1.0))
