"""``edgeembed-export distill``: train a student and make a bundle of it."""

from __future__ import annotations

from pathlib import Path

import click

from .evaluate import table

_TEACHER = "sentence-transformers/all-MiniLM-L6-v2"


@click.command()
@click.option("--recipe", "name", required=True, help="Which student, such as minilm-static.")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with training texts in text/ and evaluation sets in eval/.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the bundle, the checkpoint, the log and its picture.",
)
@click.option("--source", default=_TEACHER, show_default=True, help="The teacher: a folder, or a name on the Hub.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the teacher's vectors, for several recipes.  [default: OUT/teacher]",
)
def distill(name: str, data: Path, out: Path, source: str, cache: Path | None) -> None:
    """Train a student on a teacher's vectors and make the bundle OUT/RECIPE of it.

    Run again after an interruption, it goes on from the last checkpoint in OUT.
    """
    # They import torch, which takes seconds that other commands need not wait.
    from .distill import distill as run
    from .students import STUDENTS

    if name not in STUDENTS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(sorted(STUDENTS))}", param_hint="--recipe")
    made = run(source, data, out, STUDENTS[name], cache=cache, say=lambda line: click.echo(line, err=True))
    if made.scores:
        click.echo(table(made.scores))
    size = sum(entry.size_bytes for entry in made.bundle.manifest.files.values())
    click.echo(f"{made.bundle.path}: {made.bundle.manifest.label}, {size / 1e6:.1f} MB; {out / 'curves.png'} is drawn")
