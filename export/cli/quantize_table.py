"""``edgeembed-export quantize-table``: compare quantization schemes for an encoder."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..evaluation.datasets import CAPTIONED_IMAGES, LABELLED_IMAGES
from ..quantization.choose import (
    AUTO,
    DEFAULT_SCHEMES,
    Tolerance,
    as_data,
    check_names,
    choose,
    closeness_table,
    compare_schemes,
    sensitivity_table,
)

if TYPE_CHECKING:
    from ..evaluation.evaluate import Scores
    from ..evaluation.image_tasks import EmbedImages
    from ..graphs.run import GraphVectors
    from ..sealing.parts import Part
    from ..sealing.pipeline import LoadedModel

_ROWS = 8
"""Sensitivities that are shown; ``--json`` holds all of them."""
_OF_IMAGES = (CAPTIONED_IMAGES, LABELLED_IMAGES)
"""Kinds of evaluation sets that an image tower takes part in."""


def tolerance_options(command: Any) -> Any:
    """The options of :class:`.choose.Tolerance`; ``None`` where they are left out."""
    for decorate in (
        click.option(
            "--least-cosine",
            type=click.FloatRange(0, 1),
            help="Least cosine of any text or picture to the float model, where the precision is chosen.  "
            f"[default: {Tolerance.least}]",
        ),
        click.option(
            "--tolerance",
            type=click.FloatRange(0, 1),
            help="Least mean cosine of ordinary texts or pictures to the float model, where the precision is chosen.  "
            f"[default: {Tolerance.mean}]",
        ),
    ):
        command = decorate(command)
    return command


def asked_tolerance(precision: str, mean: float | None, least: float | None) -> Tolerance | None:
    """The limits of ``--precision auto``; ``None``: the precision is named, so nothing is chosen.

    Raises:
        click.UsageError: the precision is named, and so is a tolerance.
    """
    if precision == AUTO:
        return Tolerance(
            mean=Tolerance.mean if mean is None else mean, least=Tolerance.least if least is None else least
        )
    if mean is not None or least is not None:
        option = "--least-cosine" if mean is None else "--tolerance"
        raise click.UsageError(f"{option} is for --precision {AUTO}, and the precision here is {precision}")
    return None


@click.command("quantize-table")
@click.argument("source")
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="File or folder with evaluation sets; may be repeated.",
)
@click.option("--set", "only", multiple=True, help="Measure on this set only; may be repeated.")
@click.option(
    "--schemes",
    default="",
    help=f"Names, with commas between.  [default: those of {','.join(DEFAULT_SCHEMES)} that change the graph]",
)
@click.option("--max-tokens", type=int, help="Limit of tokens.  [default: as the source says]")
@tolerance_options
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write what was measured here.")
def quantize_table(
    source: str,
    data: tuple[Path, ...],
    only: tuple[str, ...],
    schemes: str,
    max_tokens: int | None,
    tolerance: float | None,
    least_cosine: float | None,
    out: Path | None,
) -> None:
    """Compare ways to store the weights of the encoder SOURCE: size, closeness, scores, speed.

    A model with two towers gets two tables; each tower is measured beside the float form of the other. A star marks the
    scheme that `--precision auto` takes. Speeds are of one thread on this machine, taken by turns.
    """
    names = [name.strip() for name in schemes.split(",") if name.strip()]
    if schemes:
        check_names(names)

    # torch and transformers take seconds to import, and a wrong name should be refused at once.
    from ..families.detect import load_float

    allowed = asked_tolerance(AUTO, tolerance, least_cosine)
    assert allowed is not None
    tables, reports = [], {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        model = load_float(source, scratch, max_tokens=max_tokens)
        for part in model.parts:
            score = _score(model, part, data, only)
            comparison = compare_schemes(part.scheme_inputs(), scratch, schemes=names, score=score, speed=True)
            chosen = choose(comparison.measured, allowed)
            table = closeness_table(comparison, chosen)
            tables.append(f"{part.what}:\n{table}" if len(model.parts) > 1 else table)
            if comparison.sensitivities:
                costs = sensitivity_table(comparison.sensitivities, rows=_ROWS)
                tables.append(f"Most sensitive when quantized alone (1 - cosine, size as float32):\n{costs}")
            reports[part.kind] = as_data(comparison, chosen)
    click.echo("\n\n".join(tables))
    if out is not None:
        (one, *others) = reports.values()
        out.write_text(json.dumps(reports if others else one, indent=1) + "\n", encoding="utf-8")


def _score(
    model: LoadedModel, part: Part, data: Sequence[Path], only: Sequence[str]
) -> Callable[[GraphVectors], Scores] | None:
    """Measures a graph of the tower ``part`` on the sets that it takes part in; ``None``: there are none."""
    from ..evaluation.datasets import find_sets
    from ..evaluation.evaluate import evaluate, left_out
    from ..sealing.parts import TextPart

    if not data:
        return None
    text, image = model.text, model.image
    if isinstance(part, TextPart):
        images = None if image is None else _cached_images(image.reference.embed_images)
        return lambda graph: evaluate(
            lambda texts, role: graph(part.feeds(texts, role)), data, embed_images=images, only=only
        )
    texts = None
    if text is not None:
        from ..evaluation.text_tasks import cached_embed

        texts = cached_embed(text.reference.embed)
        passed_over = left_out(texts, data, part.reference.embed_images, only=only)
        image_sets = [item.name for item in find_sets(data, only=only) if item.task in _OF_IMAGES]
        only = [name for name in image_sets if name not in passed_over]
        if not only:
            return None  # they are of texts alone, or their images are not there
    return lambda graph: evaluate(texts, data, embed_images=lambda images: graph(part.feeds(images)), only=only)


def _cached_images(embed: EmbedImages) -> EmbedImages:
    """``embed`` that computes each image once; its vectors stay in memory, not the images."""
    import numpy as np

    cache: dict[bytes, Any] = {}

    def run(images: Sequence[bytes]) -> Any:
        keys = [hashlib.sha256(image).digest() for image in images]
        new = {key: image for key, image in zip(keys, images, strict=True) if key not in cache}
        if new:
            cache.update(zip(new, embed(list(new.values())), strict=True))
        return np.stack([cache[key] for key in keys])

    return run
