"""A segment: one file of stored vectors, mapped and searched."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgeembed.errors import EdgeEmbedError, IndexCorruptError
from edgeembed.segments import segment as segment_module
from edgeembed.segments.int8 import to_int8
from edgeembed.segments.segment import Segment, write_segment
from edgeembed.segments.segment_set import nearest_rows
from tests.support.segments import DIM, unit, write


def test_a_segment_finds_what_an_exact_comparison_finds(tmp_path: Path) -> None:
    vectors = unit(3000)
    segment = write(tmp_path, vectors, first=101)
    for query in unit(20, seed=1):
        keys, similarities = nearest_rows([segment], query, 10)
        best = np.argsort(-(vectors @ query))[:10] + 101
        assert len(set(keys.tolist()) & set(best.tolist())) >= 9
        assert (np.diff(similarities) <= 0).all()


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


@pytest.mark.slow
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


def test_a_segment_of_several_parts_is_that_of_all_rows(tmp_path: Path) -> None:
    rows = to_int8(unit(30))
    keys = np.arange(1, 31, dtype=np.int64)
    parts = [rows[:7], rows[7:8], rows[8:]]
    facts = write_segment(tmp_path, f"text-{1:032x}.usearch", "text", keys, parts, threads=1)
    segment = Segment(tmp_path, facts, DIM, hash_cache=None)
    assert (facts.first_key, facts.last_key, facts.rows) == (1, 30, 30)
    assert (segment.rows(keys) == rows).all()


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
