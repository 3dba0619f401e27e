"""Seal a trained photo tower."""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.embedder import Role

from .. import data as data_files
from ..evaluation.datasets import CAPTIONED_IMAGES, LABELLED_IMAGES, find_sets
from ..evaluation.evaluate import Scores, evaluate
from ..graphs.wrappers import write_graph
from ..quantization.static_int8 import SEVEN_BITS, STATIC_INT8, quantize_static_int8
from ..quantization.weight_only import store_weights
from ..references.image import TorchImages
from ..sealing.parts import ImagePart
from ..sealing.pipeline import IMAGE_LIBRARIES, Exported
from ..sealing.proof.float_graph import ProofInputs, prove_float
from ..sealing.proof.golden_images import background_images
from ..sealing.seal import BundleInfo, prove
from ..types import IMAGE_GRAPH, Vectors
from .networks.backbone import Backbone
from .networks.channel_equalization import equalize
from .networks.gptq_rounding import gptq_round_network
from .recipes import PhotoRecipe
from .teacher import PhotoTeacher
from .tower import PhotoTower
from .views import FILTER, SHRINK_FILTER, filter_name

if TYPE_CHECKING:
    from transformers import BatchFeature, PretrainedConfig

_SOME = 256
"""Calibration: photos from which ranges of activations are learnt."""
_FEW = 4
"""Calibration: every so many of the drawn images are used too."""
_ROUNDING = 96
"""So many of both, the drawn ones first, are used for GPTQ."""
_PROVED = 24
"""So many of the images go through the float graph and the tower, to compare."""


