"""Vectors as they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from edgeembed.segments.int8 import cosines, to_int8


def unit(rows: int) -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((rows, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_int8_keeps_the_cosine() -> None:
    vectors = unit(500)
    exact = vectors @ vectors[0]
    assert np.abs(cosines(vectors[0], to_int8(vectors)) - exact).max() < 0.01
    assert to_int8(vectors).max() == 127


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_vector_that_would_poison_the_index_is_refused(value: float) -> None:
    vectors = unit(3)
    vectors[1] = value
    with pytest.raises(ValueError, match="zero or not finite"):
        to_int8(vectors)
