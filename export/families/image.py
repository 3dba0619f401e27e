"""An image encoder's folder to a proved bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExportError
from ..sealing.parts import ImagePart
from ..sealing.pipeline import Exported, FloatModel, Recipe, make_bundle
from ..sealing.proof.golden_pictures import background_pictures, golden_pictures
from ..sources.image_preprocessing import image_section, load_processor, require_processor
from ..sources.source import Source, describe, locate, read_config

if TYPE_CHECKING:
    from ..graphs.wrappers import ImageTower

IMAGE_FAMILIES = ("vit", "deit", "dinov2")
"""Values of ``model_type``. The class token of each, after the last normalisation, stands for the picture."""
_CLASS_TOKEN = "The vector of the class token after the last layer's normalisation stands for the picture."
_POOLER = "What the model's own pooler makes of the class token stands for the picture."


def open_image(source: str | Path, *, source_id: str | None = None) -> Source:
    """Find an image encoder and read its facts; no weights are loaded, but they are hashed.

    Raises:
        ExportError: the source is missing, incomplete or unsuitable; one sentence says why.
    """
    path, commit = locate(source)
    config = read_config(path)
    family = config["model_type"]
    if family not in IMAGE_FAMILIES:
        known = ", ".join(IMAGE_FAMILIES)
        raise ExportError(f"{path}: image encoders of type {family} are not supported; those of {known} are")
    require_processor(path)
    return Source(**describe(path, commit, source, source_id), config=config)


def export_image(source: str | Path, out: Path, recipe: Recipe, *, data: Path | None = None) -> Exported:
    """Make a bundle from an image encoder.

    Args:
        source: local folder in the Hugging Face layout, or a Hub name.
        out: bundle folder to write; an earlier bundle there is replaced.
        recipe: what is said in place of the source's own files.
        data: evaluation sets; the bundle and the float model are measured, and the manifest keeps the scores.

    Raises:
        ExportError: the source is unsuitable, or the bundle departs from it.
        FileExistsError: ``out`` exists and is no bundle.
    """
    return make_bundle(lambda scratch: load_image(source, scratch, source_id=recipe.source_id), out, recipe, data=data)


def load_image(source: str | Path, scratch: Path, *, source_id: str | None = None) -> FloatModel:
    """Load an image encoder, and write its float graph below ``scratch``.

    Raises:
        ExportError: the source is unsuitable.
    """
    facts = open_image(source, source_id=source_id)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from ..graphs.wrappers import ImageTower
    from ..sources.loading import load_model

    model, lacking = load_model(facts, may_lack=("pooler.",))
    has_pooler = getattr(model, "pooler", None) is not None and not lacking
    part = image_part(facts, ImageTower(model, "pooler" if has_pooler else "cls"), scratch)
    dim = part.reference.embed_images(part.golden[:1]).shape[1]
    remarks = [_POOLER if has_pooler else _CLASS_TOKEN]
    return FloatModel(source=facts, dim=dim, image=part, remarks=remarks, notes=remarks)


def image_part(source: Source, tower: ImageTower, scratch: Path) -> ImagePart:
    """The image tower of a bundle to be, its float graph written below ``scratch``.

    Raises:
        ExportError: the image processor cannot be expressed, or does not fit to the model.
    """
    import torch

    from ..graphs.wrappers import write_graph
    from ..references.image import TorchImages
    from ..sources.loading import first_line

    processor = load_processor(source)
    section = image_section(source, processor)
    example = torch.zeros(2, len(section.mean), section.height, section.width)
    try:
        with torch.inference_mode():
            tower(example)
    except (ValueError, RuntimeError) as error:
        size = f"{section.width} x {section.height}"
        reason = first_line(error)
        raise ExportError(f"{source.path}: pictures of {size} pixels do not fit to the model: {reason}") from error
    graph = scratch / "float-image.onnx"
    write_graph(tower, {"pixel_values": example}, graph, any_length=False)
    return ImagePart(
        section=section,
        graph=graph,
        reference=TorchImages(processor, tower),
        golden=golden_pictures(),
        background=background_pictures(),
    )
