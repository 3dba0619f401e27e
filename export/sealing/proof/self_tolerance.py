"""Self-tolerance: how far a bundle may depart, on another processor, from its own vectors when it was made.

Another processor adds in another order. In a float graph that moves every vector by a few roundings. In a quantized one
an activation is here and there rounded to its other neighbour besides, and later layers amplify that: short inputs
mostly see no such change and stay as close as in a float graph; long ones do. So there are two limits, both measured on
the bundle's own golden inputs by provoking the change (jitter on the float weights):

- strict, for the closest share of the inputs, those that see no change. An altered weight moves all of them.
- for every input, above what the change does to the one that it moves most.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle, write_bundle
from edgeembed.maintenance.check_bundle import Arrays, cosines, embed_golden, own_vectors

from ...graphs.external_weights import whole_files
from ...graphs.jitter import jitter
from ...types import tower_key

_JITTER = 2e-8
"""Relative size of the changes to all float weights; one in some twenty then becomes the next float32 number."""
_SEEDS = 6
_SHARES = (0.5, 0.4, 0.3, 0.2, 0.1)
"""Of the inputs, how many must be strictly close; the strict limit holds for twice as many under jitter, so that a
processor that moves more inputs still passes."""
_LEAST = 5e-14
"""Least 1 - cosine that is allowed. On Nehalem, Haswell, Zen and on arm64 (Neoverse N1, N2, V1), all emulated, half of
the inputs depart by less than 1e-14 from AVX-512 with VNNI."""
_MARGIN = 4
"""Allowed is so many times what jitter does."""
_EVERY_MARGIN = 30
"""The same for the input that moves most: how far it is moved differs much between processors."""
_EVERY_LEAST = 1e-11
_ALIKE = 3
"""Limits within this factor of the lowest count as alike; the larger share is taken."""


def self_tolerance(bundle: Bundle, golden: Arrays) -> dict[str, float]:
    """Values for ``tolerance`` in the manifest, for each tower of ``bundle``; those for images say so in their keys.

    Args:
        bundle: a draft with all that decides vectors.
        golden: its arrays for ``golden.npz``.
    """
    kinds = [kind for kind in ("text", "image") if getattr(bundle.manifest, kind) is not None]
    departures: dict[str, list[npt.NDArray[np.float64]]] = {kind: [] for kind in kinds}
    for jittered in _jittered(bundle):
        with Embedder(jittered) as embedder:
            for kind in kinds:
                moved = 1 - cosines(embed_golden(embedder, golden, kind), own_vectors(golden, kind))
                departures[kind].append(np.sort(np.maximum(moved, 0)))
    by_kind = {kind: allowed(np.array(runs)) for kind, runs in departures.items()}
    first = next(iter(by_kind.values()))  # readers of format 1 look for "self" also where there are no texts
    return first | {tower_key(kind, key): value for kind, limits in by_kind.items() for key, value in limits.items()}


def allowed(departures: npt.NDArray[np.float64]) -> dict[str, float]:
    """``self``, ``self_share`` and ``self_all`` that follow from what jitter does.

    Args:
        departures: 1 - cosine of each input in several runs, each run in rising order, ``(runs, inputs)``.
    """
    worst = departures.max(axis=0)  # of the k-th closest input in any run
    limits = {}
    for share in _SHARES:
        twice = max(1, round(2 * share * len(worst)))
        limits[share] = max(_LEAST, _MARGIN * float(worst[twice - 1]))
    share = max(share for share, limit in limits.items() if limit <= _ALIKE * min(limits.values()))
    return {
        "self": 1 - _digit(limits[share]),
        "self_share": share,
        "self_all": 1 - _digit(max(_EVERY_LEAST, _EVERY_MARGIN * float(worst[-1]))),
    }


def _digit(value: float) -> float:
    """Rounded up to one digit."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(np.ceil(value / power * (1 - 1e-9)) * power)


def _jittered(bundle: Bundle) -> Iterator[Bundle]:
    """The bundle with jitter on all float weights, several times, always the same."""
    import onnx

    for seed in range(_SEEDS):
        with tempfile.TemporaryDirectory() as scratch:
            contents = whole_files(bundle)
            for section in (bundle.manifest.text, bundle.manifest.image):
                if section is not None:
                    model = onnx.load(bundle.file(section.graph))
                    jitter(model, size=_JITTER, seed=seed)
                    contents[section.graph] = model.SerializeToString()
            yield write_bundle(Path(scratch, "jittered"), bundle.manifest, contents)
