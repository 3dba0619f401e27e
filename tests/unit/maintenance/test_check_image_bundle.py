"""The check of a bundle that embeds images: an altered fact or weight is noticed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeembed_export.sealing.npz import npz_bytes

from edgeembed.bundle.bundle import read_bundle
from edgeembed.errors import BundleError
from edgeembed.maintenance import check_bundle
from edgeembed.maintenance.check_bundle import check, golden_files
from tests.support.altered import resealed


def test_the_check_passes_for_both_towers(image_bundle: Path, two_towers: Path) -> None:
    stages = check(read_bundle(image_bundle))
    of_images = [
        "pixels",
        "image vectors against the float model",
        "image vectors against the bundle's own",
    ]
    assert [stage.stage.split(" (")[0] for stage in stages] == of_images
    assert all(stage.ok for stage in stages)
    both = check(read_bundle(two_towers))
    of_texts = ["token ids", "vocabulary", "vectors against the float model", *["vectors against the bundle's own"] * 2]
    assert [stage.stage.split(" (")[0] for stage in both] == [*of_texts, *of_images]
    assert all(stage.ok for stage in both)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": (0.4801, 0.46, 0.41)},
        {"std": (0.27, 0.2601, 0.28)},
        {"scale": 1 / 256},
        {"filter": "bilinear"},
        {"crop_rounding": "up"},
        {"resize_to": 33},
        {"resize": "stretch"},
        {"mode": "BGR"},
    ],
)
def test_altered_preprocessing_is_noticed_though_all_hashes_fit(
    change: dict[str, Any], image_bundle: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(image_bundle)
    assert bundle.manifest.image is not None
    altered = resealed(bundle, tmp_path / "altered", image=dataclasses.replace(bundle.manifest.image, **change))
    stages = check(altered)
    assert stages[0].stage == "pixels"
    assert not stages[0].ok
    assert stages[0].worst > 1e-5


def test_an_altered_weight_is_found_though_all_hashes_fit(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    model = onnx.load(bundle.file("image.onnx"))
    weight = next(item for item in model.graph.initializer if item.name == "weight")
    value = onnx.numpy_helper.to_array(weight).copy()
    value *= np.float32(1.02)
    weight.CopyFrom(onnx.numpy_helper.from_array(value, "weight"))
    stages = check(resealed(bundle, tmp_path / "altered", {"image.onnx": model.SerializeToString()}))
    assert [stage.ok for stage in stages] == [True, False, False]


def test_golden_images_that_this_machine_cannot_read_are_a_departure(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    with np.load(bundle.file("golden.npz")) as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    arrays["images"][:8] = 0
    (stage,) = check(resealed(bundle, tmp_path / "unreadable", {"golden.npz": npz_bytes(arrays)}))
    assert (stage.stage, stage.ok) == ("pixels", False)
    arrays["image_bytes"] = arrays["image_bytes"][1:]
    with pytest.raises(BundleError, match="does not follow the bundle format"):
        check(resealed(bundle, tmp_path / "wrong", {"golden.npz": npz_bytes(arrays)}))


def test_golden_images_are_taken_apart_once(image_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split: list[int] = []

    def counting(golden: check_bundle.Arrays) -> list[bytes]:
        images = golden_files(golden)
        split.append(len(images))
        return images

    monkeypatch.setattr(check_bundle, "golden_files", counting)
    assert all(stage.ok for stage in check(read_bundle(image_bundle)))
    assert len(split) == 1
    assert split[0] > 1
