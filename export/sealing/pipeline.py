"""A loaded source to a proved bundle: weights are stored, facts gathered, all is sealed. The same for every kind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from edgeembed.bundle.bundle import Bundle

from .. import data as data_files
from ..evaluation.evaluate import Scores
from ..quantization.choose import Tolerance, choice_remark, closeness_table, compare_and_choose
from ..quantization.schemes import INT8, Scheme, quantize
from ..sources.source import Source
from .comparison import Comparison
from .parts import ImagePart, Part, TextPart
from .proof.agreement import Verification
from .seal import Facts, seal

_Part = TypeVar("_Part", TextPart, ImagePart)
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a person may say about any bundle beyond what the source's own files say."""

    name: str | None = None
    """``None``: the name of the folder that is written."""
    version: str = "1"
    source_id: str | None = None
    license: str | None = None
    """SPDX expression; ``None``: as the source states it."""
    training_data: Sequence[Mapping[str, str]] | None = None
    """``None``: the sets that the source's card names."""
    scheme: Scheme = INT8
    tolerance: Tolerance | None = None
    """Measure several schemes and take for each tower the smallest that stays inside this; ``None``: :attr:`scheme`."""


@dataclass(frozen=True, kw_only=True)
class TextRecipe(Recipe):
    """What may be said about a bundle with a text tower."""

    max_tokens: int | None = None
    """``None``: as the source states it."""


@dataclass(frozen=True)
class Exported:
    """A bundle that was written, and what was found about it."""

    bundle: Bundle
    verification: Verification
    scores: Mapping[str, Scores]
    """Column title to scores; empty if nothing was measured."""
    notes: Sequence[str] = ()
    """What the user should know of what was left out or assumed."""


@dataclass(frozen=True, kw_only=True)
class FloatModel:
    """A source, loaded: its towers with float graphs."""

    source: Source
    dim: int
    text: TextPart | None = None
    image: ImagePart | None = None
    remarks: Sequence[str] = ()
    """Sentences for the model card."""
    notes: Sequence[str] = ()
    """What the user should know of what was left out or assumed."""

    @property
    def parts(self) -> list[Part]:
        """The towers that there are."""
        return [part for part in (self.text, self.image) if part is not None]


def make_bundle(load: Callable[[Path], FloatModel], out: Path, recipe: Recipe, *, data: Path | None = None) -> Exported:
    """Store the weights of a model, prove it and write its bundle.

    Args:
        load: called with a folder for the float graphs.
        out: bundle folder to write; an earlier bundle there is replaced.
        recipe: what is said in place of the source's own files.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        model = load(scratch)
        both = len(model.parts) > 1
        text, said = (None, _NOTHING) if model.text is None else _stored(model.text, scratch, recipe, both=both)
        image, seen = (None, _NOTHING) if model.image is None else _stored(model.image, scratch, recipe, both=both)
        measure = Comparison(
            data,
            texts=None if text is None else text.reference.embed,
            images=None if image is None else image.reference.embed_images,
        )
        facts = bundle_facts(
            model.source,
            recipe,
            out,
            model.dim,
            libraries=LIBRARIES if image is None else IMAGE_LIBRARIES,
            remarks=[*model.remarks, *said.remarks, *seen.remarks],
        )
        bundle, verification = seal(out, facts=facts, text=text, image=image, dim=model.dim, measure=measure)
    return Exported(bundle, verification, measure.scores, [*model.notes, *said.notes, *seen.notes])


@dataclass(frozen=True)
class _Choice:
    """What there is to say about how weights are stored."""

    remarks: Sequence[str] = ()
    """For the model card."""
    notes: Sequence[str] = ()
    """For the user."""


_NOTHING = _Choice()


def _stored(part: _Part, scratch: Path, recipe: Recipe, *, both: bool) -> tuple[_Part, _Choice]:
    """Store the weights as the recipe says, or as measurement chooses; ``both``: there is another tower."""
    if recipe.tolerance is None:
        graph = scratch / part.section.graph
        quantize(part.graph, graph, recipe.scheme, part.calibration() if recipe.scheme.smoothing else ())
        return replace(part, graph=graph, scheme=recipe.scheme), _NOTHING
    comparing, chosen = compare_and_choose(part.trial(), scratch, recipe.tolerance)
    remark = choice_remark(comparing, chosen, recipe.tolerance, tower=part.kind if both else "")
    table = closeness_table(comparing, chosen)
    choice = _Choice([remark], [f"{part.what}:\n{table}" if both else table])
    return replace(part, graph=chosen.graph, scheme=chosen.scheme), choice


def bundle_facts(
    source: Source,
    recipe: Recipe,
    out: Path,
    dim: int,
    *,
    libraries: Sequence[str] = LIBRARIES,
    remarks: Sequence[str] = (),
) -> Facts:
    """What the bundle ``out`` says of itself, after its source and its recipe."""
    license_id = recipe.license or source.license or "NOASSERTION"
    return Facts(
        name=recipe.name or out.name,
        version=recipe.version,
        space=f"{source.id}@{source.weights_sha256[:12]}/{dim}",
        source={"id": source.id, "revision": source.revision, "weights_sha256": source.weights_sha256},
        license=license_id,
        license_text=license_text(source, license_id),
        training_data=recipe.training_data if recipe.training_data is not None else source.training_data,
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
