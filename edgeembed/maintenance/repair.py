"""Make an index whole again from what remains of it.

Every row that still fits its checksum is copied into a new catalog, which takes the place of the old one when it is
complete. A text whose vector is damaged or gone is embedded again; whatever else does not fit is left out, and the
documents concerned are marked to be indexed again: the next ``sync`` of a folder does so by itself.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..catalog import fulltext, settings
from ..catalog.checksums import CHECKSUMMED, TEXT_COLUMNS, checksum_sql, chunk_digest, insert_sql, row_checksum
from ..catalog.database import CATALOG_NAME, new_catalog, put_catalog, with_logs
from ..catalog.metadata import mended
from ..catalog.rows import SegmentInfo
from ..catalog.schema import expected_schema
from ..catalog.snapshot import Snapshot
from ..catalog.sqlite import Connection, DatabaseError, connect
from ..catalog.transaction import Transaction
from ..catalog.where import FILE_OF, IS_PART
from ..embedder import Embedder
from ..errors import BundleError, IndexCorruptError, IndexNotFoundError
from ..index_models.records import ModelRecord, RecordedModels, Unavailable, recorded_models
from ..index_models.requests import Model
from ..segments.hash_cache import HashCache
from ..segments.int8 import to_int8
from ..segments.segment import Segment
from ..segments.segment_set import SegmentSet
from ..storage.embed_queue import encoder_info
from ..storage.index_dir import DAMAGED_NAME, check_catalog, refuse_links
from ..storage.lock import process_lock
from ..storage.open import open_catalog
from ..system.limits import checked_threads
from .chunk_scan import chunk_batches

Row = tuple[Any, ...]
_log = logging.getLogger(__name__)


@contextmanager
def damaged_catalog(folder: Path) -> Iterator[Connection]:
    """A copy of a catalog to save rows from, its text as bytes, its schema as it should be."""
    copy = folder / DAMAGED_NAME
    try:
        for source, target in zip(with_logs(folder / CATALOG_NAME), with_logs(copy), strict=True):
            target.unlink(missing_ok=True)
            if source.is_file() and not source.name.endswith("-shm"):
                shutil.copyfile(source, target)
                target.chmod(0o600)
        with closing(connect(copy, mode="rwc")) as db:
            db.text_factory = bytes
            with suppress(DatabaseError):
                db.execute("PRAGMA writable_schema = ON")
                for kind, name, table, sql in expected_schema():
                    if sql is None:
                        continue  # SQLite's own
                    db.execute(
                        "UPDATE sqlite_master SET tbl_name = ?, sql = ? WHERE type = ? AND name = ? AND sql IS NOT ?",
                        (table, sql, kind, name, sql),
                    )
                db.execute("PRAGMA writable_schema = RESET")
            yield db
    finally:
        for target in with_logs(copy):
            target.unlink(missing_ok=True)


def salvage(db: Connection, table: str, columns: Sequence[str], number: str | None) -> Iterator[Row]:
    """Rows of a damaged table, as far as they can be read from either end; some may come twice.

    Args:
        number: the column that is the number of a row; ``None``: it has none of its own.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    key = number or ("name" if table == "settings" else "rowid")
    for order in ("ASC", "DESC"):
        try:
            yield from db.execute(f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {key} {order}")
        except DatabaseError:
            continue
        return


_TABLES = {
    "settings": None,
    "encoders": "encoder",
    "contents": "content",
    "documents": "document",
    "chunks": "key",
    "files": None,
}
"""Tables that are copied row by row, with the name of their row number where other rows refer to it."""
_EMBED = 128
_STRAY = "NOT EXISTS (SELECT 1 FROM chunks c WHERE c.key = unsegmented.key)"


@dataclass(frozen=True)
class RepairReport:
    """What was done."""

    did: tuple[str, ...]
    """In sentences; empty: nothing was wrong, and nothing was changed."""
    documents: int
    """How many are in the index now."""
    embedded: int
    """Texts that were embedded again."""
    lost: tuple[str, ...]
    """Ids of documents to be indexed again, as far as they can still be read; one that is damaged itself may differ."""


@dataclass
class _Work:
    did: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    embedded: int = 0

    def say(self, count: int, what: str) -> None:
        if count:
            self.did.append(f"{count:,} {what}")
            _log.info("repair: %s", self.did[-1])


def repair(folder: Path, embedder: Callable[[ModelRecord], Embedder | Unavailable]) -> RepairReport:
    """Write a new catalog of all that fits together; the caller holds the lock and has closed the old one.

    Args:
        embedder: gives the model that the texts were embedded with.

    Raises:
        IndexCorruptError: not even the settings can be read.
    """
    work = _Work()
    scratch = folder / f"{CATALOG_NAME}.part"
    with new_catalog(scratch) as db:
        with damaged_catalog(folder) as old:
            _copy_tables(old, db, folder, work)
            models = RecordedModels.from_setting(Snapshot(db).setting(settings.MODELS), folder)
            dims = models.dims()
            _name_encoders(db, models)
            intact = _copy_segments(old, db, folder, dims, work)
            _copy_unsegmented(old, db, dims, intact)
        unfit = _chunks_without_vector(db, intact, dims)
        _give_up_incomplete(db, [key for key, has_text in unfit.items() if not has_text], work)
        _embed_again(db, [key for key, has_text in unfit.items() if has_text], lambda: embedder(models.text), work)
        _mend_metadata(db, work)
        _drop_dangling(db, work)
        fulltext.rebuild(db)
        documents = db.execute("SELECT count(*) FROM documents").fetchone()[0]
        work.did.append(f"the catalog was written anew with {documents:,} documents")
        transaction = Transaction(db)
        transaction.set(settings.NEEDS_GC, "1")
        transaction.count_generation()
    put_catalog(scratch, folder)
    SegmentSet(folder, dims, hash_cache=HashCache(folder, read_only=False)).collect_garbage(intact)
    return RepairReport(tuple(work.did), documents, work.embedded, tuple(sorted(work.lost)))


def _copy_tables(old: Connection, db: Connection, folder: Path, work: _Work) -> None:
    for table, number in _TABLES.items():
        columns = [*([number] if number else []), *CHECKSUMMED[table], "checksum"]
        bad = 0
        for row in salvage(old, table, columns, number):
            if row_checksum(*map(_as_blob, row[1 if number else 0 : -1])) == row[-1]:
                _insert(db, table, columns, row)
            else:
                bad += 1
                if table == "documents" and isinstance(row[1], bytes):
                    work.lost.add(row[1].decode("utf-8", "replace"))
        work.say(bad, f"damaged rows of the table {table} were left out")
    if not db.execute("SELECT 1 FROM settings WHERE name = 'model'").fetchone():
        raise IndexCorruptError(folder / CATALOG_NAME, "too little is left to repair")
    orphans = db.execute("DELETE FROM chunks WHERE content NOT IN (SELECT content FROM contents)").rowcount
    work.say(orphans, "passages of lost texts were left out")


def _name_encoders(db: Connection, models: RecordedModels) -> None:
    """Name encoders whose row was lost by the models that the settings record."""
    gone = "SELECT DISTINCT encoder, kind FROM chunks WHERE encoder NOT IN (SELECT encoder FROM encoders)"
    for number, kind in db.execute(gone).fetchall():
        record = models.image if kind == "image" and isinstance(models.image, ModelRecord) else models.text
        db.execute(
            insert_sql("encoders", verb="INSERT OR IGNORE"), (record.encoder, record.name, record.space, record.dim)
        )
        db.execute("UPDATE encoders SET encoder = ? WHERE digest = ?", (number, record.encoder))


def _copy_segments(
    old: Connection, db: Connection, folder: Path, dims: Mapping[str, int], work: _Work
) -> dict[str, Segment]:
    """Name the segments whose files are intact; each is hashed."""
    intact: dict[str, Segment] = {}
    last: dict[tuple[str, int], int] = {}
    columns = [*CHECKSUMMED["segments"], "checksum"]
    for row in sorted(salvage(old, "segments", columns, None), key=lambda row: (str(row[1]), len(str(row[2])), row[2])):
        try:
            if row_checksum(*map(_as_blob, row[:-1])) != row[-1]:
                raise IndexCorruptError(folder, "its row in the catalog is damaged")
            values: Any = (value.decode() if isinstance(value, bytes) else value for value in row[:-1])
            info = SegmentInfo(*values)
            segment = Segment(folder, info, dims.get(info.kind, 0), hash_cache=None)
            if info.first_key <= last.get((info.kind, info.encoder), -1):
                raise IndexCorruptError(folder, "it overlaps another")
        except (IndexCorruptError, FileNotFoundError) as error:
            reason = error.reason if isinstance(error, IndexCorruptError) else "is missing"
            name = _as_blob(row[0]) or b""
            work.did.append(f"the segment {name[:80].decode('utf-8', 'replace')} was given up: {reason}")
            continue
        last[info.kind, info.encoder] = info.last_key
        _insert(db, "segments", columns, row)
        intact[info.file] = segment
    return intact


def _copy_unsegmented(old: Connection, db: Connection, dims: Mapping[str, int], intact: dict[str, Segment]) -> None:
    """Take over the vectors that are in no segment, as far as they are whole; digests are compared later."""
    for row in salvage(old, "unsegmented", ["key", "kind", "vector"], "key"):
        if isinstance(row[2], bytes) and len(row[2]) in dims.values():
            _insert(db, "unsegmented", ["key", "kind", "vector"], row)
    db.execute(f"DELETE FROM unsegmented WHERE {_STRAY}")
    db.execute("UPDATE unsegmented SET kind = (SELECT kind FROM chunks c WHERE c.key = unsegmented.key)")
    for info in (segment.info for segment in intact.values()):
        db.execute(
            "DELETE FROM unsegmented WHERE kind = ? AND key BETWEEN ? AND ?", (info.kind, info.first_key, info.last_key)
        )


def _chunks_without_vector(db: Connection, intact: dict[str, Segment], dims: Mapping[str, int]) -> dict[int, bool]:
    """Keys of chunks whose vector is gone or not the one that was written; and whether there is a text to embed."""
    return {
        key: chunk.text is not None
        for keys, chunks, digests, vectors in chunk_batches(db, intact, dims)
        for key, chunk, digest, vector in zip(keys, chunks, digests, vectors, strict=True)
        if vector is None or chunk_digest(chunk, vector) != digest
    }


def _give_up_incomplete(db: Connection, images: list[int], work: _Work) -> None:
    """Give up contents that lost a chunk, images that lost their vector, and work that was under way."""
    db.executemany("DELETE FROM chunks WHERE key = ?", ((key,) for key in images))
    _give_up(db, "complete = 0 OR chunks <> (SELECT count(*) FROM chunks k WHERE k.content = contents.content)", work)


def _give_up(db: Connection, which: str, work: _Work) -> None:
    """Drop contents; ``which`` is a condition on them."""
    complete = db.execute(f"SELECT count(*) FROM contents WHERE complete AND ({which})").fetchone()[0]
    db.execute(f"DELETE FROM contents WHERE {which}")
    db.execute("DELETE FROM chunks WHERE content NOT IN (SELECT content FROM contents)")
    db.execute(f"DELETE FROM unsegmented WHERE {_STRAY}")
    work.say(complete, "texts or pictures were given up, for a part of them was lost")


def _embed_again(db: Connection, keys: list[int], embedder: Callable[[], Embedder | Unavailable], work: _Work) -> None:
    """Embed texts whose vectors are gone; they get new keys, so that none lies in the range of a segment."""
    db.execute("CREATE TEMP TABLE unfit (key INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO unfit VALUES (?)", ((key,) for key in keys))
    db.execute("DELETE FROM unfit WHERE key NOT IN (SELECT key FROM chunks)")
    db.execute("DELETE FROM unsegmented WHERE key IN (SELECT key FROM unfit)")
    keys = [key for (key,) in db.execute("SELECT key FROM unfit ORDER BY key")]
    if not keys:
        return
    model = embedder()
    if isinstance(model, Unavailable):
        work.did.append(f"no text was embedded again: {model.reason}")
        _give_up(db, "content IN (SELECT content FROM chunks WHERE key IN (SELECT key FROM unfit))", work)
        return
    top = "SELECT max(max(key), (SELECT max(seq) FROM sqlite_sequence WHERE name = 'chunks')) FROM chunks"
    new = int(db.execute(top).fetchone()[0])
    snapshot = Transaction(db)
    encoder = snapshot.encoder_number(encoder_info(model))
    for first in range(0, len(keys), _EMBED):
        batch = keys[first : first + _EMBED]
        chunks = [snapshot.chunk(key) for key in batch]
        vectors = to_int8(model.embed_texts([chunk.text or "" for chunk in chunks]))
        for key, chunk, vector in zip(batch, chunks, vectors, strict=True):
            new += 1
            digest = chunk_digest(chunk, vector.tobytes())
            db.execute("UPDATE chunks SET key = ?, digest = ?, encoder = ? WHERE key = ?", (new, digest, encoder, key))
            db.execute(f"UPDATE chunks SET checksum = {checksum_sql('chunks')} WHERE key = ?", (new,))
            db.execute("INSERT INTO unsegmented VALUES (?, ?, ?)", (new, chunk.kind, vector.tobytes()))
    db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'chunks'", (new,))
    work.embedded = len(keys)
    work.say(len(keys), "passages were embedded again, for their vectors were lost")


def _mend_metadata(db: Connection, work: _Work) -> None:
    """Put ``null`` in the place of NaN and Infinity, which older versions took, and SQLite does not read."""
    mended_count = 0
    for number, text in db.execute(
        "SELECT document, metadata FROM documents WHERE NOT json_valid(metadata)"
    ).fetchall():
        mended_count += (new := mended(text)) != text
        db.execute("UPDATE documents SET metadata = ? WHERE document = ?", (new, number))
        db.execute(f"UPDATE documents SET checksum = {checksum_sql('documents')} WHERE document = ?", (number,))
    work.say(mended_count, "documents had NaN or Infinity in their metadata, which is null now")


def _drop_dangling(db: Connection, work: _Work) -> None:
    """Drop documents whose content is gone, and forget the files of documents that are, so that a sync reads them."""
    dangling = "content NOT IN (SELECT content FROM contents) OR NOT json_valid(metadata)"
    work.lost.update(id for (id,) in db.execute(f"SELECT id FROM documents WHERE {dangling}"))
    db.execute(f"DELETE FROM documents WHERE {dangling}")
    gone = f"state <> 'skipped' AND path NOT IN (SELECT {FILE_OF} FROM documents d)"
    work.lost.update(path for (path,) in db.execute(f"SELECT path FROM files WHERE {gone}"))
    db.execute(f"DELETE FROM files WHERE {gone}")
    _read_parts_again(db)
    work.say(len(work.lost), "documents are to be indexed again")


def _read_parts_again(db: Connection) -> None:
    """Have files of many documents read again, for nothing tells how many they had; what is known is not embedded."""
    snapshot = Transaction(db)
    for (path,) in db.execute(f"SELECT DISTINCT {FILE_OF} FROM documents d WHERE {IS_PART}").fetchall():
        row = snapshot.file(path)
        if row is not None and row.state != "skipped":
            snapshot.put_file(path, row.begun(is_new=False))


def _insert(db: Connection, table: str, columns: list[str], row: Row) -> None:
    """Copy a row to the letter, unless one with its name is there already."""
    # Text arrives as the bytes that it was stored as; where it belongs, it becomes text again.
    values = ", ".join("CAST(? AS TEXT)" if column in TEXT_COLUMNS[table] else "?" for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({values})", row)


def _as_blob(value: bytes | int | float | None) -> bytes | None:
    """What SQLite's ``CAST(value AS BLOB)`` gives."""
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def repair_index(folder: Path, model: Model, *, threads: int | None) -> RepairReport:
    """See :meth:`Index.repair`."""
    from .repair import RepairReport, repair

    threads = checked_threads(threads)
    if not (folder / CATALOG_NAME).is_file():
        raise IndexNotFoundError(folder, "there is nothing to repair")
    refuse_links(folder)
    check_catalog(folder)
    documents = _documents_if_intact(folder)
    if documents is not None:
        return RepairReport((), documents, 0, ())

    def embedder(record: ModelRecord) -> Embedder | Unavailable:
        """The model that texts were embedded with."""
        if isinstance(model, Embedder):
            loaded = model
        else:
            try:
                loaded = Embedder.load(model or record.source, threads=threads)
            except BundleError as error:
                return Unavailable(str(error))
        if loaded.manifest.encoder != record.encoder:
            return Unavailable(f"{loaded.manifest.label} is another model")
        return loaded

    with process_lock(folder):
        try:
            return repair(folder, embedder)
        except IndexCorruptError as error:
            advice = "`edgeembed index --rebuild` makes the index anew"
            raise IndexCorruptError(error.path, error.reason, advice) from error


def _documents_if_intact(folder: Path) -> int | None:
    """How many documents an index holds in which nothing is wrong; ``None``: something is."""
    from .verify import verify

    try:
        catalog = open_catalog(folder, read_only=True)
        try:
            with catalog.read() as snapshot:
                dims = recorded_models(snapshot, folder).dims()
                # Texts need not be embedded again: repair has nothing to mend a vector by whose digest fits.
                report = verify(snapshot, folder, dims, lambda: Unavailable("not asked"), lambda _: True)
        finally:
            catalog.close()
    except IndexCorruptError:
        return None
    return report.documents if report.ok else None
