"""The commands that look after an index: ``status``, ``verify``, ``repair`` and ``compact``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from ...errors import IndexNotFoundError
from .. import messages
from ..options import (
    NEGATIVE,
    IndexOptions,
    folder_argument,
    index_option,
    json_option,
    model_option,
    open_folder,
    threads_option,
)

_COUNTED = {
    "documents": "documents",
    "chunks": "passages",
    "segments": "segments",
    "embedded_again": "passages of text embedded again",
}
"""What ``verify`` says that it looked at: fields of its report, and what people call them."""
_BETTER = "lets words of every script, C++, parts of identifiers and phrases be found better, and embeds nothing again"
"""What the present layout has over the one before."""


@click.command()
@folder_argument
@click.option("--all", "show_all", is_flag=True, help="List every skipped file, not only some for each reason.")
@json_option
@index_option
def status(folder: str, show_all: bool, as_json: bool, index: str | None) -> None:
    """Show what the index of FOLDER holds, what has changed since, and which files were skipped and why."""
    from ...catalog.schema import LAYOUT
    from ...storage.index_swap import begun_rebuild

    with open_folder(folder, IndexOptions(index), read_only=True) as opened:
        info, plan = opened.status(), opened.plan()
    rebuild = begun_rebuild(info.path)
    skipped = sorted({*info.skipped, *plan.skipped}, key=lambda item: item.path)
    pending = {"new": len(plan.new), "changed": len(plan.changed), "removed": len(plan.removed)}
    if as_json:
        listed = [{**messages.path_facts(item.path), "reason": item.reason} for item in skipped]
        messages.echo_json({**vars(info), "pending": pending, "rebuild": rebuild, "skipped": listed})
        return
    click.echo(f"index    {info.path} ({info.size_bytes / 1e6:.1f} MB, {info.generation:,} commits)")
    click.echo(f"model    {info.model} ({info.space})")
    click.echo("photos   " + (f"{info.image_model} ({info.image_space})" if info.image_model else "left out"))
    click.echo(f"holds    {info.documents:,} files in {info.chunks:,} passages")
    if info.unread:
        click.echo(f"unread   {info.unread:,} passages of words that the model does not know, found by these only")
    if info.layout < LAYOUT:
        click.echo(f"layout   {info.layout}, of an older edgeembed; `edgeembed index {folder}` {_BETTER}")
    click.echo("pending  " + (", ".join(f"{n:,} {what}" for what, n in pending.items() if n) or "nothing"))
    if rebuild is not None:
        click.echo(f"rebuild  begun in {rebuild} and not ended; `edgeembed index --rebuild` goes on with it")
    click.echo(f"skipped  {len(skipped):,}")
    messages.show_skipped(skipped, everything=show_all)


@click.command()
@folder_argument
@json_option
@index_option
def verify(folder: str, as_json: bool, index: str | None) -> None:
    """Check the index of FOLDER: every checksum, count and reference, and a sample of vectors embedded again."""
    from ...errors import IndexCorruptError

    try:
        with open_folder(folder, IndexOptions(index), read_only=True) as opened:
            report = opened.index.verify()
    except IndexCorruptError as error:
        problems = [{"where": str(error.path), "what": error.reason}]
        report_json: dict[str, Any] = {"ok": False, "problems": problems, "notes": []}
    else:
        report_json = {"ok": report.ok, **asdict(report)}
    if as_json:
        messages.echo_json(report_json)
    else:
        for note in report_json["notes"]:
            messages.note(note)
        for problem in report_json["problems"]:
            click.echo(messages.printable(f"{problem['where']}: {problem['what']}"))
        if report_json["ok"]:
            counts = [f"{report_json[key]:,} {noun}" for key, noun in _COUNTED.items()]
            click.echo(f"ok       {', '.join(counts)}")
        else:
            messages.note(f"{folder}: the index is damaged; `edgeembed repair` mends it")
    if not report_json["ok"]:
        raise click.exceptions.Exit(NEGATIVE)


@click.command()
@folder_argument
@json_option
@index_option
@model_option
@threads_option
def repair(folder: str, as_json: bool, index: str | None, model: str | None, threads: int | None) -> None:
    """Make the index of FOLDER whole again from what remains; what is lost is indexed again at the next sync."""
    from ...folder import check_folder
    from ...index import Index
    from ...storage.index_place import index_place

    index_dir = index_place(check_folder(folder)).path if index is None else index
    report = Index.repair(index_dir, model=model, threads=threads)
    if as_json:
        messages.echo_json(asdict(report))
        return
    for line in report.did or ("nothing is wrong; nothing was changed",):
        click.echo(messages.printable(line))
    for id in report.lost:
        click.echo(f"  {messages.printable(id)}")
    if report.lost:
        messages.note(f"`edgeembed index {folder}` reads them again")


@click.command()
@folder_argument
@click.option("--for-shipping", is_flag=True, help="Also take out what concerns this machine only.")
@json_option
@index_option
def compact(folder: str, for_shipping: bool, as_json: bool, index: str | None) -> None:
    """Give the disk back that removed files took in the index of FOLDER, and wipe their text."""
    from ...catalog.database import CATALOG_NAME
    from ...folder import check_folder
    from ...index import Index
    from ...storage.index_dir import named_index_dir
    from ...storage.index_place import index_place

    index_dir = index_place(check_folder(folder)).path if index is None else named_index_dir(index)
    if not (index_dir / CATALOG_NAME).is_file():
        raise IndexNotFoundError(index_dir, "there is nothing to compact")
    with Index.open(index_dir) as opened:
        report = opened.compact(for_shipping=for_shipping)
    if as_json:
        messages.echo_json(asdict(report))
        return
    click.echo(f"{report.before_bytes / 1e6:.1f} MB before, {report.after_bytes / 1e6:.1f} MB now")
    for note in report.notes:
        messages.note(note)
