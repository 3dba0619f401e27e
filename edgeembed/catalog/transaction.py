"""What can be changed in one commit of an index."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import astuple

from ..text.surrogates import decode, encode
from . import fulltext, settings
from .checksums import checksum_sql, insert_sql
from .metadata import named_text
from .rows import ChunkRow, EncoderInfo, FileRow, SegmentInfo
from .snapshot import Snapshot, is_intact


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
        self._db.execute(f"UPDATE contents SET checksum = {checksum_sql('contents')} WHERE content = ?", (content,))

    def encoder_number(self, info: EncoderInfo) -> int:
        """The number of an encoder, given now if it is new."""
        row = self._db.execute("SELECT encoder FROM encoders WHERE digest = ?", (info.digest,)).fetchone()
        return int(self._db.execute(insert_sql("encoders"), info).lastrowid or 0) if row is None else int(row[0])

    def add_chunk(
        self, content: int, chunk: ChunkRow, vector: bytes | None, digest: bytes, encoder: EncoderInfo | None
    ) -> None:
        """Add the next chunk of a content.

        Args:
            vector: ``None``: it has none and is found by its words alone.
            encoder: of the vector; ``None`` if there is none.
        """
        text = None if chunk.text is None else encode(chunk.text)
        number = None if encoder is None else self.encoder_number(encoder)
        cursor = self._db.execute(insert_sql("chunks"), (content, *chunk[:-1], text, digest, number))
        key = int(cursor.lastrowid or 0)
        if vector is not None:
            self._db.execute("INSERT INTO unsegmented VALUES (?, ?, ?)", (key, chunk.kind, vector))
        if chunk.text is not None:
            fulltext.add(self._db, "words", key, chunk.text)

    def put_document(self, id: str, content: int, metadata: str) -> None:
        """Add a document, or let an existing one point to another content."""
        known, named = self.document(id), named_text(id, metadata)
        is_named_so = known is not None and named_text(id, self._stored_metadata(known)) == named
        if known is not None and not is_named_so:
            fulltext.remove(self._db, "names", "document = ?", (known,))
        cursor = self._db.execute(
            insert_sql("documents")
            + " ON CONFLICT (id) DO UPDATE SET content = excluded.content, metadata = excluded.metadata, "
            "checksum = excluded.checksum",
            (encode(id), content, metadata),
        )
        if not is_named_so:
            fulltext.add(self._db, "names", int(cursor.lastrowid or 0) if known is None else known, named)

    def _stored_metadata(self, document: int) -> str:
        row = self._db.execute(
            "SELECT CAST(metadata AS BLOB) FROM documents WHERE document = ?", (document,)
        ).fetchone()
        return decode(row[0])

    def remove_documents(self, ids: Iterable[str]) -> int:
        """Remove documents; returns how many there were. Their contents stay until :meth:`sweep_contents`."""
        return self._remove(number for id in ids if (number := self.document(id)) is not None)

    def remove_documents_of(self, path: str, *, keep: Container[str] = (), unread: Container[str] = ()) -> int:
        """Remove the document of a file, and its parts.

        Args:
            keep: ids of those that stay.
            unread: likewise, unless one of ``keep`` has the same content: then a part only has another number now.

        Returns:
            How many were removed.
        """
        documents = self.documents_of(path)
        read = {content for _, id, content in documents if id in keep}
        return self._remove(
            number for number, id, content in documents if id not in keep and (id not in unread or content in read)
        )

    def _remove(self, documents: Iterable[int]) -> int:
        numbers = set(documents)
        for number in sorted(numbers):
            fulltext.remove(self._db, "names", "document = ?", (number,))
            self._db.execute("DELETE FROM documents WHERE document = ?", (number,))
        return len(numbers)

    def collect_contents(self) -> int:
        """Remove contents that no document points to, with their chunks; returns how many."""
        rows = self._db.execute("SELECT content FROM contents WHERE content NOT IN (SELECT content FROM documents)")
        orphans = json.dumps([content for (content,) in rows])
        # Two steps: as a subquery for each chunk it would read every text of the index.
        named = "content IN (SELECT value FROM json_each(?))"
        fulltext.remove(self._db, "words", named, (orphans,))
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
                "DELETE FROM unsegmented WHERE kind = ? AND key BETWEEN ? AND ? "
                "AND key IN (SELECT key FROM chunks WHERE encoder = ?)",
                (new.kind, new.first_key, new.last_key, new.encoder),
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
