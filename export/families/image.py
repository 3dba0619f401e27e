"""Load an image encoder: its folder to the image tower of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExportError
from ..sealing.options import BundleOptions
from ..sealing.parts import ImagePart
from ..sealing.pipeline import LoadedModel
from ..sources.image_preprocessing import image_section, load_processor, require_processor
from ..sources.source import Source, describe, locate, read_config

if TYPE_CHECKING:
    from ..graphs.wrappers import ImageTower

IMAGE_MODEL_TYPES = ("vit", "deit", "dinov2")
"""Values of ``model_type``. The class token of each, after the last normalisation, stands for the image."""
_CLASS_TOKEN = "The vector of the class token after the last layer's normalisation stands for the picture."
_POOLER = "What the model's own pooler makes of the class token stands for the picture."


def open_image(source: str | Path, *, source_id: str | None = None) -> Source:
    """Find an image encoder and read its metadata; no weights are loaded, but they are hashed.

    Raises:
        ExportError: the source is missing, incomplete or unsuitable; one sentence says why.
    """
    path, commit = locate(source)
    config = read_config(path)
    model_type = config["model_type"]
    if model_type not in IMAGE_MODEL_TYPES:
        names = ", ".join(IMAGE_MODEL_TYPES)
        raise ExportError(f"{path}: image encoders of type {model_type} are not supported; those of {names} are")
    require_processor(path)
    return Source(**describe(path, commit, source, source_id), config=config)


def load_image(location: str | Path, scratch: Path, options: BundleOptions) -> LoadedModel:
    """Load an image encoder, and write its float graph below ``scratch``.

    Raises:
        ExportError: the source is unsuitable, or there is a limit of tokens.
    """
    if options.max_tokens is not None:
        raise ExportError(f"{location}: an image encoder takes no tokens, so there is no --max-tokens")
    source = open_image(location, source_id=options.source_id)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from ..graphs.wrappers import ImageTower
    from ..sources.loading import load_model

    model, lacking = load_model(source, may_lack=("pooler.",))
    has_pooler = getattr(model, "pooler", None) is not None and not lacking
    part = image_part(source, ImageTower(model, "pooler" if has_pooler else "cls"), scratch)
    dim = part.reference.embed_images(part.golden[:1]).shape[1]
    remarks = [_POOLER if has_pooler else _CLASS_TOKEN]
    return LoadedModel(source=source, dim=dim, image=part, remarks=remarks, notes=remarks)


def image_part(source: Source, tower: ImageTower, scratch: Path) -> ImagePart:
    """The image tower, its float graph written below ``scratch``.

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
    return ImagePart(section=section, graph=graph, reference=TorchImages(processor, tower))
