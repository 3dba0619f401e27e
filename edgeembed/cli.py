"""The command line: a thin skin over the library, one function a command.

Results go to stdout, everything else to stderr. Exit status: 0 done, 1 a negative answer, 2 wrong use or an error,
3 ``index --strict`` skipped a file, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import asdict
from itertools import takewhile
from typing import Any

import click

from . import __version__, terminal
from .cli_common import (
    ERROR,
    INTERRUPTED,
    NEGATIVE,
    SKIPPED,
    IndexOptions,
    ask_if_huge,
    end_if_cancelled,
    folder_argument,
    index_option,
    index_options,
    json_option,
    model_option,
    open_folder,
    threads_option,
    work,
)
from .cli_models import check, embed, models
from .cli_search import explain, search, similar
from .errors import EdgeEmbedError, IndexNotFoundError
from .priority import lower_priority
from .worker import run_if_worker


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edgeembed")
def cli() -> None:
    """Search your own files by meaning, on your own machine.

    `edgeembed search "words" FOLDER` is all you need: it brings the index of the folder up to date, then searches it.
    Nothing is sent anywhere.
    """


@cli.command()
@folder_argument
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--rebuild", is_flag=True, help="Make the index anew beside the old one, then switch.")
@click.option("--strict", is_flag=True, help="Exit with status 3 if a file was skipped.")
@click.option("--nice", is_flag=True, help="Let other programs go first.")
@index_options
def index(folder: str, dry_run: bool, rebuild: bool, strict: bool, nice: bool, options: IndexOptions) -> None:
    """Bring the index of FOLDER up to date (the current folder unless given)."""
    from .folder import Folder

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
                report = opened.sync(progress=progress, cancel=cancel)
    terminal.report_sync(report, quiet_if_idle=False)
    end_if_cancelled(report)
    if strict and report.skipped:
        raise click.exceptions.Exit(SKIPPED)


for _command in (search, similar, explain, check, embed, models):
    cli.add_command(_command)


@cli.command()
@folder_argument
@click.option("--all", "show_all", is_flag=True, help="List every skipped file, not only some for each reason.")
@json_option
@index_option
def status(folder: str, show_all: bool, as_json: bool, index: str | None) -> None:
    """Show what the index of FOLDER holds, what has changed since, and which files were skipped and why."""
    from .places import begun_rebuild

    with open_folder(folder, IndexOptions(index), read_only=True) as opened:
        facts, plan = opened.status(), opened.plan()
    rebuild = begun_rebuild(facts.path)
    skipped = sorted({*facts.skipped, *plan.skipped}, key=lambda item: item.path)
    pending = {"new": len(plan.new), "changed": len(plan.changed), "removed": len(plan.removed)}
    if as_json:
        listed = [{**terminal.path_facts(item.path), "reason": item.reason} for item in skipped]
        terminal.echo_json({**vars(facts), "pending": pending, "rebuild": rebuild, "skipped": listed})
        return
    click.echo(f"index    {facts.path} ({facts.size_bytes / 1e6:.1f} MB, {facts.generation:,} commits)")
    click.echo(f"model    {facts.model} ({facts.space})")
    click.echo("photos   " + (f"{facts.image_model} ({facts.image_space})" if facts.image_model else "left out"))
    click.echo(f"holds    {facts.documents:,} files in {facts.chunks:,} passages")
    click.echo("pending  " + (", ".join(f"{n:,} {what}" for what, n in pending.items() if n) or "nothing"))
    if rebuild is not None:
        click.echo(f"rebuild  begun in {rebuild} and not ended; `edgeembed index --rebuild` goes on with it")
    click.echo(f"skipped  {len(skipped):,}")
    terminal.show_skipped(skipped, everything=show_all)


@cli.command()
@folder_argument
@json_option
@index_option
def verify(folder: str, as_json: bool, index: str | None) -> None:
    """Check the index of FOLDER: every checksum, count and reference, and a sample of vectors embedded again."""
    from .errors import IndexCorruptError

    try:
        with open_folder(folder, IndexOptions(index), read_only=True) as opened:
            report = opened.index.verify()
    except IndexCorruptError as error:
        found = [{"where": str(error.path), "what": error.reason}]
        facts: dict[str, Any] = {"ok": False, "problems": found, "notes": []}
    else:
        facts = {"ok": report.ok, **asdict(report)}
    if as_json:
        terminal.echo_json(facts)
    else:
        for note in facts["notes"]:
            terminal.note(note)
        for problem in facts["problems"]:
            click.echo(terminal.printable(f"{problem['where']}: {problem['what']}"))
        if facts["ok"]:
            counts = f"{facts['documents']:,} documents, {facts['chunks']:,} passages, {facts['segments']:,} segments"
            click.echo(f"ok       {counts}, {facts['embedded_again']:,} passages of text embedded again")
        else:
            terminal.note(f"{folder}: the index is damaged; `edgeembed repair` mends it")
    if not facts["ok"]:
        raise click.exceptions.Exit(NEGATIVE)


@cli.command()
@folder_argument
@json_option
@index_option
@model_option
@threads_option
def repair(folder: str, as_json: bool, index: str | None, model: str | None, threads: int | None) -> None:
    """Make the index of FOLDER whole again from what remains; what is lost is indexed again at the next sync."""
    from .folder import check_folder, index_path
    from .index import Index

    report = Index.repair(index_path(check_folder(folder)) if index is None else index, model=model, threads=threads)
    if as_json:
        terminal.echo_json(asdict(report))
        return
    for line in report.did or ("nothing is wrong; nothing was changed",):
        click.echo(terminal.printable(line))
    for id in report.lost:
        click.echo(f"  {terminal.printable(id)}")
    if report.lost:
        terminal.note(f"`edgeembed index {folder}` reads them again")


@cli.command()
@folder_argument
@click.option("--for-shipping", is_flag=True, help="Also take out what concerns this machine only.")
@json_option
@index_option
def compact(folder: str, for_shipping: bool, as_json: bool, index: str | None) -> None:
    """Give the disk back that removed files took in the index of FOLDER, and wipe their text."""
    from .catalog import CATALOG_NAME
    from .folder import check_folder, index_path
    from .index import Index
    from .places import named_place

    place = index_path(check_folder(folder)) if index is None else named_place(index)
    if not (place / CATALOG_NAME).is_file():
        raise IndexNotFoundError(place, "there is nothing to compact")
    with Index.open(place) as opened:
        report = opened.compact(for_shipping=for_shipping)
    if as_json:
        terminal.echo_json(asdict(report))
        return
    click.echo(f"{report.before_bytes / 1e6:.1f} MB before, {report.after_bytes / 1e6:.1f} MB now")
    for note in report.notes:
        terminal.note(note)


def main() -> None:
    """Run the command line and exit with its status."""
    run_if_worker()
    terminal.prepare_streams()
    # Pillow warns of what it finds odd in a picture and then reads all the same; what it cannot read has a reason.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        status = cli(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        if _wants_json():
            _show_error(error)
        else:
            error.show()
        status = ERROR
    except (click.Abort, KeyboardInterrupt):
        terminal.note("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `| head` does; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except (EdgeEmbedError, ValueError, OSError) as error:
        _show_error(error)
        status = ERROR
    sys.exit(status if isinstance(status, int) else 0)


def _wants_json() -> bool:
    """Whether ``--json`` is among the arguments, which may not have been understood."""
    return "--json" in takewhile(lambda argument: argument != "--", sys.argv[1:])


def _show_error(error: Exception) -> None:
    path, message = getattr(error, "path", None), str(error)
    if isinstance(error, OSError) and error.filename is not None:
        path = os.fsdecode(error.filename)
        message = f"{path}: {error.strerror}"
    elif isinstance(error, click.ClickException):
        message = error.format_message()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            message = f"{message.rstrip('.')}; see `{error.ctx.command_path} --help`"
    if _wants_json():
        where = terminal.path_facts(str(path)) if path is not None else {"path": None}
        reason = terminal.path_facts(message.removeprefix(f"{path}: "))["path"]  # it may name other files
        terminal.echo_json({"error": type(error).__name__, **where, "reason": reason}, err=True)
    else:
        terminal.note(f"edgeembed: {message}")


def _show_plan(folder: str, index: str | None, *, rebuild: bool) -> None:
    from .folder import Folder

    try:
        if rebuild:
            todo = [("anew", stat.path) for stat in Folder.plan_rebuild(folder, index=index)]
            terminal.note(f"the index would be made anew, of {len(todo):,} {'file' if len(todo) == 1 else 'files'}")
        else:
            with open_folder(folder, IndexOptions(index), read_only=True) as opened:
                plan = opened.plan()
            todo = [("new", s.path) for s in plan.new] + [("changed", s.path) for s in plan.changed]
            todo += [("removed", path) for path in plan.removed]
            terminal.name_emptied(plan.skipped)
    except IndexNotFoundError:
        todo = [("new", stat.path) for stat in Folder.plan_rebuild(folder, index=index)]
    for what, path in todo:
        click.echo(f"{what:8} {terminal.printable(path)}")