class _Exportable(torch.nn.Module):
    """The tower with the attributes that optimum reads of a model."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        from transformers import PretrainedConfig

        self.model = tower
        self.config: PretrainedConfig = PretrainedConfig()

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.model(pixel_values)
        return vectors


def seal_photo(
    tower: PhotoTower,
    backbone: Backbone,
    teacher: PhotoTeacher,
    out: Path,
    recipe: PhotoRecipe,
    *,
    some: Sequence[bytes],
    data: Path | None,
) -> Exported:
    """Prove a trained tower and write its bundle.

    Args:
        tower: trained by now.
        backbone: what it began as.
        teacher: gives the space, and the text side of the scores.
        out: bundle folder; an earlier bundle there is replaced.
        recipe: how the tower was made.
        some: contents of photos, from which the ranges of activations are learnt.
        data: evaluation sets; ``None``: scores are not measured.

    Raises:
        ExportError: the bundle departs from the tower.
    """
    tower = tower.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    fast = copy.deepcopy(tower).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    reference = TorchImages(_processor(backbone, recipe.side), fast)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        graph, drawn = scratch / IMAGE_GRAPH, background_images()
        pixels = [reference.pixels(item)[None] for item in [*drawn[::_FEW], *some[:_SOME]]]  # (1, 3, side, side)
        _write_int8(tower, pixels, graph, recipe.name)
        part = ImagePart(section=_section(backbone, recipe), graph=graph, scheme=STATIC_INT8, reference=reference)
        info = _info(backbone, teacher, recipe, graph)
        proved = prove(scratch, info=info, image=part, dim=tower.names.shape[1])
        scores = _scores(proved.bundle, reference, teacher, data)
        quality = {"scores": scores["bundle"], "source_scores": scores["source"]} if scores else {}
        bundle = proved.write(out, quality)
    return Exported(bundle, proved.verification, scores)


def _scores(bundle: Bundle, reference: TorchImages, teacher: PhotoTeacher, data: Path | None) -> dict[str, Scores]:
    """Of the bundle and of its reference, on the sets of images in ``data``; empty if there are none."""
    sets = [] if data is None or not any(data.glob("*.jsonl*")) else find_sets([data])
    names = [item.name for item in sets if item.task in (CAPTIONED_IMAGES, LABELLED_IMAGES)]
    if data is None or not names:
        return {}

    def texts(items: Sequence[str], role: Role) -> Vectors:
        return teacher.texts(items)

    with Embedder(bundle) as embedder:
        scores = evaluate(texts, data, embed_images=embedder.embed_images, only=names)
    return {"bundle": scores, "source": evaluate(texts, data, embed_images=reference.embed_images, only=names)}


def _write_int8(tower: PhotoTower, pixels: Sequence[npt.NDArray[np.float32]], graph: Path, name: str) -> None:
    """Quantize a tower as it ships, calibrated on some images, (1, 3, side, side) each.

    Raises:
        ExportError: the float graph is not the tower.
    """
    whole, convolved = graph.with_name("float.onnx"), graph.with_name("convolved.onnx")
    example = torch.zeros(2, *pixels[0].shape[1:])
    rounded = _rounded(tower, torch.from_numpy(np.concatenate(pixels[:_ROUNDING])))
    write_graph(_Exportable(rounded), {"pixel_values": example}, whole, any_length=False, fused=False)
    some = pixels[:_PROVED]
    with torch.inference_mode():
        vectors = np.concatenate([_Exportable(rounded)(torch.from_numpy(item)).numpy() for item in some])
    size = f"{pixels[0].shape[3]} x {pixels[0].shape[2]} pixels"
    inputs = ProofInputs(size, [{"pixel_values": item} for item in some], vectors)
    prove_float(whole, [inputs], model=name, max_tokens=None)
    quantize_static_int8(whole, convolved, [{"pixel_values": item} for item in pixels])
    store_weights(convolved, graph, four_bit_side=len(tower.names))


def _rounded(tower: PhotoTower, pixels: torch.Tensor) -> PhotoTower:
    """A copy whose convolutions are equalized (cross-layer equalization) and rounded (GPTQ) for these images."""
    rounded = copy.deepcopy(tower)
    blocks = torch.nn.Sequential(*rounded.trunk.children(), *rounded.tail.children())
    equalize(blocks, pixels)
    gptq_round_network(blocks, pixels, most=SEVEN_BITS)
    return rounded


def _section(backbone: Backbone, recipe: PhotoRecipe) -> ImageSection:
    """Stretched and not cropped: nothing at the margins is lost, and the tower was trained on such squares."""
    return ImageSection(
        graph=IMAGE_GRAPH,
        height=recipe.side,
        width=recipe.side,
        resize="stretch",
        resize_to=None,
        crop="none",
        filter=FILTER,
        shrink_filter=SHRINK_FILTER,
        scale=1 / 255,
        mean=backbone.mean,
        std=backbone.std,
        reducing_gap=recipe.reducing_gap,
    )


def _processor(backbone: Backbone, side: int) -> Callable[..., BatchFeature]:
    """The same preprocessing by transformers, for the proof; one processor for each filter."""
    from PIL.Image import Image, Resampling
    from transformers import ViTImageProcessor

    processors = {
        name: ViTImageProcessor(
            size={"height": side, "width": side},
            resample=Resampling[name.upper()],
            image_mean=list(backbone.mean),
            image_std=list(backbone.std),
        )
        for name in (FILTER, SHRINK_FILTER)
    }

    def process(image: Image, **arguments: Any) -> BatchFeature:
        return processors[filter_name(image.size, side)](image, **arguments)

    return process


def _info(backbone: Backbone, teacher: PhotoTeacher, recipe: PhotoRecipe, graph: Path) -> BundleInfo:
    origin, photos = recipe.backbone, recipe.photos
    pretraining, pretraining_terms = origin.trained_on
    return BundleInfo(
        name=recipe.name,
        version=recipe.version,
        space=teacher.space,
        source={
            "id": origin.id,
            "revision": backbone.sha256[:12],
            "recipe": recipe.name,
            "seed": str(recipe.plan.seed),
            "graph_sha256": hashlib.sha256(graph.read_bytes()).hexdigest(),
        },
        license=origin.license,
        license_text=(files(data_files) / f"LICENSE.{origin.license}").read_text(encoding="utf-8"),
        training_data=[
            {"name": pretraining, "terms": pretraining_terms},
            {"name": photos.name, "terms": photos.terms},
        ],
        libraries=IMAGE_LIBRARIES,
        remarks=_remarks(teacher, recipe),
    )


def _remarks(teacher: PhotoTeacher, recipe: PhotoRecipe) -> list[str]:
    plan, photos = recipe.plan, recipe.photos
    again = f"edgeembed-export photos --recipe {recipe.name} --photos FILE.jsonl"
    return [
        f"Finds pictures by texts: its vectors may be compared with those of {teacher.title}, which it leaves as they "
        "are.",
        f"**It was trained on {photos.name}; terms of these photos: {photos.terms}.** The licence above is that of the "
        "backbone's weights. Whether what was learnt from the photos may be used beyond their terms is not settled. "
        f"`{again}` makes it again on captioned photos of your own (rows of `image` and `captions`); that takes about "
        "two hours of one core.",
        f"The first {recipe.tower.split} blocks are the backbone's; the others, and a head, were trained on captions, "
        "and held to what the backbone's classifier says: it names a thousand kinds of things, each by the text "
        "vector of its name"
        + (", moved halfway to what tells it apart from other names" if recipe.tower.apart is not None else "")
        + f". The names count {recipe.tower.weight:g} times where the classifier is sure, and less where it is not.",
        f"Trained for {plan.steps} steps of {plan.batch} photos, in {plan.views} views each"
        + (f", {plan.runs} times from one start, and the weights averaged" if plan.runs > 1 else "")
        + (f"; then a share of {recipe.original:g} of the backbone's own weights put back" if recipe.original else "")
        + f"; seed {plan.seed}. {recipe.chosen} "
        "Pictures are stretched to a square, as they were in training; nothing is cropped.",
    ]
