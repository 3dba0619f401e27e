"""What was left out of an index, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

UNREADABLE = "not readable"
"""Reasons that begin so may pass: what was indexed is kept, and the file is tried again every time."""
TOO_LONG = "takes too long"
"""Reasons that begin so may pass as well: the machine may have been busy."""
TOO_LARGE = "too large: takes too much memory to decode"
"""Of an image, as text of the reason; where it is known how large it is, that stands behind it."""
BY_THE_CLOCK = "by the clock"
NOT_A_FILE = "not a file"
OWN_INDEX = "has an index of its own: search it there, or remove its .edgeembed"
"""Said of a folder inside, which belongs to itself."""
FORBIDDEN = f"{UNREADABLE}: permission denied"
IMAGE_LEFT_OUT = "picture left out: no model for pictures (--image-model)"
_IMAGE_LEFT_OUT_BEFORE = "not text: a picture"
"""What indexes say that were made before this was said."""
EMPTIED = "holds no file any more: what was indexed of it is kept"
"""Said of a whole folder, whose path is then ``.``; a drive that is not mounted leaves such a one."""


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of the index, and why."""

    path: str
    """Relative to the folder, with ``/``."""
    reason: str
    """In few words. What differs from file to file stands after a colon, so that a summary can group by the rest."""


def is_left_out_image(reason: str | None) -> bool:
    """Whether this is why an image was left out that a model for images would embed."""
    return reason in (IMAGE_LEFT_OUT, _IMAGE_LEFT_OUT_BEFORE)


def unreadable(error: OSError) -> str:
    """The reason to skip what the system would not let us read."""
    if isinstance(error, PermissionError):
        return FORBIDDEN
    if isinstance(error, FileNotFoundError):
        return f"{UNREADABLE}: no longer there"
    return f"{UNREADABLE}: {(error.strerror or type(error).__name__).lower()}"


class FileStat(NamedTuple):  # and no dataclass, of which making a hundred thousand takes three times as long
    """A file that was found."""

    path: str
    """Relative to the folder, with ``/``. May hold lone surrogates, as :func:`os.fsdecode` makes them."""
    size_bytes: int
    mtime_ns: int
    """Time of the last change, in nanoseconds since 1970."""
    inode: int | None = None
    """``None``: the system does not say."""
    ctime_ns: int | None = None
    """Time of the last change of content or name, also of its sidecars; on Windows, of the creation. ``None``: not
    looked at."""
    sidecars: tuple[str, ...] = ()
    """Of a photo: names of files in its folder that say something of it, and are read with it."""
