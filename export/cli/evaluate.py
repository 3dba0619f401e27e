"""``edgeembed-export evaluate``: measure bundles, and draw what was measured."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import click

from edgeembed import Embedder, Manifest

from ..errors import ExportError
from ..evaluation.datasets import LABELLED_TEXTS, find_sets
from ..evaluation.evaluate import left_out, table
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
    qualities: dict[str, Quality] = {}
    manifests: dict[str, Manifest] = {}
    for bundle in bundles:
        with _opened(bundle, text_bundle) as (manifest, encoder):
            title = manifest.name if manifest.name not in qualities else bundle
            qualities[title] = measure_quality(encoder, data, only=only, prompts=prompts, typos=typos, bias=bias)
            manifests[title] = manifest
            for name, reason in (left_out(encoder.texts, data, encoder.images, only=only) if data else {}).items():
                click.echo(f"{title}: {name} is left out: {reason}", err=True)
            if pictures is not None:
                _draw_maps(encoder, title, data, only, pictures)
    if pictures is not None:
        _draw_curves(qualities, pictures)
    if as_json:
        for title, quality in qualities.items():
            source = manifests[title].quality.get("source_scores")
            click.echo(json.dumps({"bundle": title, "scores": {}, "source_scores": source} | quality.as_data()))
    else:
        _show(qualities, manifests)


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


def _show(qualities: Mapping[str, Quality], manifests: Mapping[str, Manifest]) -> None:
    columns = {title: quality.scores for title, quality in qualities.items() if quality.scores}
    if len(columns) == 1:
        (title,) = columns
        source = manifests[title].quality.get("source_scores")
        columns = {"bundle": columns[title]} | ({"source": source} if source else {})
    typos = {title: quality.typos for title, quality in qualities.items() if quality.typos}
    bias = {title: quality.bias for title, quality in qualities.items() if quality.bias}
    parts = [
        table(columns) if columns else "",
        "Share of letters mistyped, and score:\n" + typo_table(typos) if typos else "",
        "Effect sizes from -2 to 2, with one-sided p-values:\n" + bias_table(bias) if bias else "",
    ]
    shown = "\n\n".join(part for part in parts if part)
    if shown:
        click.echo(shown)


def _draw_maps(encoder: Encoder, title: str, data: Sequence[Path], only: Sequence[str], folder: Path) -> None:
    from ..evaluation.drawing import draw_texts

    if encoder.texts is None:
        click.echo(f"{title}: no map is drawn: the model has no text encoder", err=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    name = PurePath(title).name
    sets = [found for found in find_sets(data, only=only) if found.kind == LABELLED_TEXTS] if data else []
    for found in sets:
        rows = found.rows()
        texts, labels = [str(row["text"]) for row in rows], [str(row["label"]) for row in rows]
        out = folder / f"{name}-{found.name}.png"
        draw_texts(encoder.texts, texts, out, title=f"{found.name}, by {name}", labels=labels)
        click.echo(f"{out} is drawn", err=True)
    if not sets:
        out = folder / f"{name}-texts.png"
        draw_texts(encoder.texts, background_texts(), out, title=f"Ordinary texts, by {name}")
        click.echo(f"{out} is drawn", err=True)


def _draw_curves(qualities: Mapping[str, Quality], folder: Path) -> None:
    from ..evaluation.drawing import draw_curves

    curves = {title: quality.typos for title, quality in qualities.items() if quality.typos}
    if curves:
        draw_curves(curves, folder / "typos.png")
        click.echo(f"{folder / 'typos.png'} is drawn", err=True)
