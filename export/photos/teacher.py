"""Teachers of a photo tower, into whose space it is trained: a text bundle, or a two-tower model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeembed import Embedder

from ..errors import ExportError
from ..evaluation.image_tasks import EmbedImages
from ..families.two_tower import TWO_TOWER_MODEL_TYPES, model_folder, open_two_tower
from ..sources.source import locate, read_config
from ..types import Vectors


@dataclass(frozen=True)
class PhotoTeacher:
    """Texts, and perhaps images, to unit vectors of one space."""

    texts: Callable[[Sequence[str]], Vectors]
    space: str
    """As manifests of that space name it."""
    key: str
    """Equal keys, equal vectors of texts."""
    title: str
    """What a model card calls it."""
    images: EmbedImages | None = None
    """Contents of image files to vectors; ``None``: it knows texts alone, and photos need captions."""


def bundle_photo_teacher(embedder: Embedder) -> PhotoTeacher:
    """A bundle: its texts, and its images if it has such a tower.

    Raises:
        ExportError: it embeds no texts.
    """
    manifest = embedder.manifest
    if manifest.text is None:
        raise ExportError(f"{manifest.name} embeds no texts; a photo tower is trained into the space of a text bundle")
    return PhotoTeacher(
        texts=lambda items: embedder.embed_texts(items, role="query"),
        space=manifest.space,
        key=f"bundle {manifest.encoder}",
        title=f"the bundle {manifest.name} (encoder {manifest.encoder[:12]})",
        images=embedder.embed_images if manifest.image is not None else None,
    )


def two_tower_photo_teacher(location: str | Path) -> PhotoTeacher:
    """A CLIP or SigLIP model in the Hugging Face layout, run in torch.

    Raises:
        ExportError: the source is missing, incomplete or unsuitable; one sentence says why.
    """
    from ..graphs.wrappers import ImageTower
    from ..references.clip_text import TorchTexts
    from ..references.image import TorchImages
    from ..sources.image_preprocessing import load_processor
    from ..sources.loading import load_model, load_tokenizer

    source = open_two_tower(location)
    model, _ = load_model(source)
    texts = TorchTexts(model, load_tokenizer(source), max_tokens=source.stated_tokens, pad_to=source.pad_to)
    images = TorchImages(load_processor(source), ImageTower(model, "features"))
    dim = texts.embed(["a"]).shape[1]
    return PhotoTeacher(
        texts=lambda items: texts.embed(list(items), "query"),
        space=f"{source.id}@{source.weights_sha256[:12]}/{dim}",
        key=f"torch {source.weights_sha256}",
        title=f"{source.id} (revision {source.revision}), in torch",
        images=images.embed_images,
    )


def is_two_tower(source: str) -> bool:
    """Whether ``source`` is a folder of such a model, and not a bundle."""
    if not Path(source).is_dir():
        return False
    path, _ = locate(source)
    path = model_folder(path)
    return (path / "config.json").is_file() and read_config(path)["model_type"] in TWO_TOWER_MODEL_TYPES
