"""Checksums of catalog rows: in each row a digest over its other columns, so that a flipped byte is seen.

SQLite checks how its pages hang together and not what they hold. The rowid is in no checksum: what refers to a row by
number (a document to its content, a chunk to its vector) is checked by following the reference. Vectors are covered
by the digest of their chunk, wherever they lie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

CHECKSUMMED: dict[str, tuple[str, ...]] = {
    "settings": ("name", "value"),
    "encoders": ("digest", "name", "space", "dim"),
    "contents": ("hash", "kind", "complete", "chunks"),
    "documents": ("id", "content", "metadata"),
    "chunks": ("content", "kind", "start", "end", "start_line", "end_line", "page", "text", "digest", "encoder"),
    "segments": ("file", "kind", "first_key", "last_key", "rows", "size_bytes", "sha256", "encoder"),
    "files": (
        *("path", "size_bytes", "mtime_ns", "checked_ns"),
        *("reason", "state", "reason_kind", "inode", "ctime_ns"),
    ),
}
"""The columns of each table that its checksum covers; the checksum is the last column, called ``checksum``."""


def row_checksum(*values: bytes | None) -> bytes:
    """BLAKE2b (RFC 7693), 8 bytes, over the length (4 bytes, little-endian; all ones: null) and bytes of each value."""
    parts = []
    for value in values:
        parts.append(b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "little") + value)
    return hashlib.blake2b(b"".join(parts), digest_size=8).digest()


def checksum_sql(table: str) -> str:
    """The SQL expression of the checksum of a row of ``table``, from its columns as they are in scope."""
    # As blobs, because file names that are not Unicode would not pass as text.
    columns = (f'CAST("{column}" AS BLOB)' for column in CHECKSUMMED[table])
    return f"row_checksum({', '.join(columns)})"


def insert_sql(table: str, *, verb: str = "INSERT") -> str:
    """SQL that inserts a row with its checksum, from the values of the columns that it covers, in their order.

    Text may come as UTF-8 bytes; it becomes text in columns that hold text.
    """
    columns = ", ".join(f'"{column}"' for column in CHECKSUMMED[table])
    values = ", ".join(
        f'CAST(?{i} AS TEXT) AS "{column}"' if column in TEXT_COLUMNS[table] else f'?{i} AS "{column}"'
        for i, column in enumerate(CHECKSUMMED[table], 1)
    )
    return f"{verb} INTO {table} ({columns}, checksum) SELECT *, {checksum_sql(table)} FROM (SELECT {values}) WHERE 1"


TEXT_COLUMNS: Mapping[str, frozenset[str]] = {
    "settings": frozenset(("name", "value")),
    "encoders": frozenset(("digest", "name", "space")),
    "contents": frozenset(("kind",)),
    "documents": frozenset(("id", "metadata")),
    "chunks": frozenset(("kind", "text")),
    "segments": frozenset(("file", "kind", "sha256")),
    "files": frozenset(("path", "state", "reason", "reason_kind")),
    "unsegmented": frozenset(("kind",)),
}
"""Columns that hold text, of each table."""


def register(connection: sqlite3.Connection) -> None:
    """Make ``row_checksum`` known to a connection."""
    connection.create_function("row_checksum", -1, row_checksum, deterministic=True)


def chunk_digest(row: tuple[object, ...], vector: bytes) -> bytes:
    """BLAKE2b, 8 bytes, over a chunk's columns as JSON, its text (the last of ``row``) as UTF-8, and its vector.

    Args:
        vector: empty: it has none.
    """
    header = json.dumps(row[:-1]).encode() + str(row[-1] or "").encode("utf-8", "surrogatepass")
    return hashlib.blake2b(header + vector, digest_size=8).digest()
