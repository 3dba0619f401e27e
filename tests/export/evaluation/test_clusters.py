"""Neighbours, clusters and how they are judged, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.clusters import k_means, neighbour_accuracy, numbered, v_measure


def at_angles(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_labels_become_numbers() -> None:
    assert numbered(["b", "a", "b", "c"]).tolist() == [1, 0, 1, 2]


def test_nearest_other_row() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    vectors = at_angles(0, 10, 20, 100, 110, 31)  # the last one lies among the others' neighbours
    assert neighbour_accuracy(vectors, labels, k=1) == pytest.approx(5 / 6)
    # Of two neighbours with different labels the nearer one decides.
    assert neighbour_accuracy(vectors, labels, k=2) == pytest.approx(5 / 6)


def test_most_votes_win_over_the_nearest() -> None:
    vectors, labels = at_angles(0, 5, 8, 9), np.array([1, 0, 1, 1])
    assert neighbour_accuracy(vectors, labels, k=1) == pytest.approx(2 / 4)  # 0 and 5 have each other's label
    assert neighbour_accuracy(vectors, labels, k=3) == pytest.approx(3 / 4)  # only 5 stands against all others


def test_more_neighbours_than_rows() -> None:
    assert neighbour_accuracy(at_angles(0, 1), np.array([0, 0]), k=10) == 1
    with pytest.raises(ValueError, match="at least two"):
        neighbour_accuracy(at_angles(0), np.array([0]))


def test_neighbours_of_many_rows() -> None:
    """More rows than are compared at a time: no row may be its own neighbour in any block."""
    vectors = at_angles(*np.repeat(np.arange(0, 360, 0.2), 1)[:1500])
    labels = np.arange(1500) % 2  # the nearest two both have the other label
    assert neighbour_accuracy(vectors, labels, k=2) == pytest.approx(0, abs=2 / 1500)


def test_k_means_finds_what_lies_apart() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    points = (centres.repeat(20, axis=0) + rng.normal(0, 0.5, (60, 2))).astype(np.float32)
    found = k_means(points, 3, seed=1)
    assert v_measure(np.arange(3).repeat(20), found) == pytest.approx(1)
    np.testing.assert_array_equal(found, k_means(points, 3, seed=1))


def test_k_means_at_its_limits() -> None:
    points = at_angles(0, 90, 180)
    assert sorted(k_means(points, 3, seed=0).tolist()) == [0, 1, 2]
    assert set(k_means(np.ones((5, 2), np.float32), 3, seed=0).tolist()) <= {0, 1, 2}
    with pytest.raises(ValueError, match="between 1 and the number of points, 3, not 4"):
        k_means(points, 4, seed=0)


def test_v_measure_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    assert v_measure(labels, np.array([1, 1, 0, 0])) == pytest.approx(1)
    assert v_measure(labels, np.array([0, 1, 0, 1])) == pytest.approx(0)
    # H(label) = ln 2, H(label | cluster) = 3/4 (ln 3 - 2/3 ln 2); H(cluster) = 2 ln 2 - 3/4 ln 3,
    # H(cluster | label) = 1/2 ln 2: homogeneity 0.3113, completeness 0.3837.
    assert v_measure(labels, np.array([0, 0, 0, 1])) == pytest.approx(0.34371, abs=1e-5)


def test_v_measure_where_one_side_is_all_alike() -> None:
    same, apart = np.zeros(4, np.int64), np.arange(4)
    assert v_measure(same, same) == 1
    assert v_measure(same, apart) == pytest.approx(0)  # homogeneous, but as incomplete as can be
    assert v_measure(apart, same) == pytest.approx(0)
