"""Check everything that an index claims: every checksum, every count, every reference, and a sample of its vectors.

Nothing is changed; ``repair`` mends. Whatever would make a search answer wrongly is detected, because every byte that
an answer is made from is under a digest: catalog rows under their checksum, vectors and texts under the digest of their
chunk, segment files under their SHA-256, and the way the catalog's pages hang together under SQLite's own check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..catalog import fulltext
from ..catalog.checksums import CHECKSUMMED, checksum_sql, chunk_digest
from ..catalog.database import CATALOG_NAME
from ..catalog.metadata import is_json
from ..catalog.rows import ChunkRow, check_segment_info
from ..catalog.schema import LAYOUT, outdated
from ..catalog.snapshot import Snapshot
from ..catalog.sqlite import Connection
from ..catalog.where import FILE_OF
from ..embedder import Embedder
from ..errors import BundleError, IndexCorruptError, ModelMismatchError
from ..index_models.records import Unavailable, recorded_models
from ..segments.int8 import cosines, from_blobs
from ..segments.segment import Segment
from ..storage.store import Store
from .chunk_scan import chunk_batches

SAMPLE = 64
"""Chunks that are embedded again."""
_LISTED = 5
_LEAST_COSINE = 0.995
"""Of a vector embedded again to the stored one, where the bundle states no tolerance: rounding to int8 costs 0.0005."""


@dataclass(frozen=True)
class Problem:
    """Something in an index that is not as it was written."""

    where: str
    """A file of the index, or ``catalog.sqlite: <table>``."""
    what: str


@dataclass(frozen=True)
class VerifyReport:
    """What was checked, and what was wrong."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    """What could not be checked, and why."""
    documents: int
    chunks: int
    segments: int
    embedded_again: int
    """Chunks whose text was embedded again and compared with the stored vector."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, table: str, what: str) -> None:
        self.problems.append(Problem(f"{CATALOG_NAME}: {table}", what))

    def file(self, name: str, what: str) -> None:
        self.problems.append(Problem(name, what))

    @contextmanager
    def on_damaged_rows(self, what: str) -> Iterator[None]:
        """Where damage is known, values of any type may turn up; what stumbles over one is noted as not checked."""
        try:
            yield
        except IndexCorruptError as error:
            self.file(error.path.name, error.reason)
        except (TypeError, ValueError) as error:
            if not self.problems:
                raise
            self.notes.append(f"{what} could not be checked to the end, for rows are damaged: {error}")


def verify_store(store: Store) -> VerifyReport:
    """Check an open index, as of its last commit.

    Raises:
        IndexCorruptError: too little is whole to look any further.
    """

    def embedder() -> Embedder | Unavailable:
        try:
            return store.models.document_embedder("text")
        except (BundleError, ModelMismatchError) as error:
            return Unavailable(str(error))

    def is_named(name: str) -> bool:
        with store.catalog.read() as newest:
            return any(info.file == name for info in newest.segments())

    def verify_commit(snapshot: Snapshot) -> VerifyReport:
        dims = recorded_models(snapshot, store.path).dims()
        return verify(snapshot, store.path, dims, embedder, is_named)

    return store.read(verify_commit)


def verify(
    snapshot: Snapshot,
    folder: Path,
    dims: Mapping[str, int],
    embedder: Callable[[], Embedder | Unavailable],
    is_named: Callable[[str], bool],
) -> VerifyReport:
    """Check the index in ``folder`` as of one commit.

    Args:
        dims: length of its vectors, for each kind.
        is_named: whether the newest commit names a segment.
        embedder: the model of texts, for the sample, called late.

    Raises:
        FileNotFoundError: a segment is gone; a newer commit may know why.
        IndexCorruptError: the catalog cannot be read at all.
        OutdatedLayoutError: it has an older layout.
    """
    if snapshot.layout != LAYOUT:
        raise outdated(folder / CATALOG_NAME, snapshot.layout)
    db = snapshot.connection
    findings = _Findings()
    _check_pages(db, findings)
    _check_checksums(db, findings)
    segments: dict[str, Segment] = {}
    with findings.on_damaged_rows("references"):
        _check_references(db, findings)
        if not fulltext.is_current(db):
            findings.notes.append("full text was made by another edgeembed or Python and could not be compared")
        elif not snapshot.full_text_is_intact():
            findings.table("words", "full text does not say what the passages say")
    with findings.on_damaged_rows("segments"):
        segments = _open_segments(snapshot, folder, dims, is_named, findings)
    with findings.on_damaged_rows("passages"):
        _check_chunks(db, segments, dims, findings)
    again = 0
    if not findings.problems:
        again = _check_sample(db, segments, dims, embedder, findings)
    counts = snapshot.counts()
    return VerifyReport(
        tuple(findings.problems),
        tuple(findings.notes),
        counts["documents"],
        counts["chunks"],
        counts["segments"],
        again,
    )


