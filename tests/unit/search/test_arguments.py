"""What callers pass to a search: accepted, or refused with what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeembed.search.arguments import check_id, check_limits, item_kind, listed


def test_meanings_with_and_without_weights_are_listed() -> None:
    items: list[Any] = ["dog", (2, "cat"), (0.5, Path("a.png")), b"picture", (np.float64(1.5), "bird")]
    assert listed("plus", iter(items)) == items
    assert listed("plus", ()) == []


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ("dog", TypeError, r"plus must be a sequence, not one str: \['dog'\]"),
        (b"picture", TypeError, "not one bytes"),
        (3, TypeError, "not one int"),
        ({"dog": 2}, TypeError, "not a dict"),
        ([("dog", 2)], TypeError, "is no pair of a weight and a meaning"),
        ([(1, "dog", 2)], TypeError, "is no pair of a weight and a meaning"),
        ([3], TypeError, "3 is no meaning"),
        ([(float("nan"), "dog")], ValueError, "the weight of 'dog' must be a number from -1000000 to 1000000"),
        ([(1e9, "dog")], ValueError, "the weight of 'dog'"),
        ([" "], ValueError, "is empty"),
        ([b""], ValueError, "is empty"),
    ],
)
def test_other_arguments_are_refused(items: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        listed("plus", items)


def test_an_id_is_a_string() -> None:
    check_id("mail-1")
    with pytest.raises(TypeError, match="an id must be a string, not int: 3"):
        check_id(3)


@pytest.mark.parametrize("min_score", [None, "auto", 0, 1, 0.5, np.float32(0.5)])
def test_limits_that_are_allowed(min_score: object) -> None:
    check_limits(np.int64(1), min_score)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("k", "min_score", "error"),
    [
        (0, None, ValueError),
        (1.5, None, TypeError),
        (1, 1.1, ValueError),
        (1, float("nan"), ValueError),
        (1, "", ValueError),
    ],
)
def test_limits_that_mean_nothing(k: Any, min_score: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_limits(k, min_score)


def test_a_query_with_a_picture_in_it_is_one_of_pictures() -> None:
    assert item_kind(["dog", (2, "cat")]) == "text"
    assert item_kind(["dog", (-1, Path("a.png"))]) == "image"
