"""Files that belong to a photo beside them: sidecars, which are read with it, and what is the same photo once more.

They are no documents of their own: with a JSON file for each photo, as Google Takeout writes them, and a raw file for
each JPEG, a photo would be found two or three times.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import groupby

from ..reading.detect import IMAGE_SUFFIXES
from ..reading.entries import FileStat, Skipped
from ..reading.photos.raw import SUFFIXES as RAW_SUFFIXES
from ..reading.photos.sidecars import sidecars_by_photo
from .walk_options import LeftOut

SIDECAR = "a sidecar: it is read with the photo beside it"
RAW = "a raw photo: its JPEG or HEIC is beside it"
LEFT_BEHIND = "what a program left of a photo beside it"
_SIDECAR_SUFFIXES = (".xmp", ".json")
_COMPANION_SUFFIXES = (*_SIDECAR_SUFFIXES, ".aae", "_original", *RAW_SUFFIXES)
_BY_CAMERA = (".jpg", ".jpeg", ".heic", ".heif", ".hif")
"""What cameras write beside a raw file."""


def with_companions(
    entries: Iterable[FileStat | Skipped], left_out: list[LeftOut] | None = None
) -> Iterator[FileStat | Skipped]:
    """What a walk yields, without the files that belong to a photo; the photo names its sidecars.

    Args:
        entries: those of one folder one after the other.
        left_out: gets what is left out; ``None``: nobody asks.
    """
    for _, group in groupby(entries, key=lambda entry: entry.path.rpartition("/")[0]):
        folder = list(group)
        if any(entry.path.lower().endswith(_COMPANION_SUFFIXES) for entry in folder):
            yield from _one_folder(folder, left_out)
        else:
            yield from folder


def _one_folder(entries: list[FileStat | Skipped], left_out: list[LeftOut] | None) -> Iterator[FileStat | Skipped]:
    files = {posixpath.basename(entry.path): entry for entry in entries if isinstance(entry, FileStat)}
    photos = [name for name in files if name.lower().endswith(IMAGE_SUFFIXES)]
    sidecars = sidecars_by_photo(photos, files.keys() - set(photos))
    raws = _beside_their_jpegs(photos)
    for raw, photo in raws.items():  # its sidecars are those of the photo
        sidecars[photo] = [*dict.fromkeys((*sidecars.get(photo, ()), *sidecars.pop(raw, ())))]
    owned = {name for names in sidecars.values() for name in names}
    for entry in entries:
        name = posixpath.basename(entry.path)
        if isinstance(entry, FileStat) and (name in owned or name in raws):
            if left_out is not None:
                rule = SIDECAR if name.lower().endswith(_SIDECAR_SUFFIXES) else RAW if name in raws else LEFT_BEHIND
                left_out.append(LeftOut(entry.path, rule))
        elif isinstance(entry, FileStat) and sidecars.get(name):
            yield _with_sidecars(entry, [files[sidecar] for sidecar in sidecars[name]])
        else:
            yield entry


def _beside_their_jpegs(photos: list[str]) -> dict[str, str]:
    """The photo of each raw file that a camera wrote together with it."""
    by_stem = {
        posixpath.splitext(name)[0].lower(): name for name in sorted(photos) if name.lower().endswith(_BY_CAMERA)
    }
    stems = ((name, posixpath.splitext(name)) for name in photos)
    return {
        name: by_stem[stem.lower()]
        for name, (stem, suffix) in stems
        if suffix.lower() in RAW_SUFFIXES and stem.lower() in by_stem
    }


def _with_sidecars(photo: FileStat, sidecars: list[FileStat]) -> FileStat:
    """A photo that looks changed when a sidecar comes, goes or is changed: on Windows only its time of change tells."""
    read = tuple(sorted(posixpath.basename(sidecar.path) for sidecar in sidecars))
    times = [time for sidecar in sidecars for time in (sidecar.ctime_ns, sidecar.mtime_ns) if time is not None]
    ctime_ns = None if photo.ctime_ns is None else max(photo.ctime_ns, *times)
    return photo._replace(ctime_ns=ctime_ns, sidecars=read)
