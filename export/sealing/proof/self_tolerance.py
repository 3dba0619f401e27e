"""Self-tolerance: how far a quantized bundle may depart, on another processor, from its own vectors when it was made.

Another processor adds in another order, so that here and there an activation is rounded to its other neighbour, and
later layers amplify that. A small graph rounds so few numbers that most inputs see no such change; in a large one every
input does. A tolerance that tells the one from an altered weight would refuse the other on half of all machines. So
the change is provoked here, and the tolerance follows from what it does.

Measured with AVX2 in place of AVX-512, 1 - cosine: in MiniLM-L6 44 of 54 texts stay within 1e-13, the others reach
1e-3; of a CLIP of the size ViT-B/32 with random weights 5 of 20 pictures stay within 1e-15, the others reach 5e-5.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle, write_bundle
from edgeembed.maintenance.check_bundle import cosines

from ...graphs.external_weights import whole_files
from ...types import tower_key
from .golden import embedded

_JITTER = 2e-8
"""Relative size of the changes to all float weights; one in some twenty then becomes the next float32 number. It leaves
37 of the 54 texts as they were and 1 of the 20 pictures, and moves the others as far as another processor does."""
_SAME = 1e-9
"""Largest 1 - cosine where no activation was rounded to its other neighbour."""
_ENOUGH = 0.4
"""The strict tolerance is set where so many inputs see no change; it then asks for half as many."""
_STRICT = {"self": 1 - 1e-8, "self_share": _ENOUGH / 2}
_MARGIN = 2


def self_tolerance(
    bundle: Bundle, inputs: Mapping[str, Any], golden: Mapping[str, npt.NDArray[Any]]
) -> dict[str, float]:
    """Values for ``tolerance`` in the manifest, for each tower of ``bundle``; those for pictures say so in their keys.

    Args:
        bundle: a quantized one.
        inputs: golden inputs by ``text`` and ``image``, as far as the bundle has these towers.
        golden: its arrays for ``golden.npz``.
    """
    tolerance: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch, Embedder(_jittered(bundle, Path(scratch))) as embedder:
        for kind, items in inputs.items():
            departures = 1 - cosines(embedded(embedder, kind, items), golden[f"{kind}_self"])
            tolerance |= {tower_key(kind, key): value for key, value in _allowed(departures).items()}
    return tolerance


def _allowed(departures: npt.NDArray[np.float64]) -> dict[str, float]:
    if np.mean(departures <= _SAME) >= _ENOUGH:
        return _STRICT
    return {"self": float(round(1 - _MARGIN * departures.max(), 7)), "self_share": 0.5}


def _jittered(bundle: Bundle, scratch: Path) -> Bundle:
    """The bundle with jitter on all float weights, always the same."""
    import onnx
    from onnx import TensorProto, numpy_helper

    contents = whole_files(bundle)
    rng = np.random.default_rng(0)
    for section in (bundle.manifest.text, bundle.manifest.image):
        if section is not None:
            model = onnx.load(bundle.file(section.graph))
            for tensor in model.graph.initializer:
                # Single numbers are constants of formulas, such as the lowest float, which must stay one.
                if tensor.data_type == TensorProto.FLOAT and prod(tensor.dims) > 1:
                    values = numpy_helper.to_array(tensor)
                    changed = values * (1 + _JITTER * rng.standard_normal(values.shape))
                    tensor.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), tensor.name))
            contents[section.graph] = model.SerializeToString()
    return write_bundle(scratch / "jittered", bundle.manifest, contents)
