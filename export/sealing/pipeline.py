"""A source to a sealed bundle, the same for every family: load, store weights, prove, measure, write."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Generic, TypeVar

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle

from .. import data as data_files
from ..evaluation.evaluate import Scores, evaluate
from ..evaluation.report import encoder_of, measure_quality
from ..quantization.choose import choice_remark, closeness_table, compare_and_choose
from ..quantization.schemes import Scheme, quantize
from ..sources.source import Source
from .options import BundleOptions, EncoderOptions
from .parts import ImagePart, Part, TextPart
from .proof.agreement import Verification
from .proof.float_graph import prove_float
from .seal import BundleInfo, prove

_Options = TypeVar("_Options", bound=BundleOptions)
LIBRARIES = (
    "edgeembed",
    "numpy",
    "onnx",
    "onnxruntime",
    "optimum",
    "optimum-onnx",
    "tokenizers",
    "torch",
    "transformers",
)
"""Distributions whose versions decide the bytes of a bundle."""
IMAGE_LIBRARIES = (*LIBRARIES, "pillow")
"""The same of a bundle with an image tower."""


@dataclass(frozen=True)
class Family(Generic[_Options]):
    """How the pipeline treats one family of models."""

    load: Callable[[str | Path, Path, _Options], LoadedModel]
    """Source, empty folder for its graphs, and options to the model.

    Raises:
        ExportError: the source or the options are unsuitable.
    """
    libraries: Sequence[str] = LIBRARIES
    """Distributions whose versions decide the bytes."""
    audited: bool = True
    """Whether typing errors and bias are measured beside the scores."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A loaded source: its towers, with graphs on disk."""

    source: Source
    dim: int
    text: TextPart | None = None
    image: ImagePart | None = None
    weights_stored: bool = False
    """``False``: graphs are float ones, and how their weights are stored is still to be chosen."""
    license_text: str | None = None
    """``None``: that of :func:`license_text`."""
    remarks: Sequence[str] = ()
    """Sentences for the model card."""
    notes: Sequence[str] = ()
    """What the user should know of what was left out or assumed."""
    quality: Mapping[str, Any] = field(default_factory=dict)
    """For ``quality`` in the manifest: what is known before the bundle is measured."""

    @property
    def parts(self) -> list[Part]:
        """The towers that there are."""
        return [part for part in (self.text, self.image) if part is not None]


@dataclass(frozen=True)
class Exported:
    """A written bundle, its proof and its scores."""

    bundle: Bundle
    verification: Verification
    scores: Mapping[str, Scores]
    """Column title to scores; empty if nothing was measured."""
    notes: Sequence[str] = ()
    """What the user should know of what was left out or assumed."""


