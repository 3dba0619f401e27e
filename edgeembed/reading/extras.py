"""Formats that an optional package reads, and the reason that is given where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = {
    "PDF": ("documents", "pypdfium2"),
    "spreadsheet": ("documents", "python_calamine"),
    "HEIC": ("heic", "pillow_heif"),
    "raw photo": ("raw", "rawpy"),
}
"""Formats that an extra brings: its name, and the module that must be there."""
NEEDS = "needs edgeembed["
"""Reasons that begin so pass when the extra is installed. A format may be told more exactly: ``raw photo of Canon``."""
PLUGIN = "needs pillow-jxl-plugin: JPEG XL"
"""No extra brings it: its licence is another."""

LACKS = "this build lacks a module: "
"""Reasons that begin so pass when the application is built with the module that follows."""
_BROKEN = "cannot be loaded: "
_LACKED_BEFORE = "damaged: No module named '"
"""What indexes say that were made before this was said."""


class Unreadable(Exception):
    """A file that gives no text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        """As :class:`edgeembed.Skipped` wants it."""
        super().__init__(reason)


def needs(format: str, maker: str = "") -> Unreadable:
    """For a format of :data:`EXTRA` whose module is not installed; ``maker``: of the camera, of a raw photo."""
    return Unreadable(f"{NEEDS}{EXTRA[format][0]}]: {format}{f' of {maker}' if maker else ''}")


def lacks(error: ImportError) -> Unreadable:
    """For a reader that cannot be loaded: of a program that was frozen without it, or a broken installation."""
    lines = str(error).splitlines() or [type(error).__name__]
    is_missing = isinstance(error, ModuleNotFoundError) and error.name
    return Unreadable(f"{LACKS}{error.name if is_missing else f'{_BROKEN}{lines[0][:200]}'}")


def is_there_now(reason: str) -> bool:
    """Whether a file was skipped for a module that was not there, and now is."""
    if reason == PLUGIN:
        return _is_installed("pillow_jxl")
    if reason.startswith(NEEDS):
        format = reason.partition(": ")[2].partition(" of ")[0]
        return format in EXTRA and _is_installed(EXTRA[format][1])
    for begin, end in ((LACKS, ""), (_LACKED_BEFORE, "'")):
        if reason.startswith(begin):
            return _is_installed(reason.removeprefix(begin).removesuffix(end))
    return False


def is_broken_build(reason: str | None) -> bool:
    """Whether a file was skipped for a module that is there and cannot be loaded, which only trying tells."""
    return reason is not None and reason.startswith(LACKS + _BROKEN)


def _is_installed(module: str) -> bool:
    # Of a part of a package the package is loaded, and a reason may stand in an index that somebody else made.
    name = module if module.startswith("edgeembed.") else module.partition(".")[0]
    if not name.replace(".", "").isidentifier():
        return False
    try:
        return find_spec(name) is not None
    except ImportError:  # what it is a part of is not there
        return False
