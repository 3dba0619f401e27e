"""``edgeembed-export distill`` and ``tune``: train a student and make a bundle of it, or look for better knobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..evaluation.evaluate import table

if TYPE_CHECKING:
    from ..distillation.recipe import DistillRecipe

_TEACHER = "sentence-transformers/all-MiniLM-L6-v2"


def _shared_options(command: Any) -> Any:
    """What both commands take."""
    options: list[Callable[[Any], Any]] = [
        click.option("--recipe", "name", required=True, help="Which student, such as minilm-static."),
        click.option(
            "--data",
            required=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Folder with training texts in text/ and evaluation sets in eval/.",
        ),
        click.option(
            "--source", default=_TEACHER, show_default=True, help="The teacher: a folder, or a name on the Hub."
        ),
        click.option(
            "--cache",
            type=click.Path(file_okay=False, path_type=Path),
            help="Folder of the teacher's vectors, for several recipes.  [default: OUT/teacher]",
        ),
    ]
    for decorate in reversed(options):
        command = decorate(command)
    return command


@click.command()
@_shared_options
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the bundle, the checkpoint, the log and its picture.",
)
def distill(name: str, data: Path, out: Path, source: str, cache: Path | None) -> None:
    """Train a student on a teacher's vectors and make the bundle OUT/RECIPE of it.

    Run again after an interruption, it goes on from the last checkpoint in OUT.
    """
    # They import torch, which takes seconds that other commands need not wait.
    from ..distillation.distill import distill as run

    exported = run(source, data, out, _student(name), cache=cache, say=lambda line: click.echo(line, err=True))
    if exported.scores:
        click.echo(table(exported.scores))
    size = sum(entry.size_bytes for entry in exported.bundle.manifest.files.values())
    click.echo(
        f"{exported.bundle.path}: {exported.bundle.manifest.label}, {size / 1e6:.1f} MB; {out / 'curves.png'} is drawn"
    )


@click.command()
@_shared_options
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the search, kept."
)
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="Finished ones wanted in all.")
@click.option("--texts", type=click.IntRange(2000), default=40_000, show_default=True, help="Of one trial.")
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True, help="Of one trial.")
@click.option("--write", is_flag=True, help="Let the recipe take what was found, with the evidence, from now on.")
def tune(
    name: str, data: Path, source: str, cache: Path | None, out: Path, trials: int, texts: int, steps: int, write: bool
) -> None:
    """Search learning rate, weight of the losses and shape of a student with Optuna.

    A trial is a short training, judged on held-out texts by agreement with the teacher; evaluation sets are not looked
    at. Run again after an interruption, it goes on.
    """
    from ..distillation.recipes import tuned_path
    from ..distillation.tune import Budget, write_result
    from ..distillation.tune import tune as run

    budget = Budget(texts=texts, steps=steps)
    recipe = _student(name, as_written=True)
    result = run(
        source,
        data,
        out,
        recipe,
        trials=trials,
        budget=budget,
        cache=cache,
        say=lambda line: click.echo(line, err=True),
    )
    for row in result.trials[:10]:
        click.echo(f"{row['agreement']:.4f}  {row['knobs']}")
    path = tuned_path(name) if write else out / f"{name}.json"
    write_result(result, budget, path)
    click.echo(f"{path} is written: the best of {len(result.trials)} trials")


def _student(name: str, *, as_written: bool = False) -> DistillRecipe:
    from ..distillation.recipes import STUDENTS, WRITTEN

    if name not in STUDENTS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(sorted(STUDENTS))}", param_hint="--recipe")
    return (WRITTEN if as_written else STUDENTS)[name]
