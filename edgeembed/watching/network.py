"""Network drives: the system tells of what this machine does there, and not of what others do."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|coda|glusterfs|lustre|ncpfs|davfs|vboxsf|prl_fs|vmhgfs|virtiofs|drvfs"
    r"|fuse\.(?!ext|ntfs|exfat|gocryptfs|encfs|bindfs|mergerfs|unionfs|cryfs|securefs).*"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def network_drive(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network drive that a folder lies on, such as ``nfs4``; ``None``: on none, or nobody can tell.

    Drives of another system's files count too, as of a virtual machine's host.
    """
    path = os.fspath(folder.resolve())
    if path.startswith("\\\\"):
        return "a network share"
    try:
        lines = mounts.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    best, kind = "", None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), words[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later one hides an earlier one
            best, kind = point, rest.split(" ")[0]
    return kind if kind is not None and _NETWORK.fullmatch(kind) else None
