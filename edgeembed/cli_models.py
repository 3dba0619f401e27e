"""The commands about models alone, without an index: ``check``, ``embed`` and ``models``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import click

from . import terminal
from .cli_common import NEGATIVE, json_option, model_option, threads_option


@click.command()
@click.argument("model", required=False)
@json_option
def check(model: str | None, as_json: bool) -> None:
    """Prove that MODEL (the default unless given) computes here what it computed when it was made."""
    from .bundle import read_bundle
    from .check import check as replay

    bundle = read_bundle(model)
    results = replay(bundle)
    for result in results:
        if as_json:
            terminal.echo_json({"model": bundle.manifest.name, **vars(result)})
        else:
            verdict = "ok    " if result.ok else "FAILED"
            click.echo(f"{verdict}  {result.stage}: departs by {result.worst:.2g}, {result.allowed:.2g} is allowed")
    if not all(result.ok for result in results):
        terminal.note(f"{bundle.manifest.name} departs on this machine; do not mix its vectors with those of others")
        raise click.exceptions.Exit(NEGATIVE)


@click.command()
@click.argument("source", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a .npy file instead.")
@click.option(
    "--role",
    type=click.Choice(["document", "query"]),
    default="document",
    show_default=True,
    help="What the lines are: to be searched in, or to be searched with.",
)
@model_option
@threads_option
def embed(source: IO[str], output: Path | None, role: Any, model: str | None, threads: int | None) -> None:
    """Embed each line of SOURCE (stdin unless given).

    Prints a JSON object with `text` and `vector` for each line, or writes a float32 array of one row a line.
    """
    from .embedder import Embedder
    from .npy import NpyWriter

    if output is not None and output.suffix != ".npy":
        raise ValueError(f"{output}: only .npy files can be written; leave out -o for JSON lines")
    with Embedder.load(model, threads=threads) as embedder:
        lines: list[str] = []

        def remembered() -> Iterator[str]:
            for line in source:
                lines.append(line.rstrip("\r\n"))
                yield lines[-1]

        with NpyWriter(output, embedder.dim) if output else nullcontext() as array:
            for vectors in embedder.iter_embed_texts(remembered(), role=role):
                if array is not None:
                    array.append(vectors)
                else:
                    for line, vector in zip(lines, vectors, strict=False):
                        terminal.echo_json({"text": line, "vector": [float(f"{x:.9g}") for x in vector]})
                del lines[: len(vectors)]


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List the models that ship with edgeembed; the first is the default."""
    from .bundle import read_bundle, shipped_names

    for name in shipped_names():
        manifest = read_bundle(name, verify=False).manifest
        size_bytes = sum(entry.size_bytes for entry in manifest.files.values())
        kinds = [kind for kind in ("text", "image") if getattr(manifest, kind) is not None]
        if as_json:
            facts = {"name": name, "kinds": kinds, "dim": manifest.dim, "size_bytes": size_bytes}
            terminal.echo_json(
                {**facts, "space": manifest.space, "license": manifest.license, "quality": manifest.quality}
            )
        else:
            click.echo(
                f"{name:20} {'+'.join(kinds):11} {manifest.dim:5} dim {size_bytes / 1e6:6.1f} MB  {manifest.license}"
            )
