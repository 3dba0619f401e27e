"""Graphs, a tokenizer and facts to a proved bundle: the last steps, the same for every family."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edgeembed import Embedder, Manifest
from edgeembed.bundle.bundle import Bundle, write_bundle
from edgeembed.bundle.manifest import BACKGROUND_NAME, GOLDEN_NAME, TextSection

from ..quantization.schemes import Scheme
from ..types import Vectors
from .model_card import card_text
from .npz import npz_bytes
from .parts import ImagePart, Part, TextPart
from .proof.agreement import Verification, verify
from .proof.golden import TextReference, background_texts, golden_texts
from .proof.self_tolerance import self_tolerance


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a bundle says of itself beyond what can be computed."""

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


def seal_text(
    out: Path,
    *,
    facts: Facts,
    section: TextSection,
    graph: Path,
    tokenizer: bytes,
    reference: TextReference,
    scheme: Scheme,
    dim: int,
    texts: Sequence[str] | None = None,
    background: Sequence[str] | None = None,
    measure: Callable[[Embedder], Mapping[str, Any]] | None = None,
) -> tuple[Bundle, Verification]:
    """:func:`seal` a bundle with a text tower alone; ``None``: the project's own texts."""
    part = TextPart(
        section=section,
        graph=graph,
        scheme=scheme,
        tokenizer=tokenizer,
        reference=reference,
        golden=golden_texts() if texts is None else texts,
        background=background_texts() if background is None else background,
    )
    return seal(out, facts=facts, text=part, dim=dim, measure=measure)


def seal(
    out: Path,
    *,
    facts: Facts,
    text: TextPart | None = None,
    image: ImagePart | None = None,
    dim: int,
    measure: Callable[[Embedder], Mapping[str, Any]] | None = None,
) -> tuple[Bundle, Verification]:
    """Make the golden inputs, prove the bundle, and only then write it to ``out``.

    Args:
        out: bundle folder; an earlier bundle there is replaced.
        facts: what the manifest and the card say.
        text, image: the towers, at least one; the scheme of each says how close is close enough.
        dim: length of the vectors.
        measure: called with the proved bundle; what it returns goes into ``quality``.

    Raises:
        ExportError: the bundle departs from the reference; ``out`` is left as it was.
        FileExistsError: ``out`` exists and is no bundle.
    """
    parts: list[Part] = [part for part in (text, image) if part is not None]
    manifest = Manifest(
        name=facts.name,
        version=facts.version,
        dim=dim,
        space=facts.space,
        encoder="",
        text=None if text is None else text.section,
        image=None if image is None else image.section,
        precision=_precision(parts),
        source=facts.source,
        license=facts.license,
        training_data=tuple(facts.training_data),
        files={},
        tolerance=_tolerance(parts),
        exported_with={name: version(name) for name in sorted(facts.libraries)},
    )
    contents: dict[str, Path | bytes] = {"LICENSE": facts.license_text.encode()}
    for part in parts:
        contents |= part.contents()
    with tempfile.TemporaryDirectory() as scratch:
        draft = write_bundle(Path(scratch, "draft"), manifest, contents)
        with Embedder(draft) as embedder:
            golden = {key: array for part in parts for key, array in part.golden_arrays(embedder).items()}
            contents[GOLDEN_NAME] = npz_bytes(golden)
            ordinary = {part.kind: coarse(part.found(embedder)) for part in parts}
            contents[BACKGROUND_NAME] = npz_bytes(ordinary)
        inputs = {part.kind: part.golden for part in parts if part.scheme.quantized}
        if image is not None and inputs:
            manifest = replace(manifest, tolerance={**manifest.tolerance, **self_tolerance(draft, inputs, golden)})
        proved = write_bundle(Path(scratch, "proved"), manifest, contents)
        verification = verify(proved, parts)
        with Embedder(proved) as embedder:
            quality = {} if measure is None else measure(embedder)
    manifest = replace(manifest, quality={**_closeness(verification), **quality})
    contents["README.md"] = card_text(manifest, contents, remarks=facts.remarks).encode()
    return write_bundle(out, manifest, contents), verification


def _precision(parts: Sequence[Part]) -> str:
    """How the weights of all towers are stored."""
    if all(part.scheme == parts[0].scheme for part in parts):
        return parts[0].scheme.precision
    return "; ".join(f"{part.what}: {part.scheme.precision}" for part in parts)


def _tolerance(parts: Sequence[Part]) -> dict[str, float]:
    """What is allowed when golden inputs are replayed; keys say where it is for pictures beside texts."""
    first, *others = (part.scheme.tolerance for part in parts)
    for other in others:
        first |= {} if other == first else {f"image_{key}": value for key, value in other.items()}
    return first


def _closeness(found: Verification) -> dict[str, dict[str, float]]:
    """For ``quality``; the key for pictures says so."""
    return {
        f"{'image_' if kind == 'image' else ''}cosine_to_reference": {
            "mean": round(closeness.mean, 4),
            "least": round(closeness.least, 4),
        }
        for kind, closeness in found.closeness.items()
    }


def coarse(vectors: Vectors) -> Vectors:
    """Components rounded to multiples of 2**-12, which halves the compressed size; similarities move by some 0.0001."""
    return np.asarray(np.round(vectors * 2**12) / 2**12, dtype=np.float32)
