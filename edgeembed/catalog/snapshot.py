"""Reads of one commit of an index."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, TypeVar

from ..document import StoredDocument
from ..text.surrogates import decode, encode
from . import fulltext, settings
from .rows import ASIDE, ChunkRow, FileDocumentId, FileRow, PassageRow, SegmentInfo
from .sqlite import Connection, DatabaseError, copied, says_damage
from .where import FILE_OF, IS_PART, PART_OF, Condition, condition

Where = Mapping[str, Any] | Condition
_Kept = TypeVar("_Kept")


class CommitCache:
    """What searches found out about one commit, for those after them. May be used from several threads."""

    def __init__(self) -> None:
        self._state: tuple[object, dict[Hashable, Any]] = None, {}

    def items(self, commit: object) -> dict[Hashable, Any]:
        """What is kept of a commit; what was kept of another is forgotten."""
        known, items = self._state
        if known != commit:
            items = {}
            self._state = commit, items
        return items


class Snapshot:
    """What one read transaction sees."""

    def __init__(self, connection: Connection, cache: CommitCache | None = None, file: object = None) -> None:
        """
        Args:
            cache: for :meth:`kept`; ``None``: nothing is kept.
            file: tells this catalog from another with the same path.
        """
        self._db = connection
        self._cache = cache
        self._file = file

    @cached_property
    def generation(self) -> str | None:
        """Differs from commit to commit; ``None``: there was none yet. Read once: a snapshot is of one commit."""
        return self.setting(settings.GENERATION)

    def kept(self, name: Hashable, load: Callable[[], _Kept]) -> _Kept:
        """What ``load`` gives, which nobody must change, kept for the searches of this commit."""
        if self._cache is None or self.generation is None:
            return load()
        items = self._cache.items((self._file, self.generation))
        if name not in items:
            items[name] = load()
        kept: _Kept = items[name]
        return kept

    @property
    def layout(self) -> int:
        """Of the catalog; one lower than :data:`LAYOUT` is read as it is."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    @property
    def connection(self) -> Connection:
        """For ``verify`` and ``fulltext``, which have queries of their own."""
        return self._db

    def setting(self, name: str) -> str | None:
        """A setting, or ``None`` if it was never made."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def counts(self) -> dict[str, int]:
        """Number of rows of each table, and of chunks without a vector, which are found by their words alone."""
        tables = ("documents", "contents", "chunks", "unsegmented", "segments", "files")
        counts = {table: self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        (vectorless,) = self._db.execute("SELECT count(*) FROM chunks WHERE encoder IS NULL").fetchone()
        return counts | {"vectorless": vectorless}

    def counts_below(self, prefix: str) -> dict[str, int]:
        """Number of documents whose id begins with ``prefix``, of their chunks, and of those without a vector."""
        documents, chunks, vectorless = self._db.execute(
            "SELECT count(DISTINCT d.document), count(c.key), count(c.key) FILTER (WHERE c.encoder IS NULL) "
            "FROM documents d LEFT JOIN chunks c ON c.content = d.content "
            "WHERE substr(CAST(d.id AS BLOB), 1, length(?1)) = ?1",
            (encode(prefix),),
        ).fetchone()
        return {"documents": documents, "chunks": chunks, "vectorless": vectorless}

    def count_files(self, prefix: str = "") -> int:
        """Number of documents whose id begins with ``prefix``, all parts of a file counted as one."""
        row = self._db.execute(
            f"SELECT count(DISTINCT {FILE_OF}) FROM documents d WHERE substr(CAST(d.id AS BLOB), 1, length(?1)) = ?1",
            (encode(prefix),),
        ).fetchone()
        return int(row[0])

    def segments(self, kind: str | None = None) -> list[SegmentInfo]:
        """Segments in the order of their keys; of all kinds with ``None``."""
        rows = self._db.execute(
            "SELECT file, kind, first_key, last_key, rows, size_bytes, sha256, encoder FROM segments "
            "WHERE ?1 IS NULL OR kind = ?1 ORDER BY first_key",
            (kind,),
        )
        return [SegmentInfo(*row) for row in rows]

    def unsegmented_rows(self, kind: str, encoder: int | None = None) -> list[tuple[int, bytes]]:
        """Key and vector of each row that is in no segment yet, ascending; of one encoder, or with ``None`` of all."""
        which = "" if encoder is None else "AND key IN (SELECT key FROM chunks WHERE encoder = ?2)"
        values = (kind,) if encoder is None else (kind, encoder)
        return self._db.execute(
            f"SELECT key, vector FROM unsegmented WHERE kind = ?1 {which} ORDER BY key", values
        ).fetchall()

    def unsegmented_count(self, kind: str) -> int:
        """How many rows are in no segment yet."""
        return int(self._db.execute("SELECT count(*) FROM unsegmented WHERE kind = ?", (kind,)).fetchone()[0])

    def unsegmented_encoders(self, kind: str) -> list[int]:
        """Numbers of the encoders that vectors in no segment come from."""
        rows = self._db.execute(
            "SELECT DISTINCT c.encoder FROM unsegmented u JOIN chunks c USING (key) WHERE u.kind = ? ORDER BY 1",
            (kind,),
        )
        return [encoder for (encoder,) in rows]

    def live_keys(self, info: SegmentInfo) -> list[int]:
        """Keys of a segment whose chunks still exist, ascending."""
        rows = self._db.execute(f"SELECT key FROM chunks WHERE {_IN_SEGMENT} ORDER BY key", _in_segment(info))
        return [key for (key,) in rows]

    def live_count(self, info: SegmentInfo) -> int:
        """How many keys :meth:`live_keys` would give."""
        row = self._db.execute(f"SELECT count(*) FROM chunks WHERE {_IN_SEGMENT}", _in_segment(info)).fetchone()
        return int(row[0])

    def allowed_keys(self, kind: str, where: Where) -> list[int]:
        """Keys of all chunks that ``where`` allows, ascending."""
        test = _condition(where)
        rows = self._db.execute(
            "SELECT DISTINCT c.key FROM documents d JOIN chunks c ON c.content = d.content "
            f"WHERE c.kind = ? AND {test.sql} ORDER BY c.key",
            (kind, *test.values),
        )
        return [key for (key,) in rows]

    def passages(self, keys: Sequence[int], where: Where) -> list[PassageRow]:
        """The documents that these chunks belong to now, those that ``where`` excludes left out."""
        return self._passages("c.key", keys, where)

    def document_keys(self, documents: Sequence[int], where: Where) -> list[PassageRow]:
        """All chunks of some documents, those that ``where`` excludes left out."""
        return self._passages("d.document", documents, where)

    def chunk_keys(self, documents: Sequence[int]) -> list[tuple[int, int]]:
        """Number and the key of a chunk, for all chunks of some documents."""
        rows = self._db.execute(
            "SELECT d.document, c.key FROM json_each(?) k JOIN documents d ON d.document = k.value "
            "JOIN chunks c ON c.content = d.content",
            (json.dumps(list(documents)),),
        )
        return rows.fetchall()

    def _passages(self, column: str, numbers: Sequence[int], where: Where) -> list[PassageRow]:
        """Live chunks that have one of ``numbers`` in a column."""
        test = _condition(where)
        rows = self._db.execute(
            f"SELECT c.key, d.document, d.id, c.kind, c.page IS {ASIDE} FROM json_each(?) k JOIN chunks c "
            f"JOIN documents d ON d.content = c.content WHERE {column} = k.value AND {test.sql}",
            (json.dumps(numbers), *test.values),
        )
        passages = [PassageRow(*row) for row in rows]
        if not all(isinstance(passage.id, str) for passage in passages):
            raise DatabaseError("an id is no text")
        return passages

    def file_contents(self, documents: Sequence[int]) -> dict[int, int]:
        """The content of each of some documents, of those that come from files."""
        rows = self._db.execute(
            "SELECT d.document, d.content FROM json_each(?) n JOIN documents d ON d.document = n.value "
            f"WHERE EXISTS (SELECT 1 FROM files f WHERE f.path = {FILE_OF})",
            (json.dumps(list(documents)),),
        )
        return dict(rows.fetchall())

    def files_with(self, content: int, where: Where) -> list[FileDocumentId]:
        """All documents of files with some content, those that ``where`` excludes left out, in the order of ids."""
        test = _condition(where)
        rows = self._db.execute(
            f"SELECT DISTINCT d.id, {PART_OF} FROM documents d JOIN chunks c ON c.content = d.content "
            f"WHERE d.content = ? AND EXISTS (SELECT 1 FROM files f WHERE f.path = {FILE_OF}) AND {test.sql} "
            "ORDER BY d.id",
            (content, *test.values),
        )
        return [FileDocumentId(*row) for row in rows]

    def chunk(self, key: int) -> ChunkRow:
        """One chunk."""
        row = self._db.execute(
            'SELECT kind, start, "end", start_line, end_line, page, text FROM chunks WHERE key = ?', (key,)
        ).fetchone()
        return _chunk_row(row)

    def document(self, id: str) -> int | None:
        """The number of a document, or ``None``."""
        row = self._db.execute("SELECT document FROM documents WHERE id = CAST(? AS TEXT)", (encode(id),)).fetchone()
        return None if row is None else int(row[0])

    def documents_of(self, path: str) -> list[tuple[int, str, int]]:
        """Number, id and content of the document of a file, and of its parts, if it has some; in no order."""
        return self._db.execute(f"SELECT d.document, d.id, d.content {_OF_FILE}", (encode(path),)).fetchall()

    def numbers_of(self, id: str) -> list[int]:
        """The number of a document; or, where ``id`` is the path of a file with parts, of all of them; else none."""
        number = self.document(id)
        return sorted(number for number, *_ in self.documents_of(id)) if number is None else [number]

    def has_documents_of(self, path: str) -> bool:
        """Whether there is a document of a file, or a part of one."""
        return self._db.execute(f"SELECT 1 {_OF_FILE} LIMIT 1", (encode(path),)).fetchone() is not None

    def file_of_part(self, id: str) -> str | None:
        """The path of the file that a document is a part of; ``None``: it is none, or not there."""
        row = self._db.execute(
            f"SELECT {FILE_OF} FROM documents d WHERE d.id = CAST(? AS TEXT) AND {IS_PART}", (encode(id),)
        ).fetchone()
        return None if row is None else str(row[0])

    def document_id(self, document: int) -> str | None:
        """The id of the document with this number, or ``None``."""
        row = self._db.execute("SELECT CAST(id AS BLOB) FROM documents WHERE document = ?", (document,)).fetchone()
        return None if row is None else decode(row[0])

    def stored_document(self, id: str) -> StoredDocument | None:
        """A document with its text, or ``None``."""
        number = self.document(id)
        if number is None:
            return None
        rows = self._db.execute(
            'SELECT c.kind, start, "end", start_line, end_line, page, text FROM documents d '
            "JOIN chunks c ON c.content = d.content WHERE d.document = ? ORDER BY c.start, c.key",
            (number,),
        )
        chunks = [_chunk_row(row) for row in rows]
        return StoredDocument.of(id, chunks[0].kind if chunks else "text", chunks, self.metadata(number))

    def neighbours(self, document: int, first_line: int, last_line: int) -> list[ChunkRow]:
        """Chunks of a document that touch these lines, in order."""
        rows = self._db.execute(
            'SELECT c.kind, start, "end", start_line, end_line, page, text FROM documents d '
            "JOIN chunks c ON c.content = d.content "
            "WHERE d.document = ? AND end_line >= ? AND start_line <= ? ORDER BY c.key",
            (document, first_line, last_line),
        )
        return [_chunk_row(row) for row in rows]

    def lines(self, document: int, first: int, last: int) -> list[tuple[int, str]]:
        """Lines of a document's text, put together from its chunks, with their numbers; what is between is blank."""
        texts_by_line: dict[int, str] = {}
        for chunk in self.neighbours(document, first, last):
            for line, text in enumerate((chunk.text or "").split("\n"), chunk.start_line or 1):
                gap = (
                    " " if line in texts_by_line else ""
                )  # a long line that was cut: only white space is between the parts
                texts_by_line[line] = texts_by_line.get(line, "") + gap + text
        shown = [line for line in texts_by_line if first <= line <= last]
        return [(line, texts_by_line.get(line, "")) for line in range(min(shown), max(shown) + 1)] if shown else []

    def passage_count(self) -> int:
        """How many chunks there are, of all kinds."""
        return self.kept("passages", lambda: int(self._db.execute("SELECT count(*) FROM chunks").fetchone()[0]))

    def full_text_is_intact(self) -> bool:
        """Whether the keyword index says what documents and chunks say.

        It is made again beside the old one, in a temporary copy, as large as the catalog.
        """
        with closing(copied(self._db)) as copy:
            return is_intact(copy)

    def metadata(self, document: int) -> dict[str, Any]:
        """The metadata of one document."""
        (text,) = self._db.execute("SELECT metadata FROM documents WHERE document = ?", (document,)).fetchone()
        return dict(json.loads(text))

    def has_documents(self) -> bool:
        """Whether there is any document; a content may be there before the first one."""
        return bool(self._db.execute("SELECT EXISTS (SELECT 1 FROM documents)").fetchone()[0])

    def ids(self) -> list[str]:
        """Ids of all documents, in the order in which they came."""
        return [row[0] for row in self._db.execute("SELECT id FROM documents ORDER BY document")]

    def document_state(self, id: str) -> tuple[bytes, str] | None:
        """Hash of the content and the metadata of a document, or ``None`` if there is no such document."""
        row: tuple[bytes, str] | None = self._db.execute(
            "SELECT c.hash, d.metadata FROM documents d JOIN contents c ON c.content = d.content "
            "WHERE d.id = CAST(? AS TEXT)",
            (encode(id),),
        ).fetchone()
        return row

    def content_state(self, digest: bytes) -> tuple[int, bool]:
        """How many chunks the content with this hash has, and whether these are all; ``(0, False)`` if unknown."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM chunks WHERE content = c.content), c.complete FROM contents c WHERE hash = ?",
            (digest,),
        ).fetchone()
        return (0, False) if row is None else (row[0], bool(row[1]))

    def missing_of(self, content: int) -> str | None:
        """What is missing of a content whose file is cut off, as one of its files says; ``None``: nothing."""
        row = self._db.execute(
            "SELECT f.reason FROM documents d JOIN files f ON f.path = d.id "
            "WHERE d.content = ? AND f.state = 'incomplete' LIMIT 1",
            (content,),
        ).fetchone()
        return None if row is None else str(row[0])

    def file(self, path: str) -> FileRow | None:
        """A file as it was when last looked at; ``None``: it is not known."""
        columns = ", ".join(FileRow._fields)
        row = self._db.execute(f"SELECT {columns} FROM files WHERE path = CAST(? AS TEXT)", (encode(path),)).fetchone()
        return None if row is None else FileRow._make(row)

    def files(self, *, below: str = "", deep: bool = True) -> dict[str, FileRow]:
        """Files of the folder as they were when last looked at, by path.

        Args:
            below: only those in this folder of it; empty: all.
            deep: ``False``: not those in folders of that.
        """
        # A hundred thousand of them are read at each sync: decoding here spares a call into Python for each.
        columns = ", ".join(FileRow._fields)
        prefix = encode(f"{below}/") if below else b""
        tests, values = ["1"], list[bytes | int]()
        if below:
            tests.append("path >= CAST(? AS TEXT) AND path < CAST(? AS TEXT)")
            values += prefix, encode(f"{below}0")  # "0" comes next after "/"
        if not deep:
            tests.append("instr(substr(CAST(path AS BLOB), ?), X'2F') = 0")
            values.append(len(prefix) + 1)
        rows = self._db.execute(f"SELECT {columns}, CAST(path AS BLOB) FROM files WHERE {' AND '.join(tests)}", values)
        return {str(row[-1] or b"", "utf-8", "surrogatepass"): FileRow._make(row[:-1]) for row in rows}


def is_intact(db: Connection) -> bool:
    """Whether the keyword index of a database that may be written says what its documents and chunks say.

    Raises:
        DatabaseError: that could not be found out, for want of room and the like.
    """
    try:
        return fulltext.check(db)
    except DatabaseError as error:
        if not says_damage(error):
            raise
        return False


def _chunk_row(row: Sequence[Any]) -> ChunkRow:
    """A row whose columns have their types; a flipped bit may give them others, and SQLite does not mind."""
    chunk = ChunkRow(*row)
    if not isinstance(chunk.text, str | None) or not all(isinstance(value, int | None) for value in row[1:6]):
        raise DatabaseError("a passage has values of wrong types")
    return chunk._replace(page=None) if chunk.page == ASIDE else chunk


# "0" comes next after "/". Files of a folder that had this name before are no parts.
_OF_FILE = (
    "FROM documents d WHERE d.id = CAST(?1 AS TEXT) "
    f"OR (d.id > CAST(?1 AS TEXT) || '/' AND d.id < CAST(?1 AS TEXT) || '0' AND {IS_PART})"
)
_IN_SEGMENT = "kind = ? AND encoder = ? AND key BETWEEN ? AND ?"


def _in_segment(info: SegmentInfo) -> tuple[str, int, int, int]:
    return info.kind, info.encoder, info.first_key, info.last_key


def _condition(where: Where) -> Condition:
    return (where if isinstance(where, Condition) else condition(where)) or Condition("1")
