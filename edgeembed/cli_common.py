"""What the commands share: options, exit statuses, and how a folder is opened and brought up to date."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import terminal
from .errors import IndexLockedError

if TYPE_CHECKING:
    from .folder import Folder
    from .sync import SyncReport

NEGATIVE, ERROR, SKIPPED, INTERRUPTED = 1, 2, 3, 130

folder_argument = click.argument("folder", default=".", type=click.Path())
index_option = click.option(
    "--index", type=click.Path(), help="Folder of the index, if it is not to be FOLDER/.edgeembed."
)
model_option = click.option("--model", help="Name of a shipped model (see `edgeembed models`), or path of a bundle.")
image_model_option = click.option(
    "--image-model",
    help="Likewise the model for pictures; none leaves pictures out.  [default: one that goes with --model]",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="How many documents are embedded at a time.  [default: usable cores]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask before a whole home folder or disk is indexed.")


def open_folder(
    folder: str,
    index: str | None,
    model: str | None = None,
    image_model: str | None = None,
    threads: int | None = None,
    *,
    read_only: bool = False,
) -> Folder:
    """The folder with its index; where the index had to go elsewhere, that is said."""
    from .folder import Folder, check_folder, index_path

    root = check_folder(folder)
    if index is None and not read_only and not (place := index_path(root)).is_relative_to(root):
        terminal.note(f"{folder} cannot be written; its index is in {place}")
    return Folder.open(root, index=index, model=model, image_model=image_model, read_only=read_only, threads=threads)


def sync_before_search(folder: Folder) -> None:
    """Bring the index up to date, or say that another process is doing so."""
    try:
        with work() as (progress, cancel):
            report = folder.sync(progress=progress, cancel=cancel)
    except IndexLockedError as error:
        terminal.note(f"{error.path}: {error.owner} is writing; searching what was committed before")
        return
    terminal.report_sync(report, quiet_if_idle=True)
    end_if_cancelled(report)


@contextmanager
def work() -> Iterator[tuple[Any, Callable[[], bool]]]:
    """Progress, and a first Ctrl-C that ends the work in good order; a second one ends it at once."""
    pressed = False

    def press(signum: int, frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        with terminal.progress_bar() as progress:
            yield progress, lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def end_if_cancelled(report: SyncReport) -> None:
    """End the command after a Ctrl-C."""
    if report.cancelled:
        terminal.note("interrupted; what was indexed is kept, and the same command goes on from there")
        raise click.exceptions.Exit(INTERRUPTED)


def ask_if_huge(folder: str, index: str | None, *, yes: bool) -> None:
    """Ask before a whole home folder or disk is indexed for the first time; without a terminal, refuse."""
    from .folder import check_folder, index_path

    root = check_folder(folder).resolve()
    made = (Path(index) if index else index_path(root)).exists()
    if made or yes or root not in (Path.home().resolve(), Path(root.anchor)):
        return
    what = "the whole disk" if root == Path(root.anchor) else "your whole home folder"
    if not sys.stdin.isatty():
        raise ValueError(f"{root}: this would index {what}; add --yes if you mean it, or name a smaller folder")
    click.confirm(f"{root}: index {what}?", abort=True, err=True)
