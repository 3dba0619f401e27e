"""Prove a finished bundle: through the runtime, against the float reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeembed import Embedder
from edgeembed.bundle import Bundle
from edgeembed.check import StageResult, check, cosines

from .errors import ExportError
from .golden import ImageReference, TextReference, Vectors
from .quantize import Scheme


@dataclass(frozen=True)
class Closeness:
    """Cosines of ordinary inputs to the float reference."""

    mean: float
    least: float


@dataclass(frozen=True)
class Verification:
    """What was found about a bundle that stood its test."""

    stages: tuple[StageResult, ...]
    """The replay of the golden inputs."""
    closeness: Mapping[str, Closeness]
    """By ``text`` and ``image``, what the bundle has."""


def verify(
    bundle: Bundle,
    scheme: Scheme,
    *,
    texts: tuple[TextReference, Sequence[str]] | None = None,
    images: tuple[ImageReference, Sequence[bytes]] | None = None,
) -> Verification:
    """Compare a bundle with the reference, as the runtime runs it.

    Args:
        bundle: complete and sealed.
        scheme: says how close is close enough.
        texts: the float text tower, and ordinary texts; ``None``: the bundle has none.
        images: the float image tower, and contents of ordinary image files.

    Raises:
        ExportError: it departs too far; the message names every stage that does.
    """
    stages = check(bundle)
    faults = [f"{s.stage}: {s.worst:.3g} where {s.allowed:.3g} is allowed" for s in stages if not s.ok]
    cosine = {}
    with Embedder(bundle) as embedder:
        if texts is not None:
            reference, items = texts
            vectors = embedder.embed_texts(items)
            cosine["text"] = cosines(vectors, reference.embed(items))
            faults += _company("text", vectors[0], embedder.embed_texts(items[:1])[0])
        if images is not None:
            seeing, pictures = images
            vectors = embedder.embed_images(pictures)
            cosine["image"] = cosines(vectors, seeing.embed_images(pictures))
            faults += _company("picture", vectors[0], embedder.embed_images(pictures[:1])[0])
    for kind, values in cosine.items():
        if not values.mean() >= scheme.least_mean_cosine:  # also true of a mean that is not a number
            what = "texts" if kind == "text" else "pictures"
            faults.append(f"mean cosine of ordinary {what}: {values.mean():.6f}, less than {scheme.least_mean_cosine}")
    if faults:
        raise ExportError(f"{bundle.manifest.name} does not stand its test, and is not written: " + "; ".join(faults))
    found = {kind: Closeness(float(values.mean()), float(values.min())) for kind, values in cosine.items()}
    return Verification(tuple(stages), found)


def _company(what: str, among: Vectors, alone: Vectors) -> list[str]:
    equal = np.array_equal(among, alone)
    return [] if equal else [f"the same {what} gives another vector among others than alone"]
