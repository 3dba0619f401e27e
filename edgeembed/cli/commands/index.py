"""The command ``index``."""

from __future__ import annotations

import click

from ...errors import IndexNotFoundError
from .. import messages
from ..options import (
    SKIPPED,
    IndexOptions,
    ask_if_huge,
    end_if_cancelled,
    folder_argument,
    index_options,
    open_folder,
    work,
)
from ..process_priority import lower_priority


@click.command()
@folder_argument
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--rebuild", is_flag=True, help="Make the index anew beside the old one, then switch.")
@click.option("--checksum", is_flag=True, help="Read every file, also those that look unchanged.")
@click.option("--strict", is_flag=True, help="Exit with status 3 if a file was skipped.")
@click.option("--nice", is_flag=True, help="Let other programs go first.")
@index_options
def index(
    folder: str, dry_run: bool, rebuild: bool, checksum: bool, strict: bool, nice: bool, options: IndexOptions
) -> None:
    """Bring the index of FOLDER up to date (the current folder unless given)."""
    from ...folder import Folder

    if dry_run:
        _show_plan(folder, options.index, rebuild=rebuild)
        return
    ask_if_huge(folder, options)
    if nice:
        lower_priority()
    with work() as (progress, cancel):
        if rebuild:
            report = Folder.rebuild(
                folder,
                index=options.index,
                model=options.model,
                image_model=options.image_model,
                threads=options.threads,
                progress=progress,
                cancel=cancel,
            )
        else:
            with open_folder(folder, options) as opened:
                report = opened.sync(progress=progress, cancel=cancel, checksum=checksum)
    messages.report_sync(report, quiet_if_idle=False)
    end_if_cancelled(report)
    if strict and report.skipped:
        raise click.exceptions.Exit(SKIPPED)


def _show_plan(folder: str, index: str | None, *, rebuild: bool) -> None:
    from ...folder import Folder

    try:
        if rebuild:
            todo = [("anew", stat.path) for stat in Folder.plan_rebuild(folder, index=index)]
            messages.note(f"the index would be made anew, of {len(todo):,} {'file' if len(todo) == 1 else 'files'}")
        else:
            with open_folder(folder, IndexOptions(index), read_only=True) as opened:
                plan = opened.plan()
            todo = [("new", s.path) for s in plan.new] + [("changed", s.path) for s in plan.changed]
            todo += [("removed", path) for path in plan.removed]
            messages.name_emptied(plan.skipped)
    except IndexNotFoundError:
        todo = [("new", stat.path) for stat in Folder.plan_rebuild(folder, index=index)]
    for what, path in todo:
        click.echo(f"{what:8} {messages.printable(path)}")
