"""The families of models that are exported, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ..sealing.pipeline import IMAGE_LIBRARIES, Family
from .image import load_image
from .text import load_text
from .two_tower import load_two_tower
from .words import WORD_LIBRARIES, load_words

FamilyName = Literal["words", "text", "image", "two-tower"]
FAMILIES: Mapping[FamilyName, Family[Any]] = {
    "words": Family(load_words, libraries=WORD_LIBRARIES, audited=False),
    "text": Family(load_text),
    "image": Family(load_image, libraries=IMAGE_LIBRARIES),
    "two-tower": Family(load_two_tower, libraries=IMAGE_LIBRARIES),
}
"""Name of a family to how its sources become bundles; :func:`.detect.family_of` tells the name, ``make_bundle`` takes
the family."""
