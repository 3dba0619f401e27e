"""Proof of a bundle: the runtime replays the golden inputs, and ordinary ones are compared with the float reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle
from edgeembed.maintenance.check_bundle import StageResult, check, cosines

from ...errors import ExportError
from ..parts import Part


@dataclass(frozen=True)
class Closeness:
    """Cosines of ordinary inputs to the float reference."""

    mean: float
    least: float


@dataclass(frozen=True)
class Verification:
    """A bundle that stood its test: how far its golden inputs depart, and how close it is to the float model."""

    stages: tuple[StageResult, ...]
    """The replay of the golden inputs."""
    closeness: Mapping[str, Closeness]
    """By ``text`` and ``image``, what the bundle has."""


def verify(bundle: Bundle, parts: Sequence[Part]) -> Verification:
    """Compare a bundle with the reference, as the runtime runs it.

    Args:
        bundle: complete and sealed.
        parts: its towers; the scheme of each says how close is close enough.

    Raises:
        ExportError: it departs too far; the message names every stage that does.
    """
    stages = check(bundle)
    faults = [f"{s.stage}: {s.worst:.3g} where {s.allowed:.3g} is allowed" for s in stages if not s.ok]
    closeness = {}
    with Embedder(bundle) as embedder:
        for part in parts:
            vectors = part.bundle_vectors(embedder)
            cosine = cosines(vectors, part.reference_vectors())
            closeness[part.kind] = Closeness(float(cosine.mean()), float(cosine.min()))
            if not np.array_equal(vectors[0], part.bundle_vectors(embedder, first=1)[0]):
                faults.append(f"the first of the ordinary {part.what} gives another vector among others than alone")
            least = part.scheme.least_mean_cosine
            if not cosine.mean() >= least:  # also true of a mean that is not a number
                faults.append(f"mean cosine of ordinary {part.what}: {cosine.mean():.6f}, less than {least}")
    if faults:
        raise ExportError(f"{bundle.manifest.name} does not stand its test, and is not written: " + "; ".join(faults))
    return Verification(tuple(stages), closeness)