def _check_pages(db: Connection, findings: _Findings) -> None:
    """Let SQLite check how its pages, indexes and references hang together."""
    for (line,) in db.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            findings.file(CATALOG_NAME, str(line))
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(_LISTED):
        findings.table(table, f"row {row} refers to a row of {parent} that is not there")


def _check_checksums(db: Connection, findings: _Findings) -> None:
    """Compare every row with its checksum."""
    for table in CHECKSUMMED:
        name = CHECKSUMMED[table][0]
        rows = db.execute(
            f'SELECT quote("{name}") FROM {table} WHERE checksum IS NOT {checksum_sql(table)} LIMIT {_LISTED + 1}'
        ).fetchall()
        for (value,) in rows[:_LISTED]:
            findings.table(table, f"the row with {name} {value[:80]} is not as it was written")
        if len(rows) > _LISTED:
            findings.table(table, "and more such rows")


def _check_references(db: Connection, findings: _Findings) -> None:
    questions = {
        "contents": "SELECT hex(hash) FROM contents c WHERE complete AND chunks <> "
        "(SELECT count(*) FROM chunks k WHERE k.content = c.content)",
        "documents": "SELECT id FROM documents d JOIN contents c USING (content) WHERE NOT c.complete",
        "files": f"SELECT path FROM files WHERE state <> 'skipped' AND path NOT IN (SELECT {FILE_OF} FROM documents d)",
        "chunks": "SELECT k.key FROM chunks k JOIN contents c USING (content) WHERE k.kind <> c.kind",
    }
    what = {
        "contents": "has not as many chunks as it was written with",
        "documents": "points to a content that is not complete",
        "files": "is said to be indexed, and is not",
        "chunks": "is of another kind than its content",
    }
    for table, sql in questions.items():
        for (name,) in db.execute(f"{sql} LIMIT {_LISTED}"):
            findings.table(table, f"{name} {what[table]}")
    for id, metadata in db.execute("SELECT id, metadata FROM documents"):
        try:
            fault = "" if is_json(metadata) else "is no JSON object, or holds NaN or Infinity, for which null is taken"
        except (ValueError, TypeError, RecursionError):
            fault = "is no JSON object"
        if fault:
            findings.table("documents", f"the metadata of {id} {fault}")


def _open_segments(
    snapshot: Snapshot, folder: Path, dims: Mapping[str, int], is_named: Callable[[str], bool], findings: _Findings
) -> dict[str, Segment]:
    """The segments whose files are those that were written, by name; each is hashed before it is mapped."""
    intact: dict[str, Segment] = {}
    last: dict[tuple[str, int], int] = {}
    for info in snapshot.segments():
        try:
            check_segment_info(info, folder)
        except IndexCorruptError as error:
            findings.table("segments", error.reason)
            continue
        if info.first_key <= last.get((info.kind, info.encoder), -1):
            findings.table("segments", f"{info.file} overlaps the one before it")
            continue
        last[info.kind, info.encoder] = info.last_key
        try:
            segment = Segment(folder, info, dims.get(info.kind, 0), hash_cache=None)
        except IndexCorruptError as error:
            findings.file(info.file, error.reason)
            continue
        except FileNotFoundError:
            if not is_named(info.file):
                raise
            findings.file(info.file, "is missing")
            continue
        keys = segment.keys()
        if len(keys) != info.rows or (keys[0], keys[-1]) != (info.first_key, info.last_key):
            findings.file(info.file, "does not hold the keys that it was written with")
            continue
        intact[info.file] = segment
    return intact


