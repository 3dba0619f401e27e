"""Check everything that an index claims: every checksum, every count, every reference, and a sample of its vectors.

Nothing is changed. What is found is for ``repair``; what a search would answer wrongly is always found, because every
byte that an answer is made from is under a digest: catalog rows under their seal, vectors and texts under the digest
of their chunk, segment files under their SHA-256, and the way the catalog's pages hang together under SQLite's own
check.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..catalog.checksums import CHECKSUMMED, checksum_sql, chunk_digest
from ..catalog.database import CATALOG_NAME
from ..catalog.segment_info import check_segment_info
from ..catalog.snapshot import ChunkRow, Snapshot
from ..catalog.sqlite import Connection
from ..embedder import Embedder
from ..errors import IndexCorruptError
from ..segments.int8 import cosines
from ..segments.segment import Segment
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


def verify(
    snapshot: Snapshot,
    folder: Path,
    dims: Mapping[str, int],
    embedder: Callable[[], Embedder | str],
    is_named: Callable[[str], bool],
) -> VerifyReport:
    """Check the index in ``folder`` as of one commit.

    Args:
        dims: length of its vectors, for each kind.
        is_named: whether the newest commit names a segment.
        embedder: the model of texts, for the sample, called late; or the reason why there is none.

    Raises:
        FileNotFoundError: a segment is gone; a newer commit may know why.
        IndexCorruptError: the catalog cannot be read at all.
    """
    db = snapshot.connection
    found = _Findings()
    _check_pages(db, found)
    _check_seals(db, found)
    segments: dict[str, Segment] = {}
    with found.on_damaged_rows("references"):
        _check_references(db, found)
        if not snapshot.full_text_is_intact():
            found.table("words", "full text does not say what the passages say")
    with found.on_damaged_rows("segments"):
        segments = _open_segments(snapshot, folder, dims, is_named, found)
    with found.on_damaged_rows("passages"):
        _check_chunks(db, segments, dims, found)
    again = 0
    if not found.problems:
        again = _check_sample(db, segments, dims, embedder, found)
    counts = snapshot.counts()
    return VerifyReport(
        tuple(found.problems), tuple(found.notes), counts["documents"], counts["chunks"], counts["segments"], again
    )


def _check_pages(db: Connection, found: _Findings) -> None:
    """Let SQLite check how its pages, indexes and references hang together."""
    for (line,) in db.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            found.file(CATALOG_NAME, str(line))
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(_LISTED):
        found.table(table, f"row {row} refers to a row of {parent} that is not there")


def _check_seals(db: Connection, found: _Findings) -> None:
    """Compare every row with its seal."""
    for table in CHECKSUMMED:
        name = CHECKSUMMED[table][0]
        rows = db.execute(
            f'SELECT quote("{name}") FROM {table} WHERE seal IS NOT {checksum_sql(table)} LIMIT {_LISTED + 1}'
        ).fetchall()
        for (value,) in rows[:_LISTED]:
            found.table(table, f"the row with {name} {value[:80]} is not as it was written")
        if len(rows) > _LISTED:
            found.table(table, "and more such rows")


def _check_references(db: Connection, found: _Findings) -> None:
    questions = {
        "contents": "SELECT hex(hash) FROM contents c WHERE complete AND chunks <> "
        "(SELECT count(*) FROM chunks k WHERE k.content = c.content)",
        "documents": "SELECT id FROM documents d JOIN contents c USING (content) WHERE NOT c.complete",
        "files": "SELECT path FROM files WHERE reason IS NULL AND path NOT IN (SELECT id FROM documents)",
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
            found.table(table, f"{name} {what[table]}")
    for id, metadata in db.execute("SELECT id, metadata FROM documents"):
        try:
            value = json.loads(metadata)
        except (ValueError, TypeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            found.table("documents", f"the metadata of {id} is no JSON object")


def _open_segments(
    snapshot: Snapshot, folder: Path, dims: Mapping[str, int], is_named: Callable[[str], bool], found: _Findings
) -> dict[str, Segment]:
    """The segments whose files are those that were written, by name; each is hashed before it is mapped."""
    intact: dict[str, Segment] = {}
    last: dict[str, int] = {}
    for facts in snapshot.segments():
        try:
            check_segment_info(facts, folder)
        except IndexCorruptError as error:
            found.table("segments", error.reason)
            continue
        if facts.first_key <= last.get(facts.kind, -1):
            found.table("segments", f"{facts.file} overlaps the one before it")
            continue
        last[facts.kind] = facts.last_key
        try:
            segment = Segment(folder, facts, dims.get(facts.kind, 0), stamps=None)
        except IndexCorruptError as error:
            found.file(facts.file, error.reason)
            continue
        except FileNotFoundError:
            if not is_named(facts.file):
                raise
            found.file(facts.file, "is missing")
            continue
        keys = segment.keys()
        if len(keys) != facts.rows or (keys[0], keys[-1]) != (facts.first_key, facts.last_key):
            found.file(facts.file, "does not hold the keys that it was written with")
            continue
        intact[facts.file] = segment
    return intact


def _check_chunks(db: Connection, segments: dict[str, Segment], dims: Mapping[str, int], found: _Findings) -> None:
    """Every chunk has one vector, its digest fits text, span and vector, and its span fits its text."""
    wrong: dict[str, list[int]] = {}
    for keys, chunks, digests, vectors in chunk_batches(db, segments, dims):
        for key, chunk, digest, vector in zip(keys, chunks, digests, vectors, strict=True):
            fault = _chunk_fault(chunk, digest, vector)
            if fault is not None:
                wrong.setdefault(fault, []).append(key)
    for fault, keys in wrong.items():
        more = f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else ""
        found.table("chunks", f"{', '.join(map(str, keys[:_LISTED]))}{more}: {fault}")
    strays = db.execute("SELECT count(*) FROM fresh WHERE key NOT IN (SELECT key FROM chunks)").fetchone()[0]
    strays += db.execute("SELECT count(*) FROM fresh f JOIN chunks c USING (key) WHERE f.kind <> c.kind").fetchone()[0]
    if strays:
        found.table("fresh", f"{strays:,} vectors belong to no chunk")
    for facts in (segment.facts for segment in segments.values()):
        twice = db.execute(
            "SELECT count(*) FROM fresh WHERE kind = ? AND key BETWEEN ? AND ?",
            (facts.kind, facts.first_key, facts.last_key),
        ).fetchone()[0]
        if twice:
            found.table("fresh", f"{twice:,} vectors lie where {facts.file} has its own")
    _check_order(db, found)


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


def _check_order(db: Connection, found: _Findings) -> None:
    """Within a content, chunks follow each other."""
    row = db.execute(
        'SELECT key FROM (SELECT key, start, max("end") OVER (PARTITION BY content ORDER BY start ROWS BETWEEN '
        "UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM chunks) WHERE start < before LIMIT 1"
    ).fetchone()
    if row is not None:
        found.table("chunks", f"{row[0]} overlaps the one before it")


def _check_sample(
    db: Connection,
    segments: dict[str, Segment],
    dims: Mapping[str, int],
    embedder: Callable[[], Embedder | str],
    found: _Findings,
) -> int:
    """Embed some texts again, spread evenly over the keys, and compare."""
    keys = [key for (key,) in db.execute("SELECT key FROM chunks WHERE text IS NOT NULL ORDER BY key")]
    keys = keys[:: max(1, len(keys) // SAMPLE)][:SAMPLE]
    if not keys:
        return 0
    model = embedder()
    if isinstance(model, str):
        found.notes.append(f"no text was embedded again: {model}")
        return 0
    wanted: Any = set(keys)
    texts, stored = [], []
    for some, chunks, _, vectors in chunk_batches(db, segments, dims):
        for key, chunk, vector in zip(some, chunks, vectors, strict=True):
            if key in wanted and chunk.text is not None and vector is not None:
                texts.append(chunk.text)
                stored.append(vector)
    again = model.embed_texts(texts)
    rows = np.frombuffer(b"".join(stored), dtype=np.int8).reshape(len(stored), dims["text"])
    least = min(_LEAST_COSINE, model.manifest.tolerance.get("self", 1.0))
    worst = min(float(cosines(vector, row[None])[0]) for vector, row in zip(again, rows, strict=True))
    if worst < least:
        found.table("chunks", f"a text embedded again departs from its vector: cosine {worst:.4f}")
    return len(texts)
