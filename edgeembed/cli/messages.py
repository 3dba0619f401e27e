"""What commands say on stderr: notes, reports of a sync, skipped files, progress; and JSON lines."""

from __future__ import annotations

import codecs
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

import click

from ..output.json_lines import LONE, json_line, path_facts
from ..reading.entries import EMPTIED, OWN_INDEX, is_left_out_image
from ..reading.extras import LACKS, NEEDS, PLUGIN

if TYPE_CHECKING:
    from ..reading.entries import Skipped
    from ..sync.report import SyncProgress, SyncReport
    from ..sync.walk_options import LeftOut
    from .place import Place

_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udc7f\udd00-\udfff]")
"""Controls, line and paragraph separators, bidirectional overrides and isolates, and surrogates that stand for no byte.
Joiners and spaces (U+200C, U+200D, U+00A0, U+202F, U+3000 …) are letters of names and texts."""
_PROGRESS_SECONDS = 0.2
"""At least between two objects of progress."""
_MOST_SHOWN = 5
"""Skipped files that are listed for each reason."""


def prepare_streams() -> None:
    """Write UTF-8 whatever the locale says, and file names that are not Unicode as the bytes they are.

    A stream that is closed (``<&-``, ``>&-``) says nothing and takes everything, as ``/dev/null`` does. Its number is
    taken as well: the next file to be opened would get it, and be written to by all that writes to the stream.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 (for the whole process)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            codecs.register_error("edgeembed-names", _byte_or_question_mark)
            stream.reconfigure(encoding="utf-8", errors="edgeembed-names")


def _byte_or_question_mark(error: UnicodeError) -> tuple[bytes, int]:
    """Write a surrogate as the byte of a file name that it stands for; as U+FFFD if it stands for none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lone = error.object[error.start : error.end]
    raw = b"".join(bytes([ord(c) & 0xFF]) if "\udc80" <= c <= "\udcff" else "\ufffd".encode() for c in lone)
    return raw, error.end


def note(message: str) -> None:
    """Say something to the person, on stderr; with ``--progress json``, where each line is an object, as one."""
    if _typed_value("--progress") == "json":
        echo_json({"event": "note", "message": path_facts(message)["path"]}, err=True)
    else:
        click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """``text`` with what could break a line or steer a terminal as escapes: a file name may hold anything."""
    return _STEERING.sub(lambda match: ascii(match[0])[1:-1], text)


def printable_text(text: str) -> str:
    """As :func:`printable`, for what is in files: a surrogate stands for no byte there, and is shown as U+FFFD."""
    return printable(LONE.sub("\ufffd", text))


def echo_json(record: dict[str, Any], *, err: bool = False) -> None:
    """One JSON object on one line; see :func:`json_line`."""
    click.echo(json_line(record), err=err)


def wants_json() -> bool:
    """Whether JSON is asked for among the arguments, which may not have been understood."""
    return "--json" in _typed() or "json" in (_typed_value("--format"), _typed_value("--progress"))


def _typed() -> list[str]:
    """The arguments of the command that may be options."""
    return [*takewhile(lambda argument: argument != "--", sys.argv[1:])]


def _typed_value(option: str) -> str | None:
    """The last value of an option; ``None``: it was not typed."""
    typed = _typed()
    values = [after for name, after in pairwise(typed) if name == option]
    values += [argument.partition("=")[2] for argument in typed if argument.startswith(f"{option}=")]
    return values[-1] if values else None


def show_error(error: Exception) -> None:
    """Say on stderr what ended a command, or its work on a folder; where JSON is asked for, as an object."""
    path, message = getattr(error, "path", None), str(error)
    if isinstance(error, OSError) and error.filename is not None:
        path = os.fsdecode(error.filename)
        message = f"{path}: {error.strerror}"
    elif isinstance(error, click.ClickException):
        message = error.format_message()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            message = f"{message.rstrip('.')}; see `{error.ctx.command_path} --help`"
    if wants_json():
        where = path_facts(str(path)) if path is not None else {"path": None}
        reason = path_facts(message.removeprefix(f"{path}: "))["path"]  # it may name other files
        echo_json({"error": type(error).__name__, **where, "reason": reason}, err=True)
    else:
        note(f"edgeembed: {message}")


def report_sync(report: SyncReport, *, quiet_if_idle: bool, place: Place | None = None) -> None:
    """What a sync did, in a line or two on stderr; of a ``place`` that is a part of an index, what it did there."""
    did = [(report.added, "new"), (report.updated, "changed"), (report.removed, "removed")]
    words = [f"{count:,} {what}" for count, what in did if count]
    name_emptied(report.skipped)
    if not words and quiet_if_idle and not report.cancelled:
        return
    total = report.added + report.updated + report.unchanged
    part = f"of {place.folder} in the index of {place.root}" if place is not None and place.below else "in the index"
    note(f"{', '.join(words) or 'nothing changed'}; {total:,} {'file' if total == 1 else 'files'} {part}")
    if report.skipped and not quiet_if_idle:
        note(f"{len(report.skipped):,} skipped: {_reasons(report.skipped)} (`edgeembed status` lists them)")
    _name_missing_packages(report.skipped)


def name_own_indexes(skipped: Sequence[Skipped], place: Place) -> None:
    """Say which folders inside are not searched, because they have indexes of their own."""
    own = [place.shown(item.path) for item in skipped if item.reason == OWN_INDEX]
    if own:
        shown = ", ".join(own[:_MOST_SHOWN]) + (
            f" and {len(own) - _MOST_SHOWN:,} more" if len(own) > _MOST_SHOWN else ""
        )
        note(
            f"not searched, for it has an index of its own: {shown} (name it as FOLDER to search it; `edgeembed forget "
            f"{own[0]}` removes that index, and its files are taken in here)"
        )


