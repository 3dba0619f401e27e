"""Find out from a source's own files what kind of model it is, and make the bundle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from ..errors import ExportError
from ..quantization.choose import AUTO, Tolerance
from ..quantization.schemes import INT8, SCHEMES
from ..sealing.pipeline import Exported, FloatModel, TextRecipe
from ..sources.source import locate, read_config
from ..sources.vector_file import is_word_vectors
from .image import IMAGE_FAMILIES, export_image, load_image
from .text import export_text, load_text
from .two_tower import TWO_TOWER_FAMILIES, export_two_tower, load_two_tower, model_folder
from .words import WORD_SCHEMES, WordRecipe, export_word_vectors

Kind = Literal["words", "text", "image", "two-tower"]


def kind_of(source: str | Path) -> Kind:
    """What a source is: a file of word vectors, or what its ``model_type`` says.

    Args:
        source: a file, a local folder, or a name on the Hugging Face Hub.

    Raises:
        ExportError: it is missing, holds no configuration, or is one tower of a two-tower model.
    """
    if is_word_vectors(Path(source)):
        return "words"
    path = model_folder(locate(source)[0])
    family = str(read_config(path)["model_type"])
    if family in TWO_TOWER_FAMILIES:
        return "two-tower"
    if family in IMAGE_FAMILIES:
        return "image"
    return _known_to_transformers(path, family)


def _known_to_transformers(path: Path, family: str) -> Kind:
    """The kind of a family that is not exported, or is text; so that what refuses it names the right things."""
    from transformers.models.auto import modeling_auto as auto

    if family in auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES:
        return "two-tower"
    if family.endswith(("_text_model", "_vision_model")):
        raise ExportError(f"{path}: one part of a larger model ({family}); give the folder of the whole model")
    seeing = {*auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES, *auto.MODEL_FOR_IMAGE_MAPPING_NAMES}
    return "image" if family in seeing else "text"


def export(
    source: str | Path,
    out: Path,
    *,
    precision: str,
    tolerance: Tolerance | None = None,
    data: Path | None = None,
    **said: Any,
) -> Exported:
    """Make a bundle from a source of any kind.

    Args:
        source: a file of word vectors, a local folder, or a name on the Hugging Face Hub.
        out: bundle folder to write; an earlier bundle there is replaced.
        precision: how weights are stored, a key of the kind's schemes; or ``auto``: chosen by measurement, for each
            tower by itself.
        tolerance: for ``auto``, and for nothing else; ``None``: the default.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.
        said: fields of :class:`.bundling.TextRecipe` other than ``scheme`` and ``tolerance``.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
        ValueError: there is a tolerance, and nothing is chosen.
    """
    if tolerance is not None and precision != AUTO:
        raise ValueError(f"a tolerance is for precision {AUTO!r}, not for {precision!r}")
    kind = kind_of(source)
    if kind == "words":
        if precision == AUTO:
            raise ExportError(f"{source}: word vectors have no --precision {AUTO}; name {_one_of(WORD_SCHEMES)}")
        return export_word_vectors(Path(source), out, WordRecipe(precision=precision, **said), data=data)
    chosen = (tolerance or Tolerance()) if precision == AUTO else None
    recipe = TextRecipe(scheme=INT8 if precision == AUTO else SCHEMES[precision], tolerance=chosen, **said)
    if kind == "text":
        return export_text(source, out, recipe, data=data)
    if kind == "two-tower":
        return export_two_tower(source, out, recipe, data=data)
    _no_tokens(source, recipe.max_tokens)
    return export_image(source, out, recipe, data=data)


def load_float(source: str | Path, scratch: Path, *, max_tokens: int | None = None) -> FloatModel:
    """Load an encoder of any kind, and write the float graphs of its towers below ``scratch``.

    Args:
        source: a local folder, or a name on the Hugging Face Hub.
        scratch: an empty folder.
        max_tokens: limit of tokens; ``None``: as the source says.

    Raises:
        ExportError: the source is unsuitable.
    """
    kind = kind_of(source)
    if kind == "words":
        raise ExportError(f"{source}: word vectors have precisions of their own: {_one_of(WORD_SCHEMES)}")
    if kind == "text":
        return load_text(source, scratch, max_tokens=max_tokens)
    if kind == "two-tower":
        return load_two_tower(source, scratch, max_tokens=max_tokens)
    _no_tokens(source, max_tokens)
    return load_image(source, scratch)


def _no_tokens(source: str | Path, max_tokens: int | None) -> None:
    if max_tokens is not None:
        raise ExportError(f"{source}: an image encoder takes no tokens, so there is no --max-tokens")


def _one_of(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
