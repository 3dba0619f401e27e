"""``edgeembed-export photos``: train an image tower into the space of a text bundle, and make a bundle of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ..evaluation.evaluate import table


@click.command()
@click.option("--recipe", "name", default="photo-minilm", show_default=True, help="Which tower.")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the backbone in backbones/ and the photos of the recipe.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the bundle, the checkpoint, the log and its picture.",
)
@click.option(
    "--teacher",
    default="minilm-l6-int8",
    show_default=True,
    help="Whose space: a bundle that embeds texts, or the folder of a CLIP or SigLIP model, whose pictures' vectors "
    "are then learnt too.",
)
@click.option(
    "--photos",
    type=click.Path(exists=True, path_type=Path),
    help="Photos of your own: a file .jsonl or .jsonl.gz with `image` and `captions` in every row, the pictures beside "
    "it; or, where the teacher sees pictures, a folder of them.  [default: the recipe's]",
)
@click.option("--terms", help="Under which terms your own photos stand, for the model card.")
@click.option("--called", "title", help="Name of the bundle.  [default: the recipe's]")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the photos' views, for several recipes.  [default: OUT/seen]",
)
@click.option("--steps", type=click.IntRange(1), help="Train for so many steps.  [default: the recipe's]")
def photos(
    name: str,
    data: Path,
    out: Path,
    teacher: str,
    photos: Path | None,
    terms: str | None,
    title: str | None,
    cache: Path | None,
    steps: int | None,
) -> None:
    """Train a picture tower by captions and make the bundle OUT/RECIPE of it.

    Its vectors may be compared with those of the teacher, which stays as it is. Run again after an interruption,
    it goes on from the last checkpoint in OUT.
    """
    # They import torch, which takes seconds that other commands need not wait.
    from edgeembed import Embedder

    from ..photos.recipes import PHOTOS, PhotoSet
    from ..photos.teacher import bundle_photo_teacher, is_two_tower, two_tower_photo_teacher
    from ..photos.train import train_photos

    if name not in PHOTOS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(sorted(PHOTOS))}", param_hint="--recipe")
    recipe = PHOTOS[name]
    if title is not None:
        recipe = replace(recipe, name=title)
    if steps is not None:
        recipe = replace(recipe, plan=replace(recipe.plan, steps=steps))
    if photos is not None:
        own = PhotoSet(file=str(photos.resolve()), name=photos.name, terms=terms or "not stated")
        recipe = replace(recipe, photos=own)
    photo_teacher = (
        two_tower_photo_teacher(teacher) if is_two_tower(teacher) else bundle_photo_teacher(Embedder.load(teacher))
    )
    exported = train_photos(photo_teacher, data, out, recipe, cache=cache, say=lambda line: click.echo(line, err=True))
    if exported.scores:
        click.echo(table(exported.scores))
    size = sum(entry.size_bytes for entry in exported.bundle.manifest.files.values())
    click.echo(
        f"{exported.bundle.path}: {exported.bundle.manifest.label}, {size / 1e6:.1f} MB; {out / 'curves.png'} is drawn"
    )
