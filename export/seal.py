"""Graphs, a tokenizer and facts to a proved bundle: the last steps, the same for every family."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder, Manifest
from edgeembed.bundle import BACKGROUND_NAME, GOLDEN_NAME, Bundle, ImageSection, TextSection, write_bundle

from .arrays import npz_bytes
from .card import card_text
from .golden import (
    ImageReference,
    TextReference,
    Vectors,
    background_texts,
    golden_arrays,
    golden_image_arrays,
    golden_texts,
)
from .quantize import Scheme
from .rounding import self_tolerance
from .verify import Verification, verify

TEXT_GRAPH = "text.onnx"
IMAGE_GRAPH = "image.onnx"
TOKENIZER = "tokenizer.json"


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


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """The text tower of a bundle to be."""

    section: TextSection
    """How texts are encoded; names the files ``graph`` and ``tokenizer`` in the bundle."""
    graph: Path
    """The finished graph."""
    tokenizer: bytes
    """Of ``tokenizer.json``."""
    reference: TextReference
    """The float model that the bundle is measured against."""
    golden: Sequence[str]
    background: Sequence[str]
    """Ordinary texts."""

    def contents(self) -> dict[str, Path | bytes]:
        """Files of the bundle."""
        return {self.section.graph: self.graph, self.section.tokenizer: self.tokenizer}


@dataclass(frozen=True, kw_only=True)
class ImagePart:
    """The image tower of a bundle to be."""

    section: ImageSection
    """How pictures are encoded; names the file ``graph`` in the bundle."""
    graph: Path
    reference: ImageReference
    golden: Sequence[bytes]
    """Contents of image files."""
    background: Sequence[bytes]

    def contents(self) -> dict[str, Path | bytes]:
        """Files of the bundle."""
        return {self.section.graph: self.graph}


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
        tokenizer=tokenizer,
        reference=reference,
        golden=golden_texts() if texts is None else texts,
        background=background_texts() if background is None else background,
    )
    return seal(out, facts=facts, text=part, scheme=scheme, dim=dim, measure=measure)


def seal(
    out: Path,
    *,
    facts: Facts,
    text: TextPart | None = None,
    image: ImagePart | None = None,
    scheme: Scheme,
    dim: int,
    measure: Callable[[Embedder], Mapping[str, Any]] | None = None,
) -> tuple[Bundle, Verification]:
    """Make the golden inputs, prove the bundle, and only then write it to ``out``.

    Args:
        out: bundle folder; an earlier bundle there is replaced.
        facts: what the manifest and the card say.
        text, image: the towers, at least one.
        scheme: how close is close enough.
        dim: length of the vectors.
        measure: called with the proved bundle; what it returns goes into ``quality``.

    Raises:
        ExportError: the bundle departs from the reference; ``out`` is left as it was.
        FileExistsError: ``out`` exists and is no bundle.
    """
    manifest = Manifest(
        name=facts.name,
        version=facts.version,
        dim=dim,
        space=facts.space,
        encoder="",
        text=None if text is None else text.section,
        image=None if image is None else image.section,
        precision=scheme.precision,
        source=facts.source,
        license=facts.license,
        training_data=tuple(facts.training_data),
        files={},
        tolerance=scheme.tolerance,
        exported_with={name: version(name) for name in sorted(facts.libraries)},
    )
    contents: dict[str, Path | bytes] = {"LICENSE": facts.license_text.encode()}
    for part in (text, image):
        contents |= {} if part is None else part.contents()
    with tempfile.TemporaryDirectory() as scratch:
        draft = write_bundle(Path(scratch, "draft"), manifest, contents)
        with Embedder(draft) as embedder:
            golden = _golden(embedder, text, image)
            contents[GOLDEN_NAME] = npz_bytes(golden)
            contents[BACKGROUND_NAME] = npz_bytes(_background(embedder, text, image))
        if image is not None and scheme.quantized:
            inputs = {"image": image.golden} | ({} if text is None else {"text": text.golden})
            manifest = replace(manifest, tolerance={**scheme.tolerance, **self_tolerance(draft, inputs, golden)})
        proved = write_bundle(Path(scratch, "proved"), manifest, contents)
        verification = verify(
            proved,
            scheme,
            texts=None if text is None else (text.reference, text.background),
            images=None if image is None else (image.reference, image.background),
        )
        with Embedder(proved) as embedder:
            quality = {} if measure is None else measure(embedder)
    manifest = replace(manifest, quality={**_closeness(verification), **quality})
    contents["README.md"] = card_text(manifest, contents, remarks=facts.remarks).encode()
    return write_bundle(out, manifest, contents), verification


def _golden(embedder: Embedder, text: TextPart | None, image: ImagePart | None) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    if text is not None:
        arrays |= golden_arrays(text.golden, text.reference, embedder)
    if image is not None:
        arrays |= golden_image_arrays(image.golden, image.reference, embedder)
    return arrays


def _background(embedder: Embedder, text: TextPart | None, image: ImagePart | None) -> dict[str, Vectors]:
    arrays = {}
    if text is not None:
        arrays["text"] = _coarse(embedder.embed_texts(text.background))
    if image is not None:
        arrays["image"] = _coarse(embedder.embed_images(image.background))
    return arrays


def _closeness(found: Verification) -> dict[str, dict[str, float]]:
    """For ``quality``; the key for pictures says so."""
    return {
        f"{'image_' if kind == 'image' else ''}cosine_to_reference": {
            "mean": round(closeness.mean, 4),
            "least": round(closeness.least, 4),
        }
        for kind, closeness in found.closeness.items()
    }


def _coarse(vectors: Vectors) -> Vectors:
    """Components rounded to multiples of 2**-12, which halves the compressed size; similarities move by some 0.0001."""
    return np.asarray(np.round(vectors * 2**12) / 2**12, dtype=np.float32)
