"""Image preprocessing of a source, as the image section of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL.Image import Resampling

from edgeembed.bundle.manifest import ImageSection
from edgeembed.inference.image_geometry import faults

from ..errors import ExportError
from ..types import IMAGE_GRAPH
from .source import Source, optional_json

if TYPE_CHECKING:
    from transformers import BaseImageProcessor

PROCESSOR = "preprocessor_config.json"
_STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")
"""Steps of transformers' image processors that an image section can express; they are always taken in this order."""


def require_processor(path: Path) -> None:
    """Refuse a folder that does not say how images become pixels, or says it in code of its own."""
    if not (path / PROCESSOR).is_file():
        raise ExportError(f"{path}: does not say how pictures become pixels (no {PROCESSOR})")
    if optional_json(path / PROCESSOR).get("auto_map"):
        raise ExportError(f"{path / PROCESSOR}: asks for code of the model's own, which is not run")


def load_processor(source: Source) -> BaseImageProcessor:
    """transformers' image processor in its slow form, which uses Pillow; the fast one gives other pixels.

    Raises:
        ExportError: transformers has none of that name.
    """
    from transformers import AutoImageProcessor

    from .loading import first_line

    try:
        processor: BaseImageProcessor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source.path, use_fast=False, local_files_only=True
        )
    except (OSError, ValueError, ImportError, TypeError, KeyError) as error:
        reason = first_line(error)
        raise ExportError(f"{source.path}: transformers cannot load the image processor: {reason}") from error
    return processor


def image_section(source: Source, processor: BaseImageProcessor) -> ImageSection:
    """The settings of a processor.

    That they are complete is not taken on trust: the pixels that the runtime makes of the golden images must equal
    the processor's.

    Raises:
        ExportError: it does something that an image section cannot express; the message names it.
    """
    path, settings = source.path / PROCESSOR, vars(processor)
    for name, value in settings.items():
        if (name.startswith("do_") and name not in _STEPS and value) or (name == "crop_pct" and value is not None):
            raise ExportError(f"{path}: {name} = {value} cannot be expressed in a bundle")
    size, crop = settings.get("size") or {}, settings.get("crop_size") or {}
    crops = bool(settings.get("do_center_crop"))
    resize, resize_to = _resize(path, size, crops=crops) if settings.get("do_resize") else ("none", None)
    height, width = _sides(path, "crop_size" if crops else "size", crop if crops else size)
    rescaled, normalised = bool(settings.get("do_rescale")), bool(settings.get("do_normalize"))
    section = ImageSection(
        graph=IMAGE_GRAPH,
        height=height,
        width=width,
        resize=resize,
        resize_to=resize_to,
        crop="center" if crops else "none",
        filter=_filter(path, settings.get("resample", Resampling.BICUBIC)),
        scale=float(settings["rescale_factor"]) if rescaled else 1.0,
        mean=_channels(settings["image_mean"]) if normalised else (0.0, 0.0, 0.0),
        std=_channels(settings["image_std"]) if normalised else (1.0, 1.0, 1.0),
    )
    for fault in faults(section):
        raise ExportError(f"{path}: cannot be expressed in a bundle: {fault}")
    return section


def _resize(path: Path, size: dict[str, Any], *, crops: bool) -> tuple[str, int | None]:
    if set(size) == {"shortest_edge"}:
        if not crops:
            raise ExportError(f"{path}: resizes by the shortest edge and does not crop, so pictures differ in size")
        return "shortest-edge", int(size["shortest_edge"])
    height, width = _sides(path, "size", size)
    if not crops:
        return "stretch", None
    if height != width:
        raise ExportError(f"{path}: size = {size} before a crop cannot be expressed in a bundle, only equal sides")
    return "stretch", height


def _sides(path: Path, name: str, size: dict[str, Any]) -> tuple[int, int]:
    if set(size) != {"height", "width"}:
        raise ExportError(f"{path}: {name} = {size} cannot be expressed in a bundle, only height and width")
    return int(size["height"]), int(size["width"])


def _filter(path: Path, number: int) -> str:
    try:
        return Resampling(number).name.lower()
    except ValueError as error:
        raise ExportError(f"{path}: resample = {number} is no filter of Pillow") from error


def _channels(value: float | list[float]) -> tuple[float, ...]:
    """One number a channel, of a list or of one number for all."""
    return tuple(float(item) for item in value) if isinstance(value, (list, tuple)) else (float(value),) * 3
