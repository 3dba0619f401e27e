"""Views of photos: the whole one, random ones by their numbers; and the cache of what a trunk makes of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from edgeembed_export.photos.views import FeatureCache, filter_name, numbered_view, stretched, view, view_file
from edgeembed_export.sealing.proof.golden_images import golden_images


@pytest.fixture
def photos() -> list[bytes]:
    rng = np.random.default_rng(0)
    files = []
    for width, height in ((60, 40), (33, 70), (16, 16)):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(file, "PNG")
        files.append(file.getvalue())
    return files


class Trunk(torch.nn.Module):
    """Means of blocks of 8 x 8 pixels; counts how often it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return torch.nn.functional.avg_pool2d(pixels, 8)


def cache(trunk: Trunk, folder: Path, *, key: str = "a") -> FeatureCache:
    return FeatureCache(trunk, folder, side=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 0.5), key=key)


def test_a_view_is_rgb_whatever_the_photo_is() -> None:
    for golden in golden_images():  # 1 x 1, palette, alpha, CMYK, 16 bits …
        for image in (view(golden, 16, np.random.default_rng(0)), stretched(golden, 16)):
            assert (image.mode, image.size) == ("RGB", (16, 16))


@pytest.mark.parametrize(
    ("size", "filter"),
    [((16, 16), "hamming"), ((15.9, 100), "bicubic"), ((100, 15.9), "bicubic"), ((400, 300), "hamming")],
)
def test_both_sides_must_be_large_enough_for_the_quick_filter(size: tuple[float, float], filter: str) -> None:
    assert filter_name(size, 16) == filter


def test_number_0_is_the_whole_photo_and_others_are_decided_by_all_numbers(photos: list[bytes]) -> None:
    whole = stretched(photos[0], 16).tobytes()
    assert numbered_view(photos[0], 16, 0, seed=1, row=5).tobytes() == whole
    views = {
        numbers: numbered_view(photos[0], 16, *numbers).tobytes()
        for numbers in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))
    }
    assert len({whole, *views.values()}) == 5
    assert numbered_view(photos[0], 16, 1, 0, 0).tobytes() == views[1, 0, 0]
    with Image.open(io.BytesIO(view_file(photos[0], 16, 1, 0, 0))) as image:
        assert image.tobytes() == views[1, 0, 0]


def test_maps_are_computed_once_and_memory_mapped(photos: list[bytes], tmp_path: Path) -> None:
    trunk = Trunk()
    maps = cache(trunk, tmp_path / "seen").maps(photos)
    assert (maps.shape, maps.dtype, trunk.runs) == ((3, 2, 2, 3), np.float16, 1)
    pixels = (np.asarray(stretched(photos[1], 16), np.float32) / 255 - 0.5) / np.float32([0.5, 0.25, 0.5])
    expected = pixels.reshape(2, 8, 2, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(maps[1], expected, atol=2e-3)
    again = cache(trunk, tmp_path / "seen").maps(photos)
    np.testing.assert_array_equal(again, maps)
    assert trunk.runs == 1
    assert isinstance(again.base, np.memmap)


def test_other_photos_views_seeds_and_weights_are_computed_anew(photos: list[bytes], tmp_path: Path) -> None:
    trunk = Trunk()
    features = cache(trunk, tmp_path)
    features.maps(photos)
    features.maps(photos, seed=9)  # of the whole photo the seed decides nothing
    assert trunk.runs == 1
    features.maps(photos[::-1])
    features.maps(photos, number=1)
    features.maps(photos, number=1, seed=9)
    cache(trunk, tmp_path, key="b").maps(photos)
    assert trunk.runs == 5
    assert len(list(tmp_path.glob("*.npy"))) == 5
    assert not list(tmp_path.glob("*.part"))
