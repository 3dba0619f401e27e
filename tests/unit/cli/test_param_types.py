"""What is typed on the command line as values: weights, dates, sizes, scores, pictures."""

from __future__ import annotations

import re

import click
import pytest

from edgeembed.cli.param_types import Item


@pytest.mark.parametrize(
    ("typed", "weight", "words"),
    [
        ("dog", 1, "dog"),
        ("2:dog", 2, "dog"),
        ("0.5:dog", 0.5, "dog"),
        (".5:dog", 0.5, "dog"),
        ("12:30 train", 12, "30 train"),
        ("1:12:30 train", 1, "12:30 train"),
        ("1:-1:dog", 1, "-1:dog"),
        ("note: the train", 1, "note: the train"),
        ("192.168.0.1:80", 1, "192.168.0.1:80"),
        ("-1 dog", 1, "-1 dog"),
        ("infinity: a novel", 1, "infinity: a novel"),
    ],
)
def test_what_begins_with_a_number_and_a_colon_has_a_weight(typed: str, weight: float, words: str) -> None:
    assert Item().convert(typed, None, None) == (weight, words)


@pytest.mark.parametrize(
    "typed", ["-1:dog", "+2:dog", "-.5:dog", "1e3:dog", "1.5E-3:dog", "0,5:dog", "NaN:dog", "-inf:dog"]
)
def test_a_weight_that_is_written_otherwise_is_refused(typed: str) -> None:
    with pytest.raises(
        click.UsageError, match=rf"'{re.escape(typed)}': a weight is a number .* as in 2:dog or 0\.5:dog"
    ):
        Item().convert(typed, None, None)
