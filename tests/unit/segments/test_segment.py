"""SegmentSet of stored vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgeembed.errors import EdgeEmbedError, IndexCorruptError
from edgeembed.segments import segment as segment_module
from edgeembed.segments import segment_set as segment_set_module
from edgeembed.segments.hash_cache import HashCache
from edgeembed.segments.int8 import cosines, to_int8
from edgeembed.segments.segment import Segment, write_segment
from edgeembed.segments.segment_set import SegmentSet, nearest_rows

DIM = 32


def unit(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(folder: Path, vectors: np.ndarray, first: int = 1) -> Segment:
    keys = np.arange(first, first + len(vectors), dtype=np.int64)
    facts = write_segment(folder, f"text-{first:032x}.usearch", "text", keys, [to_int8(vectors)], threads=2)
    return Segment(folder, facts, DIM, hash_cache=None)


def test_a_segment_finds_what_an_exact_comparison_finds(tmp_path: Path) -> None:
    vectors = unit(3000)
    segment = write(tmp_path, vectors, first=101)
    for query in unit(20, seed=1):
        keys, similarities = nearest_rows([segment], query, 10)
        best = np.argsort(-(vectors @ query))[:10] + 101
        assert len(set(keys.tolist()) & set(best.tolist())) >= 9
        assert (np.diff(similarities) <= 0).all()


def test_several_graphs_share_how_far_they_are_walked() -> None:
    walked = [segment_set_module._expansion(graphs) for graphs in range(50)]
    assert walked[:5] == [1024, 1024, 384, 256, 192]
    assert walked == sorted(walked, reverse=True)
    assert min(walked) >= 128  # more than a search for ten documents asks of each


@pytest.mark.slow
def test_a_large_segment_is_searched_by_its_graph_nearly_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Clustered as real vectors are; a graph over uniform noise is the worst case that never occurs.
    monkeypatch.setattr(segment_module, "EXACT_ROWS", 1000)
    rng = np.random.default_rng(0)
    centres = unit(200, seed=2)
    vectors = centres[rng.integers(0, 200, 10_000)] + 0.15 * rng.standard_normal((10_000, DIM))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    segment = write(tmp_path, vectors)
    recalls = []
    for query in vectors[rng.integers(0, len(vectors), 50)]:
        graph, _ = nearest_rows([segment], query, 10)
        exact, _ = nearest_rows([segment], query, 10, exact=True)
        recalls.append(len(set(graph.tolist()) & set(exact.tolist())) / 10)
    assert np.mean(recalls) >= 0.98


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


def test_a_segment_takes_at_most_a_third_of_the_vectors_in_float32(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(-127, 128, (5000, 384), dtype=np.int8)
    facts = write_segment(tmp_path, f"text-{0:032x}.usearch", "text", np.arange(1, 5001), [rows], threads=2)
    assert facts.size_bytes <= 0.35 * 4 * 384 * 5000


def test_compare_and_rows_by_key(tmp_path: Path) -> None:
    vectors = unit(50)
    segment = write(tmp_path, vectors, first=10)
    keys, similarities = segment.compare(vectors[3], np.array([5, 13, 20, 999]))
    assert keys.tolist() == [13, 20]
    assert similarities[0] == pytest.approx(1, abs=1e-3)
    assert (segment.rows(np.array([13])) == to_int8(vectors[3:4])).all()
    assert segment.keys().tolist() == list(range(10, 60))


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    segment = write(tmp_path, unit(50))
    path = tmp_path / segment.info.file
    raw = bytearray(path.read_bytes())
    assert segment.is_intact()
    for name, content in {"cut": raw[:-1], "longer": raw + b"x", "header": b"\xff" + raw[1:]}.items():
        path.unlink()  # a mapped file must not be written over
        path.write_bytes(content)
        with pytest.raises(IndexCorruptError, match="size or header"):
            Segment(tmp_path, segment.info, DIM, hash_cache=None)
        assert not segment.is_intact(), name


def test_another_dimension_is_refused_before_it_is_mapped(tmp_path: Path) -> None:
    segment = write(tmp_path, unit(5))
    with pytest.raises(IndexCorruptError, match="size or header"):
        Segment(tmp_path, segment.info, DIM * 2, hash_cache=None)


def test_what_is_dropped_is_gone_from_the_disk(tmp_path: Path) -> None:
    old, new = write(tmp_path, unit(5), first=1).info, write(tmp_path, unit(5), first=11).info
    segments = SegmentSet(tmp_path, {"text": DIM}, hash_cache=HashCache(tmp_path, read_only=False))
    held = segments.open(old)
    segments.drop([old])
    assert [path.name for path in tmp_path.glob("*.usearch")] == [new.file]
    assert len(held.rows(np.array([1, 5]))) == 2  # whoever reads it still may
    with pytest.raises(FileNotFoundError):
        segments.open(old)


def test_a_segment_of_several_parts_is_that_of_all_rows(tmp_path: Path) -> None:
    rows = to_int8(unit(30))
    keys = np.arange(1, 31, dtype=np.int64)
    parts = [rows[:7], rows[7:8], rows[8:]]
    facts = write_segment(tmp_path, f"text-{1:032x}.usearch", "text", keys, parts, threads=1)
    segment = Segment(tmp_path, facts, DIM, hash_cache=None)
    assert (facts.first_key, facts.last_key, facts.rows) == (1, 30, 30)
    assert (segment.rows(keys) == rows).all()


def test_sweep_deletes_what_no_commit_names(tmp_path: Path) -> None:
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


def test_a_file_that_lacks_its_last_bytes_is_never_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk usearch may save all but the end without an error."""
    from usearch.index import Index

    save = Index.save

    def cut(self: Index, path: str) -> None:
        save(self, path)
        os.truncate(path, Path(path).stat().st_size - 5)

    monkeypatch.setattr(Index, "save", cut)
    with pytest.raises(EdgeEmbedError, match="make room"):
        write(tmp_path, unit(50))
    assert list(tmp_path.iterdir()) == []
