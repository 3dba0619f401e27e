"""``--open``: a hit in the program that the system has for its kind, or at its line in the user's editor."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ...errors import path_error
from .. import messages
from ..options import NEGATIVE
from ..render import editor_link
from .ask import LocatedHit

# fmt: off
_PROGRAMS = frozenset((
    "app", "appimage", "application", "appref-ms", "bat", "chm", "cmd", "com", "command", "cpl", "desktop",
    "exe", "gadget", "hta", "inf", "jar", "lnk", "msc", "msi", "msp", "pif", "reg", "scf", "scr", "sct", "shb",
    "shs", "terminal", "tool", "url", "webloc", "workflow",
))
"""Endings of files that some system runs, or that lead elsewhere, when they are opened."""
_SCRIPTS = frozenset((
    "js", "jse", "ps1", "psm1", "py", "pyw", "scpt", "sh", "vb", "vbe", "vbs", "ws", "wsc", "wsf", "wsh",
))
"""Likewise on Windows and Macs; on Linux they are opened as texts."""
# fmt: on


def open_hit(hits: Sequence[LocatedHit], number: int, editor: str | None) -> None:
    """Open a hit.

    What would be run is shown in its folder instead: a search never starts a program that lies in the folder.

    Args:
        number: which, counted from 1.
        editor: as ``template`` of :func:`edgeembed.cli.render.editor_link`; ``None``: none is set.

    Raises:
        click.exceptions.Exit: there are not so many.
        FileNotFoundError: it is gone.
        OSError: the system has no program that opens it.
    """
    if number > len(hits):
        messages.note(f"--open {number}: there {'is 1 hit' if len(hits) == 1 else f'are {len(hits)} hits'}")
        raise click.exceptions.Exit(NEGATIVE)
    found = hits[number - 1]
    path = Path(found.path).absolute()
    if not os.path.lexists(path):
        raise path_error(path, FileNotFoundError, "no longer there")
    line = found.hit.start_line
    if editor is not None and line is not None:
        _launch(editor_link(editor, found.path, line), path)
    elif _is_program(path):
        messages.note(f"{path}: could be run, so its folder is opened; an editor link opens it (docs/settings.md)")
        _launch(str(path.parent), path)
    else:
        _launch(str(path), path)


def _is_program(path: Path) -> bool:
    """Whether opening a file might run it."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in _PROGRAMS or (suffix in _SCRIPTS and sys.platform in ("win32", "darwin")):
        return True
    return sys.platform == "darwin" and not suffix and os.access(path, os.X_OK)  # opened in a terminal, and run


def _launch(target: str, path: Path) -> None:
    """Have the system open a path or an address."""
    if sys.platform == "win32":
        os.startfile(target)  # older versions of click go through a shell
        return
    if click.launch(target) != 0:
        raise path_error(path, OSError, "the system has no program to open it with (xdg-open on Linux)")
