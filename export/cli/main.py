"""``edgeembed-export``: make bundles, and measure them. A thin skin over the package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgeembed.errors import EdgeEmbedError
from edgeembed.reading.decode import decode

from ..errors import ExportError
from ..evaluation.evaluate import table
from ..families.detect import export
from ..families.registry import FAMILIES
from ..families.words import MAX_TOKENS, WORD_SCHEMES, WordOptions
from ..quantization.choose import AUTO
from ..quantization.schemes import INT8, SCHEMES
from ..sealing.options import EncoderOptions
from ..sealing.pipeline import Exported, make_bundle
from ..sealing.recipes import RECIPES
from ..sources.word_tokenizer import unknown_to_bundle
from .distill import distill, tune
from .evaluate import evaluate
from .photos import photos
from .quantize_table import asked_tolerance, quantize_table, tolerance_options


class _DefaultGroup(click.Group):
    """Takes ``SOURCE OUT`` without a command's name as the command ``bundle``, or ``words`` if SOURCE is a file."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["words" if Path(args[0]).is_file() else "bundle", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_DefaultGroup)
def cli() -> None:
    """Make edgeembed bundles from models in the Hugging Face layout, and measure them.

    `edgeembed-export SOURCE OUT` finds out from the source's own files what kind of model it is.
    """


def _text_options(command: Any) -> Any:
    """The arguments and options of every command that makes a bundle from a text encoder."""
    options: list[Callable[[Any], Any]] = [
        click.argument("source"),
        click.argument("out", type=click.Path(path_type=Path)),
        click.option("--name", help="Name of the bundle.  [default: the name of OUT]"),
        click.option("--version", default="1", show_default=True, help="Version of the bundle."),
        click.option("--source-id", help="What the source is called.  [default: the Hub name or the folder's name]"),
        click.option("--max-tokens", type=int, help="Limit of tokens.  [default: as the source says]"),
        click.option("--license", help="SPDX expression of the weights' licence.  [default: as the source says]"),
        click.option(
            "--precision",
            type=click.Choice([AUTO, *sorted(SCHEMES)]),
            default="int8",
            show_default=True,
            help="How weights are stored; `auto`: the smallest way that is close enough, found by measuring, for each "
            "tower by itself.",
        ),
        tolerance_options,
        click.option(
            "--data",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Evaluation sets: measure the bundle and its source, and keep the scores in the bundle.",
        ),
    ]
    for decorate in reversed(options):
        command = decorate(command)
    return command


@cli.command()
@_text_options
def text(
    source: str,
    out: Path,
    precision: str,
    tolerance: float | None,
    least_cosine: float | None,
    data: Path | None,
    **overrides: Any,
) -> None:
    """Make the bundle OUT from a text encoder.

    SOURCE is a folder in the Hugging Face or sentence-transformers layout, or a name on the Hugging Face Hub.
    """
    options = EncoderOptions(
        scheme=SCHEMES.get(precision, INT8),
        tolerance=asked_tolerance(precision, tolerance, least_cosine),
        **overrides,
    )
    _show(make_bundle(FAMILIES["text"], source, out, options, data=data))


@cli.command()
@_text_options
def bundle(
    source: str,
    out: Path,
    precision: str,
    tolerance: float | None,
    least_cosine: float | None,
    data: Path | None,
    **overrides: Any,
) -> None:
    """Make the bundle OUT from SOURCE, whatever kind of model it is (the word `bundle` may be left out)."""
    allowed = asked_tolerance(precision, tolerance, least_cosine)
    _show(export(source, out, precision=precision, tolerance=allowed, data=data, **overrides))


@cli.command()
@click.argument("name", type=click.Choice(sorted(RECIPES)))
@click.argument("source")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Evaluation sets.")
def recipe(name: str, source: str, out: Path, data: Path | None) -> None:
    """Make the bundle OUT from SOURCE as the shipped bundle NAME was made."""
    _show(make_bundle(FAMILIES["text"], source, out, RECIPES[name], data=data))


