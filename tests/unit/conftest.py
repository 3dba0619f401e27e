"""Fixtures of several unit tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.inference.image_preprocess import ImagePreprocessor
from tests.support.images import CLIP


@pytest.fixture
def encoder_of(image_bundle: Path) -> Iterator[Callable[..., ImagePreprocessor]]:
    bundle = read_bundle(image_bundle)

    made: list[ImagePreprocessor] = []

    def make(section: ImageSection = CLIP, **arguments: Any) -> ImagePreprocessor:
        manifest = dataclasses.replace(bundle.manifest, image=section)
        made.append(ImagePreprocessor(Bundle(bundle.path, manifest), **arguments))
        return made[-1]

    yield make
    for encoder in made:
        encoder.close()
