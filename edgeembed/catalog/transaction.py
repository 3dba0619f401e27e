"""What can be changed in one commit of an index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple

from ..text.surrogates import encode
from ..text.terms import index_terms
from . import fulltext, settings
from .checksums import checksum_sql, insert_sql
from .segment_info import SegmentInfo
from .snapshot import ChunkRow, FileRow, Snapshot, is_intact


class Transaction(Snapshot):
    """A write transaction."""

    def set(self, name: str, value: str) -> None:
        """Make or replace a setting."""
        self._db.execute(insert_sql("settings", verb="INSERT OR REPLACE"), (name, value))

    def unset(self, name: str) -> None:
        """Forget a setting."""
        self._db.execute("DELETE FROM settings WHERE name = ?", (name,))

    def count_generation(self) -> None:
        """One commit more."""
        before = self.setting(settings.GENERATION) or "0"
        self.set(settings.GENERATION, str(int(before) + 1 if before.isdecimal() else 1))

    def content(self, digest: bytes, kind: str) -> int:
        """The number of the content with this hash, begun now if it is new."""
        row = self._db.execute("SELECT content FROM contents WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            return int(self._db.execute(insert_sql("contents"), (digest, kind, 0, 0)).lastrowid or 0)
        return int(row[0])

    def complete(self, content: int) -> None:
        """Say that all chunks of a content are here."""
        self._db.execute(
            "UPDATE contents SET complete = 1, chunks = (SELECT count(*) FROM chunks WHERE content = ?1) "
            "WHERE content = ?1",
            (content,),
        )
        self._db.execute(f"UPDATE contents SET seal = {checksum_sql('contents')} WHERE content = ?", (content,))

    def add_chunk(self, content: int, chunk: ChunkRow, vector: bytes, digest: bytes) -> None:
        """Add the next chunk of a content, with its vector."""
        text, extra = (None, None) if chunk.text is None else (encode(chunk.text), _extra(chunk.text))
        row = (content, *chunk[:-1], text, digest, extra)
        cursor = self._db.execute(insert_sql("chunks"), row)
        self._db.execute("INSERT INTO fresh VALUES (?, ?, ?)", (cursor.lastrowid, chunk.kind, vector))
        self._db.execute(f"{fulltext.ADD_WORDS} AND key = ?", (cursor.lastrowid,))

    def put_document(self, id: str, content: int, metadata: str) -> None:
        """Add a document, or let an existing one point to another content."""
        known = self.document(id)
        cursor = self._db.execute(
            insert_sql("documents")
            + " ON CONFLICT (id) DO UPDATE SET content = excluded.content, metadata = excluded.metadata, "
            "seal = excluded.seal",
            (encode(id), content, metadata, _extra(id)),
        )
        if known is None:
            self._db.execute(f"{fulltext.ADD_NAMES} AND document = ?", (cursor.lastrowid,))

    def remove_documents(self, ids: Iterable[str]) -> int:
        """Remove documents; returns how many there were. Their contents stay until :meth:`sweep_contents`."""
        numbers = [number for id in ids if (number := self.document(id)) is not None]
        for number in dict.fromkeys(numbers):
            self._db.execute(f"{fulltext.REMOVE_NAMES} AND document = ?", (number,))
            self._db.execute("DELETE FROM documents WHERE document = ?", (number,))
        return len(set(numbers))

    def collect_contents(self) -> int:
        """Remove contents that no document points to, with their chunks; returns how many."""
        rows = self._db.execute("SELECT content FROM contents WHERE content NOT IN (SELECT content FROM documents)")
        orphans = json.dumps([content for (content,) in rows])
        # Two steps: as a subquery for each chunk it would read every text of the index.
        named = "content IN (SELECT value FROM json_each(?))"
        self._db.execute(f"{fulltext.REMOVE_WORDS} AND {named}", (orphans,))
        return self._db.execute(f"DELETE FROM contents WHERE {named}", (orphans,)).rowcount

    def full_text_is_intact(self) -> bool:
        """As of this transaction; here FTS5 may write, and a copy of what is not committed cannot be made."""
        return is_intact(self._db)

    def replace_segments(self, old: Iterable[SegmentInfo], new: SegmentInfo | None) -> None:
        """Name ``new`` instead of ``old``, and drop the unsegmented rows that it covers."""
        for info in old:
            self._db.execute("DELETE FROM segments WHERE file = ?", (info.file,))
        if new is not None:
            self._db.execute(insert_sql("segments"), astuple(new))
            self._db.execute(
                "DELETE FROM fresh WHERE kind = ? AND key BETWEEN ? AND ?", (new.kind, new.first_key, new.last_key)
            )

    def put_file(self, path: str, row: FileRow) -> None:
        """Remember what a file looked like."""
        self._db.execute(insert_sql("files", verb="INSERT OR REPLACE"), (encode(path), *row))

    def forget_files(self) -> None:
        """Forget all files."""
        self._db.execute("DELETE FROM files")

    def remove_files(self, paths: Iterable[str]) -> None:
        """Forget files."""
        self._db.executemany("DELETE FROM files WHERE path = CAST(? AS TEXT)", ((encode(path),) for path in paths))


def _extra(text: str) -> bytes | None:
    words = index_terms(text)
    return None if words is None else encode(words)