def make_bundle(
    family: Family[_Options], source: str | Path, out: Path, options: _Options, *, data: Path | None = None
) -> Exported:
    """Make a bundle from a source of a known family.

    Args:
        family: a value of :data:`~edgeembed_export.families.registry.FAMILIES`.
        source: a file of word vectors, a local folder in the Hugging Face or sentence-transformers layout, or a Hub
            name.
        out: bundle folder to write; an earlier bundle there is replaced.
        options: beyond the source's own files, or in place of them.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        model = family.load(source, scratch, options)
        if isinstance(options, EncoderOptions) and not model.weights_stored:
            model = _store_weights(prove_towers(model), scratch, options)
        info = bundle_info(model.source, options, out, model.dim, libraries=family.libraries, remarks=model.remarks)
        if model.license_text is not None:
            info = replace(info, license_text=model.license_text)
        proved = prove(scratch, info=info, text=model.text, image=model.image, dim=model.dim)
        quality, scores = _measure(proved.bundle, model, data, audited=family.audited)
        bundle = proved.write(out, quality)
    return Exported(bundle, proved.verification, scores, model.notes)


def prove_towers(model: LoadedModel) -> LoadedModel:
    """The model with the float graph of each tower proved, and rid of what would make it depart.

    Raises:
        ExportError: a graph is not the model.
    """
    proved: list[Part] = []
    remarks, notes = [*model.remarks], [*model.notes]
    for part in model.parts:
        limit = part.section.max_tokens if isinstance(part, TextPart) and part.masked else None
        name = f"{model.source.id} ({model.source.model_type})"
        proof = prove_float(part.graph, part.proof_inputs(), model=name, max_tokens=limit)
        remarks += proof.remarks(part.what)
        notes.append(proof.note(part.what))
        proved.append(replace(part, float_proof=proof))
    return _with_parts(replace(model, remarks=remarks, notes=notes), proved)


def _with_parts(model: LoadedModel, parts: Sequence[Part]) -> LoadedModel:
    text = next((part for part in parts if isinstance(part, TextPart)), None)
    image = next((part for part in parts if isinstance(part, ImagePart)), None)
    return replace(model, text=text, image=image)


def _store_weights(model: LoadedModel, scratch: Path, options: EncoderOptions) -> LoadedModel:
    """The model with the weights of each tower stored as the options say, or as measurement chooses."""
    remarks, notes = [*model.remarks], [*model.notes]
    stored: list[Part] = []
    for part in model.parts:
        scheme, graph = options.scheme, scratch / part.section.graph
        if options.tolerance is None:
            quantize(part.graph, graph, scheme, part.calibration() if scheme.smoothing else (), fusions=part.fusions)
        else:
            compared, chosen = compare_and_choose(part.scheme_inputs(), scratch, options.tolerance)
            scheme, graph = chosen.scheme, chosen.graph
            several = len(model.parts) > 1
            remarks.append(choice_remark(compared, chosen, options.tolerance, tower=part.kind if several else ""))
            table = closeness_table(compared, chosen)
            notes.append(f"{part.what}:\n{table}" if several else table)
        stored.append(replace(part, graph=graph, scheme=_within_noise(scheme, part)))
    return _with_parts(replace(model, remarks=remarks, notes=notes), stored)


def _within_noise(scheme: Scheme, part: Part) -> Scheme:
    """The scheme, no stricter than the float noise of the model allows."""
    close = 1.0 if part.float_proof is None else 1 - part.float_proof.allowed
    return replace(
        scheme,
        least_cosine=min(scheme.least_cosine, close),
        least_mean_cosine=min(scheme.least_mean_cosine, close),
    )


def _measure(
    bundle: Bundle, model: LoadedModel, data: Path | None, *, audited: bool
) -> tuple[dict[str, Any], dict[str, Scores]]:
    """What goes into ``quality``, and the scores of bundle and float model by column title; empty without ``data``."""
    if data is None:
        return dict(model.quality), {}
    with Embedder(bundle) as embedder:
        encoder = encoder_of(embedder)
        measured = measure_quality(encoder, [data], typos=None if audited else (), bias=audited)
    texts = None if model.text is None else model.text.reference.embed
    images = None if model.image is None else model.image.reference.embed_images
    scores = {"bundle": measured.scores, "source": evaluate(texts, data, embed_images=images)}
    return {**model.quality, **measured.as_data(), "source_scores": scores["source"]}, scores


def bundle_info(
    source: Source,
    options: BundleOptions,
    out: Path,
    dim: int,
    *,
    libraries: Sequence[str] = LIBRARIES,
    remarks: Sequence[str] = (),
) -> BundleInfo:
    """Metadata of the bundle ``out``, from its source and its options."""
    license_id = options.license or source.license or "NOASSERTION"
    return BundleInfo(
        name=options.name or out.name,
        version=options.version,
        space=f"{source.id}@{source.weights_sha256[:12]}/{dim}",
        source={"id": source.id, "revision": source.revision, "weights_sha256": source.weights_sha256},
        license=license_id,
        license_text=license_text(source, license_id),
        training_data=options.training_data if options.training_data is not None else source.training_data,
        libraries=libraries,
        remarks=remarks,
    )


def license_text(source: Source, license_id: str) -> str:
    """The text for a bundle's ``LICENSE``: the source's own file, or else what is known."""
    for path in sorted(source.path.glob("LICENSE*")):
        return path.read_text(encoding="utf-8", errors="replace")
    if license_id == "Apache-2.0":
        return (files(data_files) / "LICENSE.Apache-2.0").read_text(encoding="utf-8")
    if license_id == "NOASSERTION":
        return f"The source, {source.id}, states no licence for its weights.\n"
    return f"SPDX-License-Identifier: {license_id}\n\nAs stated by the source of the weights, {source.id}.\n"
