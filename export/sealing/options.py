"""Options of a bundle: what a person says beyond the source's own files, or in place of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..quantization.choose import Tolerance
from ..quantization.schemes import INT8, Scheme


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    """Options of any bundle; ``None``: as the source states it."""

    name: str | None = None
    """``None``: the name of the folder that is written."""
    version: str = "1"
    source_id: str | None = None
    """What the source is called; ``None``: its Hub name, or that of its folder or file."""
    license: str | None = None
    """SPDX expression."""
    training_data: Sequence[Mapping[str, str]] | None = None
    """``None``: the sets that the source's card names."""
    max_tokens: int | None = None
    """Limit of tokens, for a source that embeds texts."""


@dataclass(frozen=True, kw_only=True)
class EncoderOptions(BundleOptions):
    """Options of a bundle that is made from a neural network."""

    scheme: Scheme = INT8
    tolerance: Tolerance | None = None
    """Measure several schemes and take for each tower the smallest that stays inside this; ``None``: :attr:`scheme`."""
