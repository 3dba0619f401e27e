"""The commands about models alone, without an index: ``check``, ``embed`` and ``models``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import ImageError, path_error
from ...output.json_lines import path_facts
from .. import messages
from ..options import NEGATIVE, json_option, model_option, threads_option
from ..param_types import ModelName
from ..settings import user_settings

if TYPE_CHECKING:
    from ...embedder import Embedder, Role
    from ...inference.block_runner import Vectors


@click.command()
@click.argument("model", required=False, type=ModelName())
@json_option
def check(model: str | None, as_json: bool) -> None:
    """Prove that MODEL (the default unless given) computes here what it computed when it was made."""
    from ...bundle.bundle import read_bundle
    from ...maintenance.check_bundle import check as replay

    bundle = read_bundle(model)
    results = replay(bundle)
    for result in results:
        if as_json:
            messages.echo_json({"model": bundle.manifest.name, **vars(result)})
        else:
            verdict = "ok    " if result.ok else "FAILED"
            click.echo(f"{verdict}  {result.stage}: max deviation {result.worst:.2g} (limit {result.allowed:.2g})")
    if not all(result.ok for result in results):
        messages.note(f"{bundle.manifest.name} departs on this machine; do not mix its vectors with those of others")
        raise click.exceptions.Exit(NEGATIVE)


@click.command()
@click.argument("source", type=click.File("rb"), default="-")
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
def embed(source: BufferedReader, output: Path | None, role: Any, model: str | None, threads: int | None) -> None:
    """Embed each line of SOURCE (stdin unless given), or SOURCE as a whole if it is a picture.

    Prints a JSON object with `text` and `vector` for each line, or one with `path` and `vector` for a picture; or
    writes a float32 array of one row for each.
    """
    from ...embedder import Embedder
    from ..npy_writer import NpyWriter

    settings = user_settings()
    model, threads = model or settings.model, threads or settings.threads
    if output is not None and output.suffix != ".npy":
        raise path_error(output, ValueError, "only .npy files can be written; leave out -o for JSON lines")
    is_image = _is_image(source)
    with Embedder.load(_image_model(model) if is_image else model, threads=threads) as embedder:
        rows = _embedded_image(source, embedder) if is_image else _embedded_lines(source, embedder, role)
        with NpyWriter(output, embedder.dim) if output else nullcontext() as array:
            for records, vectors in rows:
                if array is not None:
                    array.append(vectors)
                else:
                    for record, vector in zip(records, vectors, strict=True):
                        messages.echo_json({**record, "vector": [float(f"{x:.9g}") for x in vector]})


_Rows = Iterator[tuple[list[dict[str, Any]], "Vectors"]]
"""What was embedded, as JSON says it, and float32 ``(n, dim)``."""


def _embedded_lines(source: BufferedReader, embedder: Embedder, role: Role) -> _Rows:
    lines: list[str] = []

    def remembered() -> Iterator[str]:
        for line in TextIOWrapper(source, encoding="utf-8", errors="replace"):
            lines.append(line.rstrip("\r\n"))
            yield lines[-1]

    for vectors in embedder.iter_embed_texts(remembered(), role=role):
        yield [{"text": line} for line in lines[: len(vectors)]], vectors
        del lines[: len(vectors)]


def _embedded_image(source: BufferedReader, embedder: Embedder) -> _Rows:
    path = str(source.name)
    try:
        yield [path_facts(path)], embedder.embed_images([source.read()])
    except ImageError as error:
        raise ImageError(Path(path), error.reason) from error


def _is_image(source: BufferedReader) -> bool:
    """Whether it is an image and not lines of text.

    Raises:
        ValueError: it is neither.
    """
    from ...reading.detect import HEAD_BYTES, NOT_TEXT, detect, looks_binary

    head = source.peek(HEAD_BYTES)[:HEAD_BYTES]
    format = detect(head, str(source.name))
    if format.image is not None:
        return True
    if format.reason or format.reader == "pdf" or b"\0" in head or looks_binary(head):
        advice = "give lines of text in UTF-8, or a picture"
        raise path_error(str(source.name), ValueError, f"{format.reason or NOT_TEXT}; {advice}")
    return False


def _image_model(model: str | None) -> str | Path | None:
    """The model for images: the named one, or the one in the package that goes with it."""
    from ...bundle.bundle import read_bundle, shipped_partner

    manifest = read_bundle(model, verify=False).manifest
    is_text_only = manifest.image is None
    partner = shipped_partner(manifest.space, manifest.dim, "image") if is_text_only else None
    return model if partner is None else partner.path


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List the models that ship with edgeembed; the first is the default."""
    from ...bundle.bundle import read_bundle
    from ...bundle.shipped import shipped_names

    for name in shipped_names():
        manifest = read_bundle(name, verify=False).manifest
        size_bytes = sum(entry.size_bytes for entry in manifest.files.values())
        kinds = [kind for kind in ("text", "image") if getattr(manifest, kind) is not None]
        if as_json:
            info = {"name": name, "kinds": kinds, "dim": manifest.dim, "size_bytes": size_bytes}
            messages.echo_json(
                {**info, "space": manifest.space, "license": manifest.license, "quality": manifest.quality}
            )
        else:
            click.echo(
                f"{name:20} {'+'.join(kinds):11} {manifest.dim:5} dim {size_bytes / 1e6:6.1f} MB  {manifest.license}"
            )
