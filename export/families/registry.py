"""The families of models that are exported, by the kind of their source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ..sealing.pipeline import IMAGE_LIBRARIES, Family
from .image import load_image
from .text import load_text
from .two_tower import load_two_tower
from .words import WORD_LIBRARIES, load_words

Kind = Literal["words", "text", "image", "two-tower"]
FAMILIES: Mapping[Kind, Family[Any]] = {
    "words": Family(load_words, libraries=WORD_LIBRARIES, audited=False),
    "text": Family(load_text),
    "image": Family(load_image, libraries=IMAGE_LIBRARIES),
    "two-tower": Family(load_two_tower, libraries=IMAGE_LIBRARIES),
}
"""What a source is to how it becomes a bundle; :func:`.detect.kind_of` tells which, ``make_bundle`` takes one."""
