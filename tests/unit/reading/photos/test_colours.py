"""Grey of 16 bits in which 0 is white."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from edgeembed.reading.photos.colours import as_positive, in_mode
from tests.support.images import saved

RAMP = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)


def test_a_negative_of_16_bits_is_shown_as_a_positive() -> None:
    field = b"\x06\x01\x03\x00\x01\x00\x00\x00"
    data = saved(Image.fromarray(RAMP), "TIFF").replace(field + b"\1", field + b"\0")  # Pillow always writes 1
    with Image.open(io.BytesIO(data)) as image:
        assert image.tag_v2[262] == 0  # type: ignore[attr-defined]
        image.load()
        grey = np.asarray(in_mode(as_positive(image), "L")).astype(int)
    assert np.abs(grey - (255 - RAMP / 257)).max() <= 1


def test_other_pictures_stay_as_they_are() -> None:
    for image in (Image.fromarray(RAMP), Image.new("RGB", (5, 5)), Image.new("L", (5, 5))):
        assert as_positive(image) is image
    with Image.open(io.BytesIO(saved(Image.fromarray(RAMP), "TIFF"))) as image:
        assert as_positive(image) is image
