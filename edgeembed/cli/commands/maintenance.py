"""The commands that look after an index: ``status``, ``forget``, ``verify``, ``repair`` and ``compact``."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import IndexNotFoundError, path_error
from ...output.json_lines import path_facts
from .. import messages
from ..from_server import refuse_if_served
from ..options import (
    NEGATIVE,
    IndexOptions,
    folder_argument,
    index_option,
    json_option,
    model_option,
    open_folder,
    threads_option,
    walk_options,
)
from ..place import Place, find_place
from ..settings import Settings, user_settings

if TYPE_CHECKING:
    from ...sync.walk_options import WalkOptions

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
@click.argument("folder", required=False, type=click.Path())
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="List everything that was skipped or left out; without FOLDER also all indexes of this user.",
)
@json_option
@index_option
def status(folder: str | None, show_all: bool, as_json: bool, index: str | None) -> None:
    """Show what the index of FOLDER holds (the current folder unless given), and what was left out and why.

    What has changed since the last run is said too. Inside a folder that has an index, that one is shown, as far as it
    is about FOLDER.
    """
    if show_all and folder is None and index is None:
        with suppress(IndexNotFoundError):
            if not as_json:
                _show_status(find_place(".", None), None, show_all=True, as_json=False)
        _show_known(as_json=as_json)
        return
    _show_status(find_place(folder or ".", index), index, show_all=show_all, as_json=as_json)


def _show_status(place: Place, index: str | None, *, show_all: bool, as_json: bool) -> None:
    from ...catalog.schema import LAYOUT
    from ...storage.index_swap import begun_rebuild
    from ...sync.walk import enclosing_rule

    settings = user_settings()
    with open_folder(place, IndexOptions(index, settings=settings), read_only=True) as opened:
        info, plan = (
            opened.status(below=place.below),
            opened.plan(options=walk_options(opened.index.path, settings), below=place.below, lists_left_out=True),
        )
    rebuild = begun_rebuild(info.path)
    within = f"{place.below}/" if place.below else ""  # paths are shown from the folder that was named
    skipped, incomplete = (
        [replace(item, path=item.path.removeprefix(within)) for item in sorted(items, key=lambda item: item.path)]
        for items in ({*info.skipped, *plan.skipped}, info.incomplete)
    )
    left_out = [item._replace(path=item.path.removeprefix(within)) for item in plan.left_out]
    pending = {"new": len(plan.new), "changed": len(plan.changed), "removed": len(plan.removed)}
    if as_json:
        listed, partly = (
            [{**path_facts(item.path), "reason": item.reason} for item in items] for items in (skipped, incomplete)
        )
        ruled = [{**path_facts(item.path), "rule": item.rule} for item in left_out]
        told = {"folder": str(place.root), "below": place.below or None, "options": vars(plan.options)}
        record = {**vars(info), **told, "pending": pending, "rebuild": rebuild}
        record["settings"] = None if settings.file is None else str(settings.file)
        messages.echo_json({**record, "skipped": listed, "incomplete": partly, "left_out": ruled})
        return
    if settings.sources or settings.file:
        _echo("settings ", _named_settings(settings))
    _echo("index    ", f"{info.path} ({info.size_bytes / 1e6:.1f} MB, {info.generation:,} commits)")
    if place.below:
        _echo("of       ", f"{place.root}; what follows is about {place.folder} in it")
    _echo("model    ", f"{info.model} ({info.space})")
    _echo("photos   ", f"{info.image_model} ({info.image_space})" if info.image_model else "left out")
    documents = f" with {info.documents:,} documents" if info.documents > info.files else ""  # of mailboxes
    _echo("holds    ", f"{info.files:,} files{documents} in {info.chunks:,} passages")
    if info.unread:
        _echo(
            "unread   ",
            f"{info.unread:,} passages found by words only: around articles, or in words that the model cannot read",
        )
    if info.layout < LAYOUT:
        _echo("layout   ", f"{info.layout}, of an older edgeembed; `edgeembed index {place.root}` {_BETTER}")
    _echo("pending  ", ", ".join(f"{n:,} {what}" for what, n in pending.items() if n) or "nothing")
    if options := _named_options(plan.options):
        _echo("takes in ", options)
    if rebuild is not None:
        _echo("rebuild  ", f"begun in {rebuild} and not ended; `edgeembed index --rebuild` goes on with it")
    if (rule := enclosing_rule(place.folder)) is not None:
        _echo("git      ", f"{rule} leaves this folder out")
    if incomplete:
        click.echo(f"incomplete {len(incomplete):,}, which are in the index as far as they can be read")
        messages.show_skipped(incomplete, everything=show_all)
    click.echo(f"skipped  {len(skipped):,}")
    messages.show_skipped(skipped, everything=show_all)
    if left_out:
        click.echo(f"left out {len(left_out):,} on purpose")
        messages.show_left_out(left_out, everything=show_all)


def _echo(label: str, text: str) -> None:
    click.echo(label + messages.printable(text))


def _named_settings(settings: Settings) -> str:
    """Which settings count for this user, and where they come from."""
    by_source: dict[str, list[str]] = {}
    for key, source in settings.sources.items():
        by_source.setdefault(source, []).append(key)
    parts = [f"{settings.file} ({', '.join(by_source.pop('file', ['sets nothing']))})"] if settings.file else []
    return ", ".join([*parts, *by_source])


def _named_options(options: WalkOptions) -> str:
    """What is taken in that is left out by default, as the options of ``index`` are called; empty: nothing."""
    switches = {"--hidden": options.hidden, "--no-ignore": not options.ignore, "--follow": options.follow}
    return ", ".join(name for name, value in switches.items() if value)


def _show_known(*, as_json: bool) -> None:
    """Every index of this user."""
    from ...maintenance.registry import known_indexes

    for index in known_indexes():
        last_used = index.used.isoformat(sep=" ", timespec="minutes")
        if as_json:
            folder = {f"folder{end}": value for end, value in _facts(index.folder)}
            record = {**path_facts(str(index.path)), **folder, "size_bytes": index.size_bytes}
            messages.echo_json({**record, "used": index.used.isoformat(timespec="seconds")})
        else:
            where = "" if index.path.parent == index.folder else f" (index in {index.path})"
            click.echo(f"{index.size_bytes / 1e6:9.1f} MB  {last_used}  {messages.printable(f'{index.folder}{where}')}")


def _facts(path: Path) -> list[tuple[str, str | None]]:
    """The ends of names of fields about a path, and their values."""
    facts = path_facts(str(path))
    return [("", facts["path"]), ("_bytes", facts["path_bytes"])]


@click.command()
@folder_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@index_option
def forget(folder: str, yes: bool, index: str | None) -> None:
    """Remove the index of FOLDER (the current folder unless given), and nothing else; your files stay."""
    from ...maintenance import registry
    from ...storage.index_swap import forget_index

    index_dir = _own_index(folder, index, "forget")
    size_bytes = sum(file.stat().st_size for file in index_dir.iterdir() if file.is_file())
    if not yes and not _is_meant(index_dir, f"remove this index of {size_bytes / 1e6:.1f} MB?"):
        messages.note("nothing was removed")
        raise click.exceptions.Exit(NEGATIVE)
    refuse_if_served(index_dir, f"forget {folder}")
    forget_index(index_dir)
    registry.forget(index_dir)
    messages.note(f"{index_dir}: removed")


def _is_meant(index_dir: Path, question: str) -> bool:
    """Ask; where nobody answers, refuse."""
    try:
        return click.confirm(messages.printable(f"{index_dir}: {question}"), err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise  # Ctrl-C
        reason = "this would remove the index; add --yes if you mean it"
        raise path_error(index_dir, ValueError, reason) from None


def _own_index(folder: str, index: str | None, command: str, *, advice: str | None = None) -> Path:
    """The folder of the index of a folder itself, not of one above; ``advice`` is what to say if there is none.

    Raises:
        IndexNotFoundError: it has none; with the folder above that has one, or what to type to make one.
    """
    from ...catalog.database import CATALOG_NAME
    from ...storage.index_dir import named_index_dir
    from ...storage.index_place import covering_folder, index_place
    from ...system.files import check_folder

    index_dir = index_place(check_folder(folder)).path if index is None else named_index_dir(index)
    if (index_dir / CATALOG_NAME).is_file():
        return index_dir
    covering = covering_folder(Path(folder)) if index is None else None
    if covering is not None:
        advice = f"its files are in the index of {covering}: `edgeembed {command} {covering}`"
    raise IndexNotFoundError(index_dir, advice or f"make one with `edgeembed index {folder}`")


@click.command()
@folder_argument
@json_option
@index_option
def verify(folder: str, as_json: bool, index: str | None) -> None:
    """Check the index of FOLDER: every checksum, count and reference, and a sample of vectors embedded again."""
    from ...errors import IndexCorruptError

    try:
        _own_index(folder, index, "verify")
        with open_folder(Place(folder, Path(folder), Path(folder)), IndexOptions(index), read_only=True) as opened:
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
    from ...index import Index
    from ...storage.index_dir import named_index_dir
    from ...storage.index_place import covering_folder, index_place
    from ...system.files import check_folder

    index_dir = index_place(check_folder(folder)).path if index is None else named_index_dir(index)
    covering = covering_folder(Path(folder)) if index is None else None
    # One whose catalog is gone may be repaired yet.
    if covering not in (None, Path(folder).resolve()) and not index_dir.exists():
        raise IndexNotFoundError(index_dir, f"its files are in the index of {covering}: `edgeembed repair {covering}`")
    refuse_if_served(index_dir, f"repair {folder}")
    report = Index.repair(index_dir, model=model, threads=threads or user_settings().threads)
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
    from ...index import Index

    index_dir = _own_index(folder, index, "compact", advice="there is nothing to compact")
    refuse_if_served(index_dir, f"compact {folder}")
    with Index.open(index_dir) as opened:
        report = opened.compact(for_shipping=for_shipping)
    if as_json:
        messages.echo_json(asdict(report))
        return
    click.echo(f"{report.before_bytes / 1e6:.1f} MB before, {report.after_bytes / 1e6:.1f} MB now")
    for note in report.notes:
        messages.note(note)
