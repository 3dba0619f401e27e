"""``edgeembed-export evaluate``: measure bundles, and draw what was measured."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import click

from edgeembed import Embedder, Manifest

from ..errors import ExportError
from ..evaluation.datasets import LABELLED_TEXTS, find_sets
from ..evaluation.evaluate import Scores, left_out, table
from ..evaluation.report import Encoder, Quality, bias_table, encoder_of, measure_quality, typo_table
from ..sealing.proof.golden import background_texts


@click.command()
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...")
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="File or folder with evaluation sets; may be repeated.",
)
@click.option("--set", "only", multiple=True, help="Measure on this set only; may be repeated.")
@click.option("--text-bundle", help="Take the text side from this bundle of the same space.")
@click.option("--prompt", "prompts", multiple=True, help="Put the names of classes into this, at {}; may be repeated.")
@click.option("--typos", multiple=True, metavar="SET", help="Measure this set under typing errors; may be repeated.")
@click.option("--bias", is_flag=True, help="Audit associations of English words (WEAT).")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for maps of the labelled texts, or else of ordinary ones, and for the curves of --typos.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a bundle instead of tables.")
def evaluate(
    bundles: tuple[str, ...],
    data: tuple[Path, ...],
    only: tuple[str, ...],
    text_bundle: str | None,
    prompts: tuple[str, ...],
    typos: tuple[str, ...],
    bias: bool,
    pictures: Path | None,
    as_json: bool,
) -> None:
    """Measure each BUNDLE, a folder or the name of a shipped bundle.

    Which sets --data holds is found from the files themselves: similarity of texts, retrieval, labelled texts,
    captioned and labelled pictures. Beside a single bundle stand the scores of the float model that it was made from,
    where the bundle keeps them.
    """
    if not data and (typos or not (bias or pictures)):
        raise click.UsageError("nothing to measure: give --data, or --bias, or --pictures")
    measured: dict[str, _Measured] = {}
    for bundle in bundles:
        with _opened(bundle, text_bundle) as (manifest, encoder):
            title = manifest.name if manifest.name not in measured else bundle
            quality = measure_quality(encoder, data, only=only, prompts=prompts, typos=typos, bias=bias)
            measured[title] = _Measured(manifest, quality)
            _name_left_out(encoder, title, data, only)
            if pictures is not None:
                _draw_maps(encoder, title, data, only, pictures)
    if pictures is not None:
        _draw_curves(measured, pictures)
    if as_json:
        _print_json(measured)
    else:
        _print_tables(measured)


@dataclass(frozen=True)
class _Measured:
    """A bundle and what was measured of it."""

    manifest: Manifest
    quality: Quality

    @property
    def source_scores(self) -> Scores | None:
        """Those of the float model that it was made from; ``None``: the bundle does not keep them."""
        scores: Scores | None = self.manifest.quality.get("source_scores")
        return scores


@contextlib.contextmanager
def _opened(bundle: str, text_bundle: str | None) -> Iterator[tuple[Manifest, Encoder]]:
    with contextlib.ExitStack() as stack:
        embedder = stack.enter_context(Embedder.load(bundle))
        encoder = encoder_of(embedder)
        if text_bundle is not None:
            other = stack.enter_context(Embedder.load(text_bundle))
            if other.manifest.space != embedder.manifest.space:
                raise ExportError(
                    f"{text_bundle} is of the space {other.manifest.space}, {bundle} of {embedder.manifest.space}; "
                    "their vectors cannot be compared"
                )
            encoder = Encoder(encoder_of(other).texts, encoder.images)
        yield embedder.manifest, encoder


def _name_left_out(encoder: Encoder, title: str, data: Sequence[Path], only: Sequence[str]) -> None:
    reasons = left_out(encoder.texts, data, encoder.images, only=only) if data else {}
    for name, reason in reasons.items():
        click.echo(f"{title}: {name} is left out: {reason}", err=True)


def _print_json(measured: Mapping[str, _Measured]) -> None:
    for title, one in measured.items():
        click.echo(
            json.dumps({"bundle": title, "scores": {}, "source_scores": one.source_scores} | one.quality.as_data())
        )


def _print_tables(measured: Mapping[str, _Measured]) -> None:
    columns = {title: one.quality.scores for title, one in measured.items() if one.quality.scores}
    if len(columns) == 1:
        (title,) = columns
        source = measured[title].source_scores
        columns = {"bundle": columns[title]} | ({"source": source} if source else {})
    typos = {title: one.quality.typos for title, one in measured.items() if one.quality.typos}
    bias = {title: one.quality.bias for title, one in measured.items() if one.quality.bias}
    tables = [
        table(columns) if columns else "",
        "Share of letters mistyped, and score:\n" + typo_table(typos) if typos else "",
        "Effect sizes from -2 to 2, with one-sided p-values:\n" + bias_table(bias) if bias else "",
    ]
    text = "\n\n".join(item for item in tables if item)
    if text:
        click.echo(text)


def _draw_maps(encoder: Encoder, title: str, data: Sequence[Path], only: Sequence[str], folder: Path) -> None:
    from ..evaluation.drawing import draw_texts

    if encoder.texts is None:
        click.echo(f"{title}: no map is drawn: the model has no text encoder", err=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    name = PurePath(title).name
    sets = [item for item in find_sets(data, only=only) if item.task == LABELLED_TEXTS] if data else []
    for item in sets:
        rows = item.rows()
        texts, labels = [str(row["text"]) for row in rows], [str(row["label"]) for row in rows]
        out = folder / f"{name}-{item.name}.png"
        draw_texts(encoder.texts, texts, out, title=f"{item.name}, by {name}", labels=labels)
        click.echo(f"{out} is drawn", err=True)
    if not sets:
        out = folder / f"{name}-texts.png"
        draw_texts(encoder.texts, background_texts(), out, title=f"Ordinary texts, by {name}")
        click.echo(f"{out} is drawn", err=True)


def _draw_curves(measured: Mapping[str, _Measured], folder: Path) -> None:
    from ..evaluation.drawing import draw_curves

    curves = {title: one.quality.typos for title, one in measured.items() if one.quality.typos}
    if curves:
        draw_curves(curves, folder / "typos.png")
        click.echo(f"{folder / 'typos.png'} is drawn", err=True)