@cli.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the bundle.  [default: the name of OUT]")
@click.option("--version", default="1", show_default=True, help="Version of the bundle.")
@click.option("--source-id", help="What the vectors are called.  [default: the file's name]")
@click.option("--license", help="SPDX expression of the vectors' licence.  [default: not stated]")
@click.option("--max-words", type=click.IntRange(1), help="Read so many rows, the first.  [default: all]")
@click.option("--max-tokens", type=click.IntRange(2), help=f"Limit of tokens.  [default: {MAX_TOKENS}]")
@click.option(
    "--precision",
    type=click.Choice(sorted(WORD_SCHEMES)),
    default="int8",
    show_default=True,
    help="How the table is stored.",
)
@click.option(
    "--weighting",
    type=click.Choice(["sif", "none"]),
    help="Whether frequent words count less (smooth inverse frequency).  [default: sif, unless the file is in "
    "alphabetical order]",
)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Evaluation sets.")
def words(source: Path, out: Path, data: Path | None, **overrides: Any) -> None:
    """Make the bundle OUT from a file of word vectors (the word `words` may be left out).

    SOURCE is in Word2Vec text, Word2Vec binary, fastText .vec or GloVe text format.
    """
    _show(make_bundle(FAMILIES["words"], source, out, WordOptions(**overrides), data=data))


@cli.command("unknown-words")
@click.argument("bundle")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def unknown_words(bundle: str, files: tuple[Path, ...]) -> None:
    """Count the words of text FILES that BUNDLE, a folder or the name of a shipped bundle, does not know."""
    counts = unknown_to_bundle(bundle, (decode(path.read_bytes()) or "" for path in files))
    click.echo(f"unknown: {counts.unknown} of {counts.words} words, {counts.share:.1%}")
    for word, count in counts.commonest:
        click.echo(f"{count:7} {word}")


@cli.command("refresh")
@click.argument("bundle")
@click.argument("out", type=click.Path(path_type=Path))
def refresh_bundle(bundle: str, out: Path) -> None:
    """Make the bundle OUT of BUNDLE, a folder or the name of a shipped bundle, its graphs written as they are today.

    For bundles made earlier, whose training nobody wants to repeat: weights and facts stay, vectors are the same up to
    rounding, or nothing is written.
    """
    from ..sealing.refresh import refresh

    refreshed, cosine = refresh(bundle, out)
    click.echo(f"cosine to the vectors before: mean {cosine['mean']:.6f}, least {cosine['least']:.6f}")
    click.echo(f"{out}: {refreshed.manifest.name} ({refreshed.manifest.encoder[:12]})")


@cli.command("renew-proof")
@click.argument("bundle")
@click.argument("out", type=click.Path(path_type=Path))
def renew_bundle_proof(bundle: str, out: Path) -> None:
    """Make the bundle OUT of BUNDLE, a folder or the name of a shipped bundle, its golden data as they are made today.

    Everything else stays byte for byte. So `edgeembed check` finds altered weights in a bundle made earlier, too.
    """
    from ..sealing.refresh import renew_proof

    renewed = renew_proof(bundle, out)
    click.echo(f"{out}: {renewed.manifest.name}, tolerance {dict(renewed.manifest.tolerance)}")


cli.add_command(evaluate)
cli.add_command(distill)
cli.add_command(tune)
cli.add_command(photos)
cli.add_command(quantize_table)


def _show(exported: Exported) -> None:
    manifest = exported.bundle.manifest
    size = sum(entry.size_bytes for entry in manifest.files.values())
    for stage in exported.verification.stages:
        click.echo(f"{stage.stage}: {stage.worst:.3g} (allowed: {stage.allowed:.3g})", err=True)
    for kind, close in exported.verification.closeness.items():
        click.echo(f"cosine to the float model, {kind}: mean {close.mean:.4f}, least {close.least:.4f}", err=True)
    for note in exported.notes:
        click.echo(note, err=True)
    if exported.scores:
        click.echo(table(exported.scores))
    click.echo(f"{exported.bundle.path}: {manifest.label}, {manifest.dim} dimensions, {size / 1e6:.1f} MB")


def main() -> None:
    """Entry point: what goes wrong on purpose ends in one sentence and exit status 2."""
    try:
        cli()
    except ModuleNotFoundError as error:
        click.echo(f"error: {error.name} is not installed; pip install 'edgeembed[export]'", err=True)
        sys.exit(2)
    except (ExportError, EdgeEmbedError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
