"""A file of many documents, as a mailbox holds messages, on its way into the index.

Its row says ``indexed`` only once all are in: until then it says that they are being taken in, and whoever finds it so,
after a cancel or a kill, reads the file again. What is in by then is not embedded a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalog.rows import BEGUN, FileRow
from ..document import PART_NOUN, part_id
from ..reading.entries import FileStat, Skipped
from ..reading.parts import LostPart, PartDocument
from ..storage.store import Store
from .retries import counted, keeps_what_is_indexed, passes

if TYPE_CHECKING:
    from ..storage.commands import Change
    from ..storage.writer import Writer


class PartedFile:
    """One such file: takes its documents as they are read."""

    def __init__(self, store: Store, writer: Writer, file: FileStat, row: FileRow) -> None:
        """``row``: what is to be recorded of the file."""
        self.writer = writer
        self._store = store
        self._path = file.path
        self._row = row
        self._before = store.read(lambda snapshot: snapshot.file(file.path))
        self._is_known = store.read(lambda snapshot: snapshot.has_documents_of(file.path))
        self._ids: set[str] = set()
        """Of documents that are in the index as they are in the file."""
        self._unread: set[str] = set()
        """Of those that cannot be read now, and stay as they were."""
        self._lost: list[LostPart] = []
        self._last = 0
        """Number of the last one that was read."""
        self._rest_bytes = file.size_bytes
        self._has_begun = False
        self.change: Change = "same"
        """What its documents so far were to the index."""

    def add(self, item: PartDocument | LostPart) -> bool:
        """Take one in; ``False``: it was cancelled."""
        self._last = item.number
        if isinstance(item, LostPart):
            self._lost.append(item)
            if keeps_what_is_indexed(item.reason, self._before, self._row):
                self._unread.add(item.id)
            return not self.writer.stopped()
        if not self._has_begun:
            self._has_begun = True
            self.writer.begin_parts(self._path, self._row.begun(is_new=self._is_new))
        change = self.writer.add_part(item, item.size_bytes)
        if change is None:
            return False
        self._ids.add(item.id)
        self._rest_bytes -= item.size_bytes
        if change != "same":
            self.change = "changed"
        return not self.writer.stopped()

    def end(self, rest: str | None) -> Skipped | None:
        """Record the file.

        Args:
            rest: why what follows the last document cannot be read; ``None``: there is no more.

        Returns:
            Why the whole file is left out; ``None``: some of it is in.
        """
        reason = self._reason(rest)
        if reason is not None:
            reason = counted(reason, self._before, self._row)
        if not self._has_begun:
            keep = reason is not None and keeps_what_is_indexed(reason, self._before, self._row)
            self.writer.skip(self._path, self._row.skipped(reason or ""), keep=keep)
            return Skipped(self._path, reason or "")
        if rest is not None and keeps_what_is_indexed(rest, self._before, self._row):
            self._keep_rest()
        from ..storage.commands import EndParts  # a search that finds nothing changed does without

        row = self._row if reason is None else self._row.incomplete(reason, None)
        change: Change = "new" if self._is_new else self.change
        self.writer.end_parts(EndParts(self._path, row, self._ids, self._unread, change), self._rest_bytes)
        return None

    @property
    def _is_new(self) -> bool:
        return not self._is_known or (self._before is not None and self._before.reason_kind == BEGUN)

    def _keep_rest(self) -> None:
        """Keep what was indexed of the file behind the last document that was read."""
        known = self._store.read(lambda snapshot: snapshot.documents_of(self._path))
        read = {part_id(self._path, number) for number in range(1, self._last + 1)}
        self._unread.update(id for _, id, _ in known if id not in read)

    def _reason(self, rest: str | None) -> str | None:
        """Why not all of the file is in the index; ``None``: it is."""
        if rest is not None:
            return rest if self._last == 0 else f"{rest} (from {PART_NOUN} {self._last + 1:,} on)"
        if not self._lost:
            return None
        first = next((lost for lost in self._lost if passes(lost.reason)), self._lost[0])
        more = f" and {len(self._lost) - 1:,} more" if len(self._lost) > 1 else ""
        return f"{first.reason} ({PART_NOUN} {first.number:,}{more})"
