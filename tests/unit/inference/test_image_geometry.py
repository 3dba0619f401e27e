"""The image section of a bundle as arithmetic: where a crop begins, what makes no sense."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from edgeembed.errors import BundleError
from edgeembed.inference.image_geometry import crop_box
from edgeembed.inference.image_preprocess import ImagePreprocessor
from tests.support.images import CLIP


@pytest.mark.parametrize(
    ("rounding", "side", "crop", "start"),
    [
        *[("down", 299, 224, 37), ("up", 299, 224, 38), ("even", 299, 224, 38)],
        *[("down", 301, 224, 38), ("up", 301, 224, 39), ("even", 301, 224, 38)],
        *[("down", 300, 224, 38), ("up", 300, 224, 38), ("even", 300, 224, 38)],
        *[("down", 221, 224, -2), ("up", 221, 224, -1), ("even", 221, 224, -1), ("even", 223, 224, 0)],
    ],
)
def test_where_a_crop_begins(rounding: str, side: int, crop: int, start: int) -> None:
    section = dataclasses.replace(CLIP, height=crop, width=crop, crop_rounding=rounding)
    assert crop_box(section, side, side) == (start, start, start + crop, start + crop)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"filter": "sinc"}, "filter is 'sinc'"),
        ({"mode": "HSV"}, "mode is 'HSV'"),
        ({"resize": "longest-edge"}, "resize is 'longest-edge'"),
        ({"resize_to": None}, "needs resize_to"),
        ({"resize_to": 0}, "resize_to is 0"),
        ({"crop": "none"}, "without a crop"),
        ({"resize": "stretch", "resize_to": 40, "crop": "none"}, "without a crop"),
        ({"mean": (0.5,)}, "3 numbers"),
        ({"mode": "L"}, "1 numbers"),
        ({"std": (0.5, 0.0, 0.5)}, "finite"),
        ({"scale": float("nan")}, "finite"),
    ],
)
def test_image_sections_that_this_version_does_not_know_are_refused(
    change: dict[str, Any], reason: str, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    with pytest.raises(BundleError, match=reason):
        encoder_of(dataclasses.replace(CLIP, **change))
