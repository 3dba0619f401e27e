"""Facts of segments that no writer would have put into a catalog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeembed.catalog.rows import SegmentInfo, check_segment_info
from edgeembed.errors import IndexCorruptError

GOOD = SegmentInfo(f"text-{7:032x}.usearch", "text", first_key=1, last_key=12, rows=10, size_bytes=999, sha256="")


def test_what_a_writer_puts_there_passes() -> None:
    check_segment_info(GOOD, Path("index"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"file": "../catalog.sqlite"}, "no name of one"),
        ({"file": b"text"}, "no name of one"),
        ({"kind": "image"}, "is said to hold vectors of 'image'"),
        ({"rows": 0}, "entry is invalid"),
        ({"rows": 13}, "entry is invalid"),
        ({"last_key": "12"}, "entry is invalid"),
        ({"size_bytes": 1 << 41}, "entry is invalid"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(IndexCorruptError, match=reason):
        check_segment_info(replace(GOOD, **wrong), Path("index"))
