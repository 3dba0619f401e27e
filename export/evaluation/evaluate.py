"""Measure an encoder on data sets.

Works on any functions from texts and from images to vectors, so a bundle and its float teacher are measured by the
same code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ExportError
from .datasets import (
    CAPTIONED_IMAGES,
    LABELLED_IMAGES,
    LABELLED_TEXTS,
    RETRIEVAL,
    SIMILARITY,
    EvaluationSet,
    ImageFiles,
    find_sets,
)
from .image_tasks import EmbedImages, caption_retrieval, labelled_images
from .text_tasks import Embed, cached_embed, labelled_texts, retrieval, similarity

Scores = dict[str, dict[str, float]]
"""Name of a data set to name of a measure to score x 100."""


def evaluate(
    embed: Embed | None,
    data: Path | Sequence[Path],
    *,
    embed_images: EmbedImages | None = None,
    only: Sequence[str] = (),
    prompts: Sequence[str] = (),
) -> Scores:
    """Scores on all sets in ``data`` that suit the encoder; :func:`left_out` names the others.

    Args:
        embed: texts to vectors; ``None``: texts cannot be embedded.
        data: files and folders, as :func:`~edgeembed_export.evaluation.datasets.find_sets` takes them.
        embed_images: contents of image files to vectors in the same space; ``None``: images cannot be embedded.
        only: names of sets to take; empty: all.
        prompts: what the name of a class is put into, at ``{}``, to classify images by it; empty: the name alone.

    Raises:
        ExportError: ``data`` holds no set that the encoder can be measured on, or one that is damaged.
    """
    cached = None if embed is None else cached_embed(embed)
    scores: Scores = {}
    reasons = []
    for dataset in find_sets([data] if isinstance(data, Path) else data, only=only):
        reason = _reason_against(dataset, embed, embed_images)
        if reason is None:
            scores[dataset.name] = _measure(dataset, cached, embed_images, prompts)
        else:
            reasons.append(f"{dataset.name}: {reason}")
    if not scores:
        raise ExportError(f"nothing can be measured: {'; '.join(reasons)}")
    return scores


def left_out(
    embed: Embed | None, data: Path | Sequence[Path], embed_images: EmbedImages | None, *, only: Sequence[str] = ()
) -> dict[str, str]:
    """Names of the sets that :func:`evaluate` passes over, and why."""
    sets = find_sets([data] if isinstance(data, Path) else data, only=only)
    reasons = {dataset.name: _reason_against(dataset, embed, embed_images) for dataset in sets}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def table(columns: Mapping[str, Scores]) -> str:
    """The scores of several encoders side by side, as text: a line for each set and measure."""
    keys = [(name, measure) for name, scores in next(iter(columns.values())).items() for measure in scores]
    width = max(len(f"{name} {measure}") for name, measure in keys)
    widths = {title: max(len(title), 10) for title in columns}
    lines = [" ".join([" " * width, *(title.rjust(widths[title]) for title in columns)])]
    for name, measure in keys:
        values = {title: scores.get(name, {}).get(measure) for title, scores in columns.items()}
        cells = [("-" if value is None else f"{value:.2f}").rjust(widths[title]) for title, value in values.items()]
        lines.append(" ".join([f"{name} {measure}".ljust(width), *cells]))
    return "\n".join(lines)


def _measure(
    dataset: EvaluationSet, embed: Embed | None, embed_images: EmbedImages | None, prompts: Sequence[str]
) -> dict[str, float]:
    if embed_images is not None and dataset.task == LABELLED_IMAGES:
        return labelled_images(embed, embed_images, dataset, prompts=prompts)
    assert embed is not None
    if embed_images is not None and dataset.task == CAPTIONED_IMAGES:
        return caption_retrieval(embed, embed_images, dataset)
    return {SIMILARITY: similarity, RETRIEVAL: retrieval, LABELLED_TEXTS: labelled_texts}[dataset.task](embed, dataset)


def _reason_against(dataset: EvaluationSet, embed: Embed | None, embed_images: EmbedImages | None) -> str | None:
    """Why the set does not suit the encoder; ``None``: it does."""
    if embed is None and dataset.task != LABELLED_IMAGES:
        return "the model has no text encoder"
    if dataset.task in (CAPTIONED_IMAGES, LABELLED_IMAGES):
        if embed_images is None:
            return "the model has no image encoder"
        files = ImageFiles(dataset.path.parent)
        labels = Counter(str(row.get("label")) for row in dataset.rows() if row["image"] in files)
        if not labels:
            return f"none of its pictures is beside {dataset.path}"
        if embed is None and min(labels.values()) == 1:
            return "the model has no text encoder for the names of classes, and not every class has two pictures"
    return None
