"""Find out from a source's own files what kind of model it is, and make the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from .errors import ExportError
from .image_export import IMAGE_FAMILIES, export_image
from .precision import AUTO, Tolerance
from .quantize import SCHEMES
from .source import locate, read_config
from .text_export import Exported, TextRecipe, export_text
from .two_tower import TWO_TOWER_FAMILIES, export_two_tower, model_folder
from .vector_file import is_word_vectors
from .word_vectors import WordRecipe, export_word_vectors

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
        precision: how weights are stored, a key of the kind's schemes; or ``auto``: chosen by measurement.
        tolerance: for ``auto``; ``None``: the default.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.
        said: fields of :class:`TextRecipe` other than ``scheme`` and ``tolerance``.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
    """
    kind = kind_of(source)
    if precision == AUTO:
        if kind != "text":
            raise ExportError(f"{source}: --precision {AUTO} is for text encoders; name a precision, such as int8")
        return export_text(source, out, TextRecipe(tolerance=tolerance or Tolerance(), **said), data=data)
    if kind == "words":
        return export_word_vectors(Path(source), out, WordRecipe(precision=precision, **said), data=data)
    recipe = TextRecipe(scheme=SCHEMES[precision], **said)
    if kind == "text":
        return export_text(source, out, recipe, data=data)
    if kind == "two-tower":
        return export_two_tower(source, out, recipe, data=data)
    if recipe.max_tokens is not None:
        raise ExportError(f"{source}: an image encoder takes no tokens, so there is no --max-tokens")
    return export_image(source, out, recipe, data=data)
