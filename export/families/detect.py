"""Find the family of a model from the source's own files, and make the bundle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ..quantization.choose import AUTO, Tolerance
from ..quantization.schemes import INT8, SCHEMES
from ..sealing.options import BundleOptions, EncoderOptions
from ..sealing.pipeline import Exported, LoadedModel, make_bundle, prove_towers
from ..sources.source import locate, read_config
from ..sources.vector_file import is_word_vectors
from .image import IMAGE_MODEL_TYPES
from .registry import FAMILIES, FamilyName
from .two_tower import TWO_TOWER_MODEL_TYPES, model_folder
from .words import WORD_SCHEMES, WordOptions


def family_of(source: str | Path) -> FamilyName:
    """What a source is: a file of word vectors, or what its ``model_type`` says.

    Args:
        source: a file, a local folder, or a name on the Hugging Face Hub.

    Raises:
        ExportError: it is missing, holds no configuration, or is one tower of a two-tower model.
    """
    if is_word_vectors(Path(source)):
        return "words"
    path = model_folder(locate(source)[0])
    model_type = str(read_config(path)["model_type"])
    if model_type in TWO_TOWER_MODEL_TYPES:
        return "two-tower"
    if model_type in IMAGE_MODEL_TYPES:
        return "image"
    return _known_to_transformers(path, model_type)


def _known_to_transformers(path: Path, model_type: str) -> FamilyName:
    """The nearest family of a model type that is none of ours, text by default; its loader then says what is wrong."""
    from transformers.models.auto import modeling_auto as auto

    if model_type in auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES:
        return "two-tower"
    if model_type.endswith(("_text_model", "_vision_model")):
        raise ExportError(f"{path}: one part of a larger model ({model_type}); give the folder of the whole model")
    seeing = {*auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES, *auto.MODEL_FOR_IMAGE_MAPPING_NAMES}
    return "image" if model_type in seeing else "text"


def export(
    source: str | Path,
    out: Path,
    *,
    precision: str,
    tolerance: Tolerance | None = None,
    data: Path | None = None,
    **overrides: Any,
) -> Exported:
    """Make a bundle from a source of any family.

    Args:
        source: a file of word vectors, a local folder, or a name on the Hugging Face Hub.
        out: bundle folder to write; an earlier bundle there is replaced.
        precision: how weights are stored, a key of the family's schemes; or ``auto``: chosen by measurement, for each
            tower by itself.
        tolerance: for ``auto``, and for nothing else; ``None``: the default.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.
        overrides: fields of :class:`~edgeembed_export.sealing.options.BundleOptions`.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
        ValueError: there is a tolerance, and nothing is chosen.
    """
    if tolerance is not None and precision != AUTO:
        raise ValueError(f"a tolerance is for precision {AUTO!r}, not for {precision!r}")
    family = family_of(source)
    options: BundleOptions
    if family != "words":
        scheme = INT8 if precision == AUTO else SCHEMES[precision]
        limits = (tolerance or Tolerance()) if precision == AUTO else None
        options = EncoderOptions(scheme=scheme, tolerance=limits, **overrides)
    elif precision == AUTO:
        raise ExportError(f"{source}: word vectors have no --precision {AUTO}; name {_one_of(WORD_SCHEMES)}")
    else:
        options = WordOptions(precision=precision, **overrides)
    return make_bundle(FAMILIES[family], source, out, options, data=data)


def load_float(source: str | Path, scratch: Path, *, max_tokens: int | None = None) -> LoadedModel:
    """Load an encoder of any family, and write the float graphs of its towers below ``scratch``.

    Args:
        source: a local folder, or a name on the Hugging Face Hub.
        scratch: an empty folder.
        max_tokens: limit of tokens; ``None``: as the source says.

    Raises:
        ExportError: the source is unsuitable, or its graph is not the model.
    """
    family = family_of(source)
    if family == "words":
        raise ExportError(f"{source}: word vectors have precisions of their own: {_one_of(WORD_SCHEMES)}")
    return prove_towers(FAMILIES[family].load(source, scratch, BundleOptions(max_tokens=max_tokens)))


def _one_of(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
