"""Tasks for an image encoder: cross-modal retrieval, zero-shot classification, and k-NN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ..errors import ExportError
from ..types import Vectors
from .clusters import neighbour_accuracy, numbered
from .datasets import EvaluationSet, ImageFiles, Row
from .text_tasks import NEIGHBOURS, Embed, percent

EmbedImages = Callable[[Sequence[bytes]], Vectors]
"""Contents of image files to float32 ``(N, dim)`` with rows of length 1."""
_BLOCK = 64
"""Image files in memory at a time."""


def caption_retrieval(embed: Embed, embed_images: EmbedImages, dataset: EvaluationSet) -> dict[str, float]:
    """Cross-modal retrieval, as Karpathy and Fei-Fei (2015) count: R@1, 5 and 10, x 100.

    Of the image for each caption, and of any of its captions for each image. Ties count against the right one, so
    an encoder that makes everything equal gets nothing.

    Raises:
        ExportError: an image is missing.
    """
    rows = dataset.rows()
    files = ImageFiles(dataset.path.parent)
    missing = [row["image"] for row in rows if row["image"] not in files]
    if missing or not rows:
        raise ExportError(
            f"{dataset.name}: {len(missing)} of {len(rows)} pictures are not beside {dataset.path} (such as "
            f"{missing[:1]}); put them there, as files or in a .tar, or leave the set out"
        )
    images = _embed_all(embed_images, files, rows)  # (images, dim)
    captions = [(caption, i) for i, row in enumerate(rows) for caption in row["captions"]]
    texts = embed([caption for caption, _ in captions], "query")  # (captions, dim)
    owners = np.array([i for _, i in captions])
    to_image, to_text = caption_ranks(texts @ images.T, owners)
    return {
        f"{name} R@{k}": percent(float((ranks <= k).mean()))
        for name, ranks in (("text to image", to_image), ("image to text", to_text))
        for k in (1, 5, 10)
    }


def caption_ranks(
    similarity: npt.NDArray[np.float32], owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ranks, from 1, of the right answers.

    Args:
        similarity: ``(captions, images)``.
        owners: number of the image of each caption; each image has one or more.

    Returns:
        Of the right image for each caption, and of the best of its captions for each image.
    """
    captions, images = similarity.shape
    right = similarity[np.arange(captions), owners]  # (captions,)
    to_image = (similarity >= right[:, None]).sum(axis=1)
    to_text = np.empty(images, np.int64)
    for image in range(images):
        own = owners == image
        best = similarity[own, image].max()
        to_text[image] = (similarity[~own, image] >= best).sum() + 1
    return to_image, to_text


def labelled_images(
    embed: Embed | None, embed_images: EmbedImages, dataset: EvaluationSet, *, prompts: Sequence[str] = ()
) -> dict[str, float]:
    """Zero-shot classification: top-1 and top-5 accuracy; and k-NN accuracy; all x 100.

    Images that are not there are left out, but their classes take part. Neighbours are asked where every class has
    two images; names where there are texts.

    Raises:
        ExportError: none of the images is there, or no measure applies.
    """
    rows = dataset.rows()
    files = ImageFiles(dataset.path.parent)
    there = [row for row in rows if row["image"] in files]
    if not there:
        raise ExportError(f"{dataset.name}: none of its {len(rows)} pictures is beside {dataset.path}")
    vectors = _embed_all(embed_images, files, there)
    labels = [str(row["label"]) for row in there]
    scores: dict[str, float] = {}
    if embed is not None:
        classes = sorted({str(row["label"]) for row in rows})
        number = {name: i for i, name in enumerate(classes)}
        similarity = vectors @ class_vectors(embed, classes, prompts).T  # (images, classes)
        right = similarity[np.arange(len(there)), [number[label] for label in labels]]
        ranks = (similarity >= right[:, None]).sum(axis=1)
        scores |= {f"zero-shot top-{k}": percent(float((ranks <= k).mean())) for k in (1, 5)}
    if min(Counter(labels).values()) > 1:
        scores["knn accuracy"] = percent(neighbour_accuracy(vectors, numbered(labels), k=NEIGHBOURS))
    if not scores:
        raise ExportError(f"{dataset.name}: needs a text encoder, or two pictures of every class")
    return scores


def class_vectors(embed: Embed, classes: Sequence[str], prompts: Sequence[str] = ()) -> Vectors:
    """Zero-shot prototypes (Radford et al. 2021, section 3.1.4): the mean over the prompts for each class, of length 1.

    Args:
        embed: the text encoder.
        classes: names such as ``tabby cat``.
        prompts: such as ``a photo of a {}.``; empty: the name alone.

    Returns:
        float32 ``(classes, dim)``.

    Raises:
        ExportError: a prompt without ``{}``.
    """
    total = np.zeros(1, np.float32)
    for prompt in prompts or ("{}",):
        if "{}" not in prompt:
            raise ExportError(f"the prompt {prompt!r} has no {{}} where the name of the class goes")
        total = total + embed([prompt.replace("{}", name) for name in classes], "query")
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), dtype=np.float32)


def _embed_all(embed_images: EmbedImages, files: ImageFiles, rows: Sequence[Row]) -> Vectors:
    blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    return np.concatenate([embed_images([files.read(row["image"]) for row in block]) for block in blocks])