def name_emptied(skipped: Sequence[Skipped]) -> None:
    """Say of a folder without files that its index still knows some, and what to type if they are gone."""
    if any(item.reason == EMPTIED for item in skipped):
        note(
            f"the folder {EMPTIED}, for it may be a drive that is not mounted; "
            "if the files are gone, `edgeembed index --rebuild` makes the index anew without them"
        )


def _name_missing_packages(skipped: Sequence[Skipped]) -> None:
    """What to do so that files are read that only want for a package."""
    lacking = Counter(item.reason.removeprefix(LACKS) for item in skipped if item.reason.startswith(LACKS))
    for module, count in sorted(lacking.items()):
        what = "file was" if count == 1 else "files were"
        note(f"this build of edgeembed lacks {module}: {count:,} {what} left out, and will be read once it is there")
    lacked = (item.reason for item in skipped if item.reason.startswith((NEEDS, PLUGIN)))
    needing = Counter(reason.removeprefix("needs ").partition(" of ")[0] for reason in lacked)  # of whatever maker
    for package in sorted({reason.partition(":")[0] for reason in needing}):
        counts = {reason: count for reason, count in sorted(needing.items()) if reason.startswith(package)}
        formats = " and ".join(f"{count:,} {reason.partition(': ')[2]}" for reason, count in counts.items())
        what = "file" if sum(counts.values()) == 1 else "files"
        note(f"to read {formats} {what} as well: pip install '{package}'")


def show_skipped(skipped: Sequence[Skipped], *, everything: bool) -> None:
    """Skipped files by reason, the commonest last, so that what is rare is seen; of many only the first ones."""
    groups: dict[str, list[str]] = {}
    for item in skipped:
        groups.setdefault(item.reason, []).append(item.path)
    for reason, paths in sorted(groups.items(), key=lambda group: (len(group[1]), group[0])):
        shown = paths if everything or len(paths) <= _MOST_SHOWN + 1 else paths[:_MOST_SHOWN]
        for path in shown:
            click.echo(f"  {printable(path)}: {reason}")
        if len(shown) < len(paths):
            click.echo(f"  … and {len(paths) - len(shown):,} more: {reason} (--all lists them)")


def show_left_out(left_out: Sequence[LeftOut], *, everything: bool) -> None:
    """What was left out on purpose, by rule: how much, and one example or all."""
    groups: dict[str, list[str]] = {}
    for item in left_out:
        groups.setdefault(item.rule, []).append(item.path)
    for rule, paths in sorted(groups.items(), key=lambda group: (len(group[1]), group[0])):
        if everything:
            for path in paths:
                click.echo(f"  {printable(path)}: {printable(rule)}")
        else:
            example = f", such as {paths[0]}" if len(paths) > 1 else f": {paths[0]}"
            click.echo(f"  {len(paths):,} by {printable(rule + example)}")


def images_left_out(skipped: Sequence[Skipped]) -> str:
    """How many images want for a model, and what to type; empty: none does."""
    count = sum(is_left_out_image(item.reason) for item in skipped)
    what = "picture" if count == 1 else "pictures"
    return f"{count:,} {what} left out: no model for pictures (--image-model)" if count else ""


def _reasons(skipped: Sequence[Skipped]) -> str:
    counts = Counter(item.reason.partition(":")[0] for item in skipped if not is_left_out_image(item.reason))
    reasons = [f"{count:,} {reason}" for reason, count in counts.most_common(4)]
    parts = [images_left_out(skipped), *reasons, "…" if len(counts) > len(reasons) else ""]
    return ", ".join(filter(None, parts))


@contextmanager
def progress_bar() -> Iterator[Callable[[SyncProgress], None] | None]:
    """A bar with rate and time left on stderr, if that is a terminal; ``None`` otherwise.

    With ``--progress json`` it is objects on lines of their own wherever stderr goes, with ``none`` nothing.
    """
    chosen = _typed_value("--progress")
    if chosen == "json":
        yield _json_progress()
        return
    if chosen == "none" or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    # Work is in proportion to bytes that are embedded; a bar over files would stall at each large one.
    with tqdm(unit="B", unit_scale=True, desc="indexing", leave=False, delay=0.3, dynamic_ncols=True) as bar:

        def show(step: SyncProgress) -> None:
            bar.total = step.total_bytes
            bar.set_postfix_str(f"{step.done_files}/{step.total_files} files", refresh=False)
            bar.update(step.done_bytes - bar.n)
            if step.done_bytes >= step.total_bytes:  # what is embedded is yet committed and merged
                bar.set_description("finishing")

        yield show


def _json_progress() -> Callable[[SyncProgress], None]:
    """What prints progress as objects, some times a second; the first and the last are never left out."""
    shown: dict[str, int] = {}
    shown_at = 0.0

    def show(step: SyncProgress) -> None:
        nonlocal shown, shown_at
        fields = {name: getattr(step, name) for name in ("done_bytes", "total_bytes", "done_files", "total_files")}
        is_last = step.done_files >= step.total_files and step.done_bytes >= step.total_bytes
        now = time.monotonic()
        if fields != shown and (is_last or not shown or now - shown_at >= _PROGRESS_SECONDS):
            shown, shown_at = fields, now
            echo_json({"event": "progress", **fields}, err=True)

    return show
