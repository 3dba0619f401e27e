"""``edgeembed-export quantize-table``: how else the weights of a text encoder could be stored, measured."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from .precision import (
    DEFAULT_SCHEMES,
    Tolerance,
    as_data,
    check_names,
    choose,
    closeness_table,
    compare_schemes,
    sensitivity_table,
)

_ROWS = 8
"""Sensitivities that are shown; ``--json`` holds all of them."""


def tolerance_options(command: Any) -> Any:
    """The options of :class:`.precision.Tolerance`."""
    for decorate in (
        click.option(
            "--least-cosine",
            type=click.FloatRange(0, 1),
            default=Tolerance.least,
            show_default=True,
            help="Least cosine of any text to the float model, where the precision is chosen.",
        ),
        click.option(
            "--tolerance",
            type=click.FloatRange(0, 1),
            default=Tolerance.mean,
            show_default=True,
            help="Least mean cosine of ordinary texts to the float model, where the precision is chosen.",
        ),
    ):
        command = decorate(command)
    return command


@click.command("quantize-table")
@click.argument("source")
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="File or folder with evaluation sets; may be repeated.",
)
@click.option("--set", "only", multiple=True, help="Measure on this set only; may be repeated.")
@click.option("--schemes", default=",".join(DEFAULT_SCHEMES), show_default=True, help="Names, with commas between.")
@click.option("--max-tokens", type=int, help="Limit of tokens.  [default: as the source says]")
@tolerance_options
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write what was measured here.")
def quantize_table(
    source: str,
    data: tuple[Path, ...],
    only: tuple[str, ...],
    schemes: str,
    max_tokens: int | None,
    tolerance: float,
    least_cosine: float,
    out: Path | None,
) -> None:
    """Compare ways to store the weights of the text encoder SOURCE: size, closeness, scores, speed.

    A star marks the scheme that `--precision auto` takes. Speeds are of one thread on this machine, taken by turns.
    """
    names = [name.strip() for name in schemes.split(",") if name.strip()]
    check_names(names)

    # torch and transformers take seconds to import, and a wrong name should be refused at once.
    from .reference import TorchReference
    from .teacher import open_text
    from .text_export import feed
    from .to_onnx import text_graph

    facts = open_text(source, max_tokens=max_tokens)
    reference = TorchReference(facts)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        text_graph(reference.model, facts.stages, reference.dim, scratch / "float.onnx")
        comparing = compare_schemes(
            scratch / "float.onnx", scratch, reference, feed, schemes=names, data=data, only=only, speed=True
        )
    chosen = choose(comparing.measured, Tolerance(mean=tolerance, least=least_cosine))
    click.echo(closeness_table(comparing, chosen))
    if comparing.sensitivities:
        click.echo("\nMost sensitive when quantized alone (1 - cosine, size as float32):")
        click.echo(sensitivity_table(comparing.sensitivities, rows=_ROWS))
    if out is not None:
        out.write_text(json.dumps(as_data(comparing, chosen), indent=1) + "\n", encoding="utf-8")