def _check_chunks(db: Connection, segments: dict[str, Segment], dims: Mapping[str, int], findings: _Findings) -> None:
    """Every chunk has its vector, or is said to have none; digests fit text, span and vector, and spans their texts."""
    wrong: dict[str, list[int]] = {}
    for keys, chunks, digests, vectors in chunk_batches(db, segments, dims):
        for key, chunk, digest, vector in zip(keys, chunks, digests, vectors, strict=True):
            fault = _chunk_fault(chunk, digest, vector)
            if fault is not None:
                wrong.setdefault(fault, []).append(key)
    for fault, keys in wrong.items():
        more = f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else ""
        findings.table("chunks", f"{', '.join(map(str, keys[:_LISTED]))}{more}: {fault}")
    strays = db.execute("SELECT count(*) FROM unsegmented WHERE key NOT IN (SELECT key FROM chunks)").fetchone()[0]
    strays += db.execute(
        "SELECT count(*) FROM unsegmented f JOIN chunks c USING (key) WHERE f.kind <> c.kind"
    ).fetchone()[0]
    if strays:
        findings.table("unsegmented", f"{strays:,} vectors belong to no chunk")
    for info in (segment.info for segment in segments.values()):
        twice = db.execute(
            "SELECT count(*) FROM unsegmented WHERE kind = ? AND key BETWEEN ? AND ?",
            (info.kind, info.first_key, info.last_key),
        ).fetchone()[0]
        if twice:
            findings.table("unsegmented", f"{twice:,} vectors lie where {info.file} has its own")
    _check_order(db, findings)


def _chunk_fault(chunk: ChunkRow, digest: bytes, vector: bytes | None) -> str | None:
    if vector is None:
        return "has no vector"
    if chunk_digest(chunk, vector) != digest:
        return "text, span and vector are not those that were written"
    if chunk.text is None:
        return None if chunk.kind == "image" else "has no text"
    if chunk.start is None or chunk.end is None or (chunk.start_line is None) != (chunk.end_line is None):
        return "has no span"
    # Text that was taken out of a file without lines has none.
    lines = None if chunk.start_line is None else (chunk.end_line or 0) - chunk.start_line
    if chunk.end - chunk.start != len(chunk.text) or lines not in (None, chunk.text.count("\n")):
        return "its span does not fit its text"
    return None


def _check_order(db: Connection, findings: _Findings) -> None:
    """Within a content, chunks follow each other."""
    row = db.execute(
        'SELECT key FROM (SELECT key, start, max("end") OVER (PARTITION BY content ORDER BY start ROWS BETWEEN '
        "UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM chunks) WHERE start < before LIMIT 1"
    ).fetchone()
    if row is not None:
        findings.table("chunks", f"{row[0]} overlaps the one before it")


def _check_sample(
    db: Connection,
    segments: dict[str, Segment],
    dims: Mapping[str, int],
    embedder: Callable[[], Embedder | Unavailable],
    findings: _Findings,
) -> int:
    """Embed some texts again, spread evenly over the keys, and compare."""
    keys = [
        key
        for (key,) in db.execute("SELECT key FROM chunks WHERE text IS NOT NULL AND encoder IS NOT NULL ORDER BY key")
    ]
    keys = keys[:: max(1, len(keys) // SAMPLE)][:SAMPLE]
    if not keys:
        return 0
    model = embedder()
    if isinstance(model, Unavailable):
        findings.notes.append(f"no text was embedded again: {model.reason}")
        return 0
    sampled: Any = set(keys)
    texts, stored = [], []
    for some, chunks, _, vectors in chunk_batches(db, segments, dims):
        for key, chunk, vector in zip(some, chunks, vectors, strict=True):
            if key in sampled and chunk.text is not None and vector:
                texts.append(chunk.text)
                stored.append(vector)
    again = model.embed_texts(texts)
    rows = from_blobs(stored, dims["text"])
    least = min(_LEAST_COSINE, model.manifest.tolerance.get("self", 1.0))
    worst = min(float(cosines(vector, row[None])[0]) for vector, row in zip(again, rows, strict=True))
    if worst < least:
        findings.table("chunks", f"a text embedded again departs from its vector: cosine {worst:.4f}")
    return len(texts)
