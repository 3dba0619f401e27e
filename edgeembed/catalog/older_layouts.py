"""Catalogs of an older layout, read as they are: views that have the names and columns of today.

Whoever may write brings such a catalog to the present layout (``migrate.py``). Where nothing may be written it is read
through temporary views, which belong to a connection and never reach the file. Words are found in it as they were
indexed then.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .sqlite import Connection

_VIEWS = (
    "CREATE TEMP VIEW unsegmented AS SELECT key, kind, vector FROM main.fresh",
    'CREATE TEMP VIEW chunks AS SELECT key, content, kind, start, "end", start_line, end_line, page, text, digest, '
    "1 AS encoder FROM main.chunks",
    "CREATE TEMP VIEW segments AS SELECT *, 1 AS encoder FROM main.segments",
    "CREATE TEMP VIEW files AS SELECT *, iif(reason IS NULL, 'indexed', 'skipped') AS state, "
    "NULL AS reason_kind, NULL AS inode, NULL AS ctime_ns FROM main.files",
)
"""For layouts 1 and 2; of layout 1, which has no full text, only settings and counts are read."""
_FIRST_LAYOUT = 3
"""That needs no views."""
_SCHEMAS = {2: "1e108127d167405f1dcafb2e93028d221eb33af43b4786087cb5436c78199f73"}
"""SHA-256 over the schema of each layout, which must be that of an edgeembed to the letter."""


def is_readable(layout: int, schema: Iterable[tuple[object, ...]]) -> bool:
    """Whether a catalog of an older layout can be read as it is."""
    digest = hashlib.sha256("\n".join(sorted(map(repr, schema))).encode()).hexdigest()
    return _SCHEMAS.get(layout) == digest


def add_views(db: Connection, layout: int) -> None:
    """Give a connection to a catalog of an older layout the names of today."""
    for view in _VIEWS if layout < _FIRST_LAYOUT else ():
        db.execute(view)
