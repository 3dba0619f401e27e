"""Pictures are turned upright, as their EXIF orientation says."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeembed
from edgeembed.inference.image_preprocess import ImagePreprocessor
from tests.support.images import CLIP, UNDO, drawing, saved


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(
    file_format: str, orientation: int, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    upright = drawing()
    stored = upright.transpose(Image.Transpose(UNDO[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored, file_format, exif=exif, **({"lossless": True} if file_format == "WEBP" else {}))
    encoder = encoder_of()
    assert np.array_equal(encoder.encode(data), encoder.encode(upright))
    with Image.open(io.BytesIO(data)) as image:  # open already, its EXIF data not applied yet
        assert np.array_equal(encoder.encode(image), encoder.encode(upright))
    if file_format != "TIFF" and orientation > 1:
        as_stored = encoder_of(dataclasses.replace(CLIP, orientation="none"))
        assert np.array_equal(as_stored.encode(data), encoder.encode(stored))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_turned_photos_have_the_vector_of_the_upright_one(orientation: int, image_bundle: Path) -> None:
    upright = drawing(160, 120)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = saved(upright.transpose(Image.Transpose(UNDO[orientation])), "JPEG", quality=95, exif=exif)
    with edgeembed.Embedder.load(image_bundle) as embedder:
        a, b = embedder.embed_images([saved(upright, "JPEG", quality=95), turned])
    assert a @ b > 0.999


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_costs_nothing_but_the_orientation(
    exif: bytes, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    encoder = encoder_of()
    data = saved(drawing(), "JPEG", quality=95)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert np.array_equal(encoder.encode(data[:2] + segment + data[2:]), encoder.encode(data))
