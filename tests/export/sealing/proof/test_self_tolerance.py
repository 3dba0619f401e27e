"""The tolerance of a bundle to its own vectors, and what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.quantization.schemes import FLOAT32, INT8
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.pipeline import make_bundle
from edgeembed_export.sealing.proof.self_tolerance import allowed
from edgeembed_export.sealing.refresh import renew_proof

from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.errors import BundleError
from edgeembed.maintenance.check_bundle import check
from tests.support.altered import altered_facts, altered_matrices, altered_tokenizers, resealed
from tests.support.tiny_torch import tiny_text_folder

FAMILIES_TRIED = (
    "bert",
    "modernbert",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("albert", "distilbert", "roberta")),
)


def departures(*runs: tuple[float, ...]) -> np.ndarray:
    return np.sort(np.array(runs), axis=1)


def test_strict_where_half_of_the_inputs_see_no_change() -> None:
    quiet = departures((*[1e-14] * 8, 1e-4, 2e-4), (*[2e-14] * 8, 1e-5, 3e-4))
    found = allowed(quiet)
    assert found["self_share"] == 0.4
    assert 1 - found["self"] == pytest.approx(8e-14, rel=0.01)
    assert 1 - found["self_all"] == pytest.approx(9e-3, rel=0.01)


def test_a_float_graph_holds_all_of_them() -> None:
    found = allowed(departures(*[(1e-15,) * 10] * 3))
    assert found["self_share"] == 0.5
    assert 1 - found["self"] == pytest.approx(5e-14, rel=0.01)
    assert 1 - found["self_all"] == pytest.approx(1e-11, rel=0.01)


def test_a_share_that_flips_in_one_run_only_is_not_relied_on() -> None:
    found = allowed(departures((*[1e-14] * 10,), (*[1e-14] * 5, *[1e-4] * 5)))
    assert found["self_share"] == 0.2
    assert found["self"] > 1 - 1e-12


@pytest.mark.parametrize("scheme", [FLOAT32, INT8], ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("family", FAMILIES_TRIED)
def test_every_alteration_is_found(
    family: str, scheme: Any, tmp_path: Path, failing: Callable[[Bundle], list[str]]
) -> None:
    source = tiny_text_folder(tmp_path / "source", family)
    bundle = make_bundle(FAMILIES["text"], source, tmp_path / "out", EncoderOptions(scheme=scheme)).bundle
    assert failing(bundle) == []
    alterations: list[tuple[str, dict[str, Any]]] = [
        *((what, {"files": files}) for what, files in [*altered_matrices(bundle), *altered_tokenizers(bundle)]),
        *altered_facts(bundle),
    ]
    for what, changes in alterations:
        other = resealed(bundle, tmp_path / "altered", **changes)
        try:
            stages = failing(other)
        except BundleError as error:  # there are no such positions, or golden data lack what would be compared
            stages = re.findall("cannot be run|does not follow the bundle format", str(error))
        assert stages, what
    assert len(alterations) > 15


def test_an_old_bundle_opens_and_its_proof_is_renewed(bert: Path, tmp_path: Path) -> None:
    """As bundles were made before: no words, no vocabulary, a loose tolerance."""
    import io

    made = make_bundle(FAMILIES["text"], bert, tmp_path / "made", EncoderOptions()).bundle
    with np.load(made.file("golden.npz")) as archive:
        golden = {name: archive[name] for name in archive.files if name not in ("words", "words_self", "vocabulary")}
    content = io.BytesIO()
    np.savez_compressed(content, **golden)
    tolerance = {"reference": 0.95, "self": 1 - 1e-5, "self_share": 0.2}
    old = resealed(made, tmp_path / "old", {"golden.npz": content.getvalue()}, tolerance=tolerance)
    assert all(stage.ok for stage in check(old))
    renewed = renew_proof(old.path, tmp_path / "new")
    changed = {name for name, entry in renewed.manifest.files.items() if entry != old.manifest.files[name]}
    assert changed == {"golden.npz"}
    assert renewed.manifest.encoder == old.manifest.encoder
    assert renewed.manifest.tolerance == made.manifest.tolerance
    assert {stage.stage for stage in check(read_bundle(renewed.path))} > {stage.stage for stage in check(old)} - {
        "vectors against the bundle's own (closest 20%)"
    }
