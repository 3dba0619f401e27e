"""Files that hold many documents, as a mailbox holds messages: read one by one, whatever happens to the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..document import PART, PART_NOUN, Document, part_id
from .budget import SECONDS_PER_BYTE
from .entries import BY_THE_CLOCK, TOO_LONG, FileStat, Skipped
from .extras import Unreadable
from .sandbox.process import Worker
from .sandbox.protocol import CLOCK, ReadPart

NO_TEXT = "no text in it"
_MOST_TIMES = 10
"""Times the limit of a single part that all parts of a file may take together, the size of the file aside."""

_BATCH = 64
"""So many parts at most are asked for at a time: a question and its answer take longer than most messages."""


@dataclass(frozen=True)
class PartDocument(Document):
    """One of the documents of a file."""

    number: int = 1
    """Counted from 1."""
    size_bytes: int = 0
    """How much of the file it takes."""


@dataclass(frozen=True)
class LostPart:
    """One of the documents of a file that cannot be read."""

    id: str
    number: int
    reason: str
    """As of :class:`Skipped`."""


@dataclass(frozen=True)
class FileParts:
    """The documents of a file, read as they are asked for."""

    items: Iterator[PartDocument | LostPart | Skipped]
    """To be gone through once: documents in the order of their numbers; at last, where what is left cannot be read, or
    there was nothing, the file and why."""

    def joined(self, path: str, number: int | None) -> Document | Skipped:
        """All documents as one, or a single one of them, or why there is none.

        Args:
            path: of the file.
            number: of the one that is wanted; ``None``: all are.
        """
        texts, reason = list[str](), NO_TEXT
        for item in self.items:
            if isinstance(item, Skipped):
                reason = item.reason
            elif number not in (None, item.number):
                continue
            elif isinstance(item, LostPart):
                reason = item.reason
            else:
                texts.append(item.text or "")
            if number is not None:
                break
        if texts:
            return Document(path, text="\n\n".join(texts))
        return Skipped(path, reason if number is None or reason != NO_TEXT else f"no {PART_NOUN} {number} in it")


def read_parts(root: Path, stat: FileStat, reader: str, worker: Worker | None) -> FileParts:
    """The documents of a file.

    Args:
        root: the folder that was walked.
        stat: a file in it.
        reader: one of ``PARTED``.
        worker: reads them; ``None``: a new one, for this file alone.
    """
    return FileParts(_items(root / stat.path, stat, reader, worker))


def _items(
    path: Path, stat: FileStat, reader: str, worker: Worker | None
) -> Iterator[PartDocument | LostPart | Skipped]:
    with Worker() if worker is None else nullcontext(worker) as process:
        # Each may take as long as a file; of many that do somebody made them so.
        limit = (process.limits.seconds * _MOST_TIMES + stat.size_bytes * SECONDS_PER_BYTE) * CLOCK
        spent, is_empty = 0.0, True
        try:
            count = process.count_parts(path, reader)
        except Unreadable as error:
            yield Skipped(stat.path, error.reason)
            return
        next_number = alone_until = 1
        while next_number <= count:
            if spent > limit:
                yield Skipped(stat.path, f"{TOO_LONG}: more than {limit:g} seconds {BY_THE_CLOCK}")
                return
            begun, most = time.monotonic(), 1 if next_number < alone_until else _BATCH
            try:
                batch = process.parts(path, reader, next_number, most)
            except Unreadable as error:
                alone_until = next_number + _BATCH  # one of them is to blame
                batch = [ReadPart(next_number, 0, None, error.reason)] if most == 1 else []
            else:
                count = count if batch else 0  # the file was cut meanwhile
            spent += time.monotonic() - begun
            for part in batch:
                if (item := _item(stat.path, part)) is not None:
                    is_empty = False
                    yield item
            next_number += len(batch)
        if is_empty:
            yield Skipped(stat.path, NO_TEXT)


def _item(path: str, part: ReadPart) -> PartDocument | LostPart | None:
    """One document; ``None``: there is nothing to read."""
    id, text = part_id(path, part.number), part.text
    if part.reason is not None:
        return LostPart(id, part.number, part.reason)
    if text is None:
        return None
    return PartDocument(
        id,
        text=text.text,
        metadata={PART: part.number},
        pages=text.pages,
        lines=text.lines,
        aside=text.aside,
        number=part.number,
        size_bytes=part.size_bytes,
    )
