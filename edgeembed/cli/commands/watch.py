"""The command ``watch``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import messages
from ..options import IndexOptions, ask_if_huge, check_extra, index_dir_of, index_options, json_option, open_folder
from ..place import Place, find_places

if TYPE_CHECKING:
    from ...watching.reports import Batch, Notice
    from ...watching.watcher import OpenedFolder

_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
_LISTENING_SECONDS = 0.5
"""Between two looks for an end: on Windows no signal interrupts a longer wait."""


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(), metavar="[FOLDER]...")
@click.option(
    "--poll",
    "poll_seconds",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Look so often at everything, and ask the system for no events; for network drives that it does not know.",
)
@click.option(
    "--print-service",
    "service",
    is_flag=False,
    flag_value="auto",
    type=click.Choice(("auto", "systemd", "launchd", "windows")),
    help="Print what makes this run at each log-in, and do nothing else: after FOLDER, or with =systemd and so on.",
)
@json_option
@index_options
def watch(
    folders: Sequence[str], poll_seconds: float | None, service: str | None, as_json: bool, options: IndexOptions
) -> None:
    """Keep the indexes of FOLDERs (the current folder unless given) up to date until it is ended.

    A change can be searched about two seconds later. A file that is being written waits until it rests. Ctrl-C ends it.
    """
    places = find_places(folders, options.index)
    if service is not None:
        _print_service(service, places, poll_seconds, options)
        return
    check_extra("watch", ("watchfiles",))
    from ...watching.watcher import Watcher

    with ExitStack() as stack:
        targets = [_opened(place, options, stack) for place in places]
        watcher = Watcher(targets, _Teller(as_json=as_json), poll_seconds=poll_seconds)
        with _signals() as ended:
            watcher.start()
            messages.note(f"watching {', '.join(place.typed for place in places)}; Ctrl-C ends it")
            while watcher.is_running and not ended.wait(_LISTENING_SECONDS):
                pass
            watcher.stop()
    messages.note("ended; what was indexed is kept")


def _opened(place: Place, options: IndexOptions, stack: ExitStack) -> OpenedFolder:
    from ...watching.watcher import OpenedFolder

    ask_if_huge(place, options)
    index_dir = index_dir_of(place, options)
    target = OpenedFolder(place.folder, place.below, index_dir, lambda: open_folder(place, options))
    stack.callback(target.close)
    return target


class _Teller:
    """Says what was done, one line a batch; called by several threads."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lock = threading.Lock()

    def __call__(self, told: Batch | Notice) -> None:
        from ...watching.reports import Notice

        with self._lock:
            if isinstance(told, Notice):
                messages.note(f"{told.folder}: {told.message}")
                return
            report = told.report
            is_news = bool(report.added or report.updated or report.removed)
            if not is_news and told.reason != "start":
                return
            if self._as_json:
                messages.echo_json(_facts(told))
                sys.stdout.flush()
            messages.note(f"{told.folder}: {_said(told)}")


def _said(batch: Batch) -> str:
    report = batch.report
    did = [(report.added, "new"), (report.updated, "changed"), (report.removed, "removed")]
    words = ", ".join(f"{count:,} {what}" for count, what in did if count) or "nothing changed"
    return f"{words} ({batch.seconds:.1f} s)"


def _facts(batch: Batch) -> dict[str, object]:
    from ...output.json_lines import path_facts

    report = batch.report
    return {
        **path_facts(os.fspath(batch.folder)),
        "below": [path_facts(part)["path"] for part in batch.below],
        "deep": batch.deep,
        "reason": batch.reason,
        "added": report.added,
        "updated": report.updated,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": len(report.skipped),
        "embedded": report.embedded,
        "seconds": round(batch.seconds, 3),
    }


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second one ends the process as ever."""
    ended = threading.Event()
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, frame: object) -> None:
        ended.set()
        for other, handler in before.items():
            signal.signal(other, handler)

    for number in numbers:
        signal.signal(number, end)
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_service(service: str, places: Sequence[Place], poll_seconds: float | None, options: IndexOptions) -> None:
    from ...watching.service import service_advice, service_of_this_system, service_text

    kind = service_of_this_system() if service == "auto" else service
    command = [sys.executable, "-m", "edgeembed", "watch", *(os.fspath(place.folder.resolve()) for place in places)]
    named = {
        "--index": None if options.index is None else os.fspath(Path(options.index).absolute()),
        "--model": _absolute(options.model),
        "--image-model": _absolute(options.image_model),
        "--threads": options.threads,
        "--poll": poll_seconds,
    }
    for name, value in named.items():
        command += [] if value is None else [name, str(value)]
    click.echo(service_text(kind, [*command, *(["--yes"] if options.yes else [])]), nl=False)
    messages.note(service_advice(kind))


def _absolute(model: str | None) -> str | None:
    """A model by its path from anywhere, or by its name."""
    return os.fspath(Path(model).absolute()) if model is not None and Path(model).is_dir() else model
