"""The command ``index``."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ...errors import IndexNotFoundError, path_error
from ...output.json_lines import path_facts
from .. import messages
from ..from_server import NotAnsweredError, served
from ..options import (
    SKIPPED,
    IndexOptions,
    ask_if_huge,
    end_if_cancelled,
    folder_argument,
    index_dir_of,
    index_options,
    json_option,
    open_folder,
    progress_option,
    walk_options,
    work,
)
from ..place import Place, find_place
from ..process_priority import lower_priority

if TYPE_CHECKING:
    from ...sync.report import SyncReport
    from ...sync.walk_options import WalkOptions


@click.command()
@folder_argument
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--rebuild", is_flag=True, help="Make the index anew beside the old one, then switch.")
@click.option("--checksum", is_flag=True, help="Read every file, also those that look unchanged.")
@click.option("--here", is_flag=True, help="Give FOLDER an index of its own, also inside a folder that has one.")
@click.option("--hidden/--no-hidden", default=None, help="Whether hidden files are taken in, from now on.")
@click.option("--ignore/--no-ignore", default=None, help="Whether ignore files count, from now on.")
@click.option("--follow/--no-follow", default=None, help="Whether links out of the folder are followed, from now on.")
@click.option("--strict", is_flag=True, help="Exit with status 3 if a file was skipped.")
@click.option("--nice", is_flag=True, help="Let other programs go first.")
@json_option
@progress_option
@index_options
def index(
    folder: str,
    dry_run: bool,
    rebuild: bool,
    checksum: bool,
    here: bool,
    strict: bool,
    nice: bool,
    as_json: bool,
    options: IndexOptions,
    **taken_in: bool | None,
) -> None:
    """Bring the index of FOLDER up to date (the current folder unless given).

    Inside a folder that has an index, that one is brought up to date for FOLDER.
    """
    place = find_place(folder, options.index, own=here, allows_file=False)
    if rebuild and place.below:
        advice = f"`edgeembed index --rebuild {place.root}` makes that anew, --here gives this folder one of its own"
        raise path_error(folder, ValueError, f"its files are in the index of {place.root}; {advice}")
    wanted = walk_options(index_dir_of(place, options), options.settings, **taken_in)
    if dry_run:
        _show_plan(place, options, wanted, rebuild=rebuild, as_json=as_json)
        return
    ask_if_huge(place, options)
    if nice:
        lower_priority()
    report = _run(place, options, wanted, rebuild=rebuild, checksum=checksum)
    if as_json:
        _show_json(report, place)
    messages.report_sync(report, quiet_if_idle=False, place=place)
    messages.name_own_indexes(report.skipped, place)
    _name_enclosing_rule(place)
    end_if_cancelled(report)
    if strict and report.skipped:
        raise click.exceptions.Exit(SKIPPED)


def _run(
    place: Place, options: IndexOptions, wanted: WalkOptions | None, *, rebuild: bool, checksum: bool
) -> SyncReport:
    from ...folder import Folder

    if not rebuild:
        with served(place, options) as server, suppress(NotAnsweredError):
            if server is not None:
                chosen = None if wanted is None else asdict(wanted)
                return server.sync(checksum=checksum, options=chosen)
    with work() as (progress, cancel):
        if rebuild:
            return Folder.rebuild(
                place.root,
                index=options.index,
                **options.for_index_at(index_dir_of(place, options)),
                options=wanted,
                progress=progress,
                cancel=cancel,
            )
        with open_folder(place, options) as opened:
            return opened.sync(progress=progress, cancel=cancel, checksum=checksum, options=wanted, below=place.below)


def _name_enclosing_rule(place: Place) -> None:
    """Say that git would leave the folder out; it is indexed all the same, because somebody named it."""
    from ...sync.walk import enclosing_rule

    if not place.below and (rule := enclosing_rule(place.folder)) is not None:
        messages.note(f"{place.typed}: {rule} leaves this folder out; it is indexed because you named it")


def _show_json(report: SyncReport, place: Place) -> None:
    """Every skipped file, then what was done; see docs/output.schema.json."""
    for item in report.skipped:
        messages.echo_json({"event": "skipped", **path_facts(_shown(item.path, place)), "reason": item.reason})
    told = {"folder": str(place.root), "below": place.below or None}
    messages.echo_json({"event": "indexed", **told, **vars(report), "skipped": len(report.skipped)})


def _shown(path: str, place: Place) -> str:
    """A path of a report so that it can be opened from where the command ran; an ignore file may lie elsewhere."""
    return path if os.path.isabs(path) else place.shown(path)  # noqa: PTH117 (keeps lone surrogates)


def _show_plan(
    place: Place, options: IndexOptions, wanted: WalkOptions | None, *, rebuild: bool, as_json: bool
) -> None:
    from ...folder import Folder

    index = options.index
    try:
        if rebuild:
            todo = [("anew", stat.path) for stat in Folder.plan_rebuild(place.root, index=index, options=wanted)]
            messages.note(f"the index would be made anew, of {len(todo):,} {'file' if len(todo) == 1 else 'files'}")
        else:
            with open_folder(place, IndexOptions(index), read_only=True) as opened:
                plan = opened.plan(options=wanted, below=place.below)
            todo = [("new", s.path) for s in plan.new] + [("changed", s.path) for s in plan.changed]
            todo += [("removed", path) for path in plan.removed]
            messages.name_emptied(plan.skipped)
    except IndexNotFoundError:
        todo = [("new", stat.path) for stat in Folder.plan_rebuild(place.root, index=index, options=wanted)]
    for what, path in todo:
        if as_json:
            messages.echo_json({"event": "planned", "what": what, **path_facts(_shown(path, place))})
        else:
            click.echo(f"{what:8} {messages.printable(path)}")
