"""What a sync tells while it runs, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

from ..reading.entries import Skipped


@dataclass(frozen=True)
class SyncProgress:
    """How far a sync has come."""

    done_bytes: int
    """Of files that are embedded or need not be; of one that is being embedded the part that is."""
    total_bytes: int
    done_files: int
    total_files: int


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    added: int
    """Files that are in the index and were not before."""
    updated: int
    """Files whose text changed."""
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    """All files that are left out, also those known from earlier syncs."""
    embedded: int
    """Chunks that had to be embedded; a renamed file needs none."""
    cancelled: bool
