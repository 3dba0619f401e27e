"""All readers: what damage may end as."""

from __future__ import annotations

import pytest

from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers import READERS, read


@pytest.mark.parametrize("kind", READERS)
def test_damage_is_a_reason_or_an_ordinary_exception(kind: str) -> None:
    """Nothing that a file holds may end the process that reads it in another way than the worker knows."""
    starts = {"zip": b"PK\x03\x04", "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "pdf": b"%PDF-1.4", "rtf": b"{\\rtf1"}
    for rest in (b"", b"\0" * 600, bytes(range(256)) * 8, b"{[<(" * 300):
        try:
            extracted = read(kind, starts.get(kind, b"") + rest)
        except (Unreadable, ValueError, LookupError, TypeError, AttributeError, OSError):
            continue
        assert extracted.text.strip()
