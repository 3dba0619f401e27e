"""Quality report: all that can be measured of an encoder, as plain data for ``quality`` in a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeembed import Embedder

from .datasets import RETRIEVAL, SIMILARITY, EvaluationSet, find_sets
from .evaluate import Scores, evaluate
from .image_tasks import EmbedImages
from .text_tasks import Embed, TypoCurve, cached_embed, typo_curve
from .weat import Association, audit


@dataclass(frozen=True)
class Encoder:
    """An encoder under test: functions from inputs to vectors of one space."""

    texts: Embed | None
    """``None``: texts cannot be embedded."""
    images: EmbedImages | None = None
    """``None``: images cannot be embedded."""


@dataclass(frozen=True)
class Quality:
    """Scores, typing-error curves and bias of an encoder."""

    scores: Scores
    typos: tuple[TypoCurve, ...] = ()
    bias: tuple[Association, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Keys ``scores``, ``typos`` and ``bias``, those that were measured, of what JSON can hold."""
        data: dict[str, Any] = {"scores": self.scores} if self.scores else {}
        for name, items in (("typos", self.typos), ("bias", self.bias)):
            if items:
                data[name] = [{key: _plain(value) for key, value in asdict(item).items()} for item in items]
        return data


def encoder_of(embedder: Embedder) -> Encoder:
    """A loaded bundle as an encoder under test."""

    def texts(items: Sequence[str], role: Any) -> Any:
        return embedder.embed_texts(items, role=role)

    manifest = embedder.manifest
    return Encoder(
        texts if manifest.text is not None else None, embedder.embed_images if manifest.image is not None else None
    )


def measure_quality(
    encoder: Encoder,
    data: Sequence[Path],
    *,
    only: Sequence[str] = (),
    prompts: Sequence[str] = (),
    typos: Sequence[str] | None = None,
    bias: bool = True,
) -> Quality:
    """Measure on data sets, under typing errors, and for bias (of English words).

    Args:
        encoder: what is measured.
        data: files and folders, as :func:`~edgeembed_export.evaluation.datasets.find_sets` takes them; none: no sets.
        only, prompts: as :func:`~edgeembed_export.evaluation.evaluate.evaluate` takes them.
        typos: names of the sets for curves of typing errors; ``None``: the first similarity set, or else retrieval set.
        bias: whether to audit; passed over where texts cannot be embedded.

    Raises:
        ExportError: ``data`` holds nothing that the encoder can be measured on.
    """
    embed = None if encoder.texts is None else cached_embed(encoder.texts)
    scores = evaluate(embed, data, embed_images=encoder.images, only=only, prompts=prompts) if data else {}
    if embed is None:
        return Quality(scores)
    curves = tuple(typo_curve(embed, item) for item in _typo_sets(data, only, typos))
    return Quality(scores, curves, tuple(audit(embed)) if bias else ())


def typo_table(curves: Mapping[str, Sequence[TypoCurve]]) -> str:
    """Curves of several encoders below each other, as text: a line for each, a column for each rate."""
    lines = []
    for title, several in curves.items():
        for curve in several:
            name = f"{curve.set} {curve.measure}, {title}"
            cells = [f"{100 * rate:g} %: {score:.2f}" for rate, score in zip(curve.rates, curve.scores, strict=True)]
            lines.append(f"{name}  " + "  ".join(cells))
    return "\n".join(lines)


def bias_table(audits: Mapping[str, Sequence[Association]]) -> str:
    """Effect sizes and p-values of several encoders side by side, as text: a line for each test and form."""
    first = next(iter(audits.values()))
    names = [
        f"{item.test}, {item.form}: {' / '.join(item.targets)} with {' / '.join(item.attributes)}" for item in first
    ]
    width = max(map(len, names))
    widths = {title: max(len(title), 16) for title in audits}
    lines = [" ".join([" " * width, *(title.rjust(widths[title]) for title in audits)])]
    for i, name in enumerate(names):
        cells = [
            f"{associations[i].effect_size:+.2f} (p {associations[i].p_value:.2g})".rjust(widths[title])
            for title, associations in audits.items()
        ]
        lines.append(" ".join([name.ljust(width), *cells]))
    return "\n".join(lines)


def _typo_sets(data: Sequence[Path], only: Sequence[str], typos: Sequence[str] | None) -> list[EvaluationSet]:
    if not data or (typos is not None and not typos):
        return []
    sets = find_sets(data, only=typos or only)
    return sets if typos else [item for task in (SIMILARITY, RETRIEVAL) for item in sets if item.task == task][:1]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
