"""All segments of an index together: searched as one, dropped, swept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeembed.segments import segment_set as segment_set_module
from edgeembed.segments.hash_cache import HashCache
from edgeembed.segments.int8 import cosines, to_int8
from edgeembed.segments.segment_set import SegmentSet, nearest_rows
from tests.support.segments import DIM, unit, write


def test_several_graphs_share_how_far_they_are_walked() -> None:
    walked = [segment_set_module._expansion(graphs) for graphs in range(50)]
    assert walked[:5] == [1024, 1024, 384, 256, 192]
    assert walked == sorted(walked, reverse=True)
    assert min(walked) >= 128  # more than a search for ten documents asks of each


def test_segments_together_find_what_one_of_all_rows_finds(tmp_path: Path) -> None:
    vectors = unit(900)
    parts = [write(tmp_path, vectors[start : start + 300], first=start + 1) for start in range(0, 900, 300)]
    for query in unit(10, seed=1):
        keys, similarities = nearest_rows(parts, query, 20)
        best = np.argsort(-cosines(query, to_int8(vectors)), kind="stable")[:20]
        assert keys.tolist() == (best + 1).tolist()
        assert (np.diff(similarities) <= 0).all()
    keys, similarities = nearest_rows(parts, query, 2000)
    assert sorted(keys.tolist()) == list(range(1, 901))
    assert nearest_rows([], query, 5)[0].tolist() == []


def test_what_is_dropped_is_gone_from_the_disk(tmp_path: Path) -> None:
    old, new = write(tmp_path, unit(5), first=1).info, write(tmp_path, unit(5), first=11).info
    segments = SegmentSet(tmp_path, {"text": DIM}, hash_cache=HashCache(tmp_path, read_only=False))
    held = segments.open(old)
    segments.drop([old])
    assert [path.name for path in tmp_path.glob("*.usearch")] == [new.file]
    assert len(held.rows(np.array([1, 5]))) == 2  # whoever reads it still may
    with pytest.raises(FileNotFoundError):
        segments.open(old)


def test_orphans_are_deleted_that_no_commit_names(tmp_path: Path) -> None:
    segments = SegmentSet(tmp_path, {"text": DIM}, hash_cache=HashCache(tmp_path, read_only=False))
    old, new = write(tmp_path, unit(5), first=1).info, write(tmp_path, unit(5), first=6).info
    (tmp_path / "9.usearch.part").write_bytes(b"left by a crash")
    (tmp_path / "catalog.sqlite").write_bytes(b"")
    kept = segments.open(old)
    segments.collect_garbage([new.file])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog.sqlite", new.file]
    assert len(nearest_rows([kept], unit(1)[0], 3)[0]) == 3  # a reader that holds it is not disturbed
    with pytest.raises(FileNotFoundError):
        segments.open(old)
