"""Seal a bundle in three steps: draft it, prove it against the float model, and only then write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edgeembed import Embedder, Manifest
from edgeembed.bundle.bundle import Bundle, write_bundle
from edgeembed.bundle.manifest import BACKGROUND_NAME, GOLDEN_NAME

from ..types import Vectors, tower_key
from .model_card import card_text
from .npz import npz_bytes
from .parts import ImagePart, Part, TextPart
from .proof.agreement import Verification, verify
from .proof.self_tolerance import self_tolerance

Contents = dict[str, Path | bytes]
"""Name of a file of a bundle to a file to copy, or to its bytes."""


@dataclass(frozen=True, kw_only=True)
class BundleInfo:
    """Metadata of a bundle that cannot be computed from its parts."""

    name: str
    version: str
    space: str
    source: Mapping[str, str]
    license: str
    license_text: str
    training_data: Sequence[Mapping[str, str]]
    libraries: Sequence[str]
    """Distributions whose versions decide the bytes."""
    remarks: Sequence[str] = ()
    """Sentences for the model card."""


@dataclass(frozen=True)
class ProvedBundle:
    """A bundle that passed its proof; it lacks only ``quality`` and the model card."""

    bundle: Bundle
    """In the scratch folder; to be measured."""
    verification: Verification
    manifest: Manifest
    contents: Contents
    remarks: Sequence[str]
    """Sentences for the model card."""

    def write(self, out: Path, quality: Mapping[str, Any] | None = None) -> Bundle:
        """Write the bundle with its card.

        Args:
            out: bundle folder; an earlier bundle there is replaced.
            quality: what was measured of :attr:`bundle`; closeness to the reference is added.

        Raises:
            FileExistsError: ``out`` exists and is no bundle.
        """
        manifest = replace(self.manifest, quality={**_closeness(self.verification), **(quality or {})})
        card = card_text(manifest, self.contents, remarks=self.remarks).encode()
        return write_bundle(out, manifest, {**self.contents, "README.md": card})


def prove(
    scratch: Path, *, info: BundleInfo, dim: int, text: TextPart | None = None, image: ImagePart | None = None
) -> ProvedBundle:
    """Draft a bundle, let the draft make the golden inputs, and prove the bundle that holds them.

    Args:
        scratch: folder for the draft and the proved bundle; it must stay until the bundle is written.
        info: what the manifest and the card say.
        dim: length of the vectors.
        text, image: the towers, at least one; the scheme of each says how close is close enough.

    Raises:
        ExportError: the bundle departs from the reference.
    """
    parts: list[Part] = [part for part in (text, image) if part is not None]
    manifest = _manifest(info, dim, text, image)
    contents: Contents = {"LICENSE": info.license_text.encode()}
    for part in parts:
        contents |= part.contents()

    draft = write_bundle(scratch / "draft", manifest, contents)
    with Embedder(draft) as embedder:
        golden = {key: array for part in parts for key, array in part.golden_arrays(embedder).items()}
        background = {part.kind: round_for_storage(part.bundle_vectors(embedder)) for part in parts}
    contents[GOLDEN_NAME], contents[BACKGROUND_NAME] = npz_bytes(golden), npz_bytes(background)
    manifest = replace(manifest, tolerance={**manifest.tolerance, **self_tolerance(draft, golden)})

    proved = write_bundle(scratch / "proved", manifest, contents)
    return ProvedBundle(proved, verify(proved, parts), manifest, contents, info.remarks)


def _manifest(info: BundleInfo, dim: int, text: TextPart | None, image: ImagePart | None) -> Manifest:
    parts: list[Part] = [part for part in (text, image) if part is not None]
    return Manifest(
        name=info.name,
        version=info.version,
        dim=dim,
        space=info.space,
        encoder="",
        text=None if text is None else text.section,
        image=None if image is None else image.section,
        precision=_precision(parts),
        source=info.source,
        license=info.license,
        training_data=tuple(info.training_data),
        files={},
        tolerance=_tolerance(parts),
        exported_with={name: version(name) for name in sorted(info.libraries)},
    )


def _precision(parts: Sequence[Part]) -> str:
    """How the weights of all towers are stored."""
    if all(part.scheme == parts[0].scheme for part in parts):
        return parts[0].scheme.precision
    return "; ".join(f"{part.what}: {part.scheme.precision}" for part in parts)


def _tolerance(parts: Sequence[Part]) -> dict[str, float]:
    """What is allowed when golden inputs are replayed; a second tower has keys of its own where its scheme differs."""
    first, *others = parts
    tolerance = first.scheme.tolerance
    for part in others:
        if part.scheme.tolerance != first.scheme.tolerance:
            tolerance |= {tower_key(part.kind, key): value for key, value in part.scheme.tolerance.items()}
    return tolerance


def _closeness(verification: Verification) -> dict[str, dict[str, float]]:
    """For ``quality``: mean and least cosine of each tower to its reference."""
    return {
        tower_key(kind, "cosine_to_reference"): {
            "mean": round(closeness.mean, 4),
            "least": round(closeness.least, 4),
        }
        for kind, closeness in verification.closeness.items()
    }


def round_for_storage(vectors: Vectors) -> Vectors:
    """Components rounded to multiples of 2**-12, which halves the compressed size; similarities move by some 0.0001."""
    return np.asarray(np.round(vectors * 2**12) / 2**12, dtype=np.float32)
