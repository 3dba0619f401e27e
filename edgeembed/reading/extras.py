"""Formats that an optional package reads, and the reason that is given where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = {
    "PDF": ("documents", "pypdfium2"),
    "spreadsheet": ("documents", "python_calamine"),
    "HEIC": ("heic", "pillow_heif"),
}
"""Formats that an extra brings: its name, and the module that must be there."""
NEEDS = "needs edgeembed["
"""Reasons that begin so pass when the extra is installed."""


class Unreadable(Exception):
    """A file that gives no text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        """As :class:`edgeembed.Skipped` wants it."""
        super().__init__(reason)


def needs(format: str) -> Unreadable:
    """For a format of :data:`EXTRA` whose module is not installed."""
    return Unreadable(f"{NEEDS}{EXTRA[format][0]}]: {format}")


def is_there_now(reason: str) -> bool:
    """Whether a file was skipped for a module that was not there, and now is."""
    format = reason.partition(": ")[2]
    return reason.startswith(NEEDS) and format in EXTRA and find_spec(EXTRA[format][1]) is not None
