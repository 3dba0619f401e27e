"""Two dimensions that keep what matters."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.projection import principal_components, t_sne


def test_principal_components_of_a_turned_plane() -> None:
    rng = np.random.default_rng(0)
    flat = np.stack([rng.normal(0, 5, 200), rng.normal(0, 1, 200)], axis=1)
    turned = np.linalg.qr(rng.standard_normal((8, 8)))[0][:2]
    points = principal_components((flat @ turned + 3).astype(np.float32))
    centred = flat - flat.mean(axis=0)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.linalg.norm(centred, axis=1), rtol=1e-3)
    assert points[:, 0].std() > 4 > 2 > points[:, 1].std()


def test_principal_components_of_very_little() -> None:
    assert principal_components(np.ones((3, 1), np.float32)).tolist() == [[0, 0]] * 3


def test_t_sne_keeps_groups_together() -> None:
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((4, 20)) * 3
    vectors = (centres.repeat(30, axis=0) + rng.standard_normal((120, 20))).astype(np.float32)
    points = t_sne(vectors, perplexity=10, rounds=400)
    assert points.shape == (120, 2)
    distances = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    labels = np.arange(4).repeat(30)
    assert (labels[distances.argmin(axis=1)] == labels).all()
    np.testing.assert_array_equal(points, t_sne(vectors, perplexity=10, rounds=400))


def test_t_sne_bears_equal_points() -> None:
    vectors = np.repeat(np.eye(8, dtype=np.float32), 8, axis=0)
    assert np.isfinite(t_sne(vectors, perplexity=5, rounds=300)).all()


def test_t_sne_needs_points() -> None:
    with pytest.raises(ValueError, match="10 points are too few for a perplexity of 30"):
        t_sne(np.zeros((10, 3), np.float32))
