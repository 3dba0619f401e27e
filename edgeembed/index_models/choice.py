"""Which models an index uses: one decision, from what was asked for, what is recorded, and what the index holds.

:func:`resolve` reads no file: what it must know of a bundle comes as :class:`ModelInfo`, and the bundles of the package
as :class:`ShippedModels`. ``requests.py`` looks them up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from ..errors import ModelMismatchError, UnsupportedInputError, path_error
from .records import ModelRecord, NoModel, RecordedModels

OPTIONS = {"text": "--model (model=)", "image": "--image-model (image_model=)"}
"""How a model is named, by people and by programs."""


@dataclass(frozen=True)
class ModelInfo:
    """What a choice must know of a bundle."""

    path: Path
    record: ModelRecord
    embeds_texts: bool
    embeds_images: bool


class RequestedInfo(NamedTuple):
    """The models that whoever opened an index asked for; ``None``: not said."""

    text: ModelInfo | None = None
    image: ModelInfo | NoModel | None = None
    """``NoModel.LEFT_OUT``: images are to be left out."""

    def by_kind(self) -> RequestedInfo:
        """A model that embeds images only is the one of images, wherever it was named."""
        if self.text is None or self.image is not None or self.text.embeds_texts:
            return self
        return RequestedInfo(None, self.text)


class AvailableInfo(NamedTuple):
    """What is known of the recorded models whose bundles can be had; ``None``: that one cannot."""

    text: ModelInfo | None = None
    image: ModelInfo | None = None


@dataclass(frozen=True)
class ShippedModels:
    """The bundles of the package, looked up when they are asked for."""

    default: Callable[[], ModelInfo]
    partner: Callable[[ModelRecord, str], ModelInfo | None]
    """The one that embeds documents of a kind into the space of a record; ``None``: none does."""


class Holds(Enum):
    """What an index holds: documents settle its models."""

    NOTHING = "nothing"
    TEXTS = "texts"
    IMAGES = "images"
    """Perhaps texts as well."""


class Decision(NamedTuple):
    """The models that an index uses, and why."""

    models: RecordedModels
    reason: str
    """For logs."""


def resolve(
    requested: RequestedInfo,
    shipped: ShippedModels,
    *,
    path: Path,
    recorded: RecordedModels | None = None,
    available: AvailableInfo | None = None,
    holds: Holds = Holds.NOTHING,
) -> Decision:
    """Decide which models an index uses.

    Args:
        requested: what its opener asked for.
        shipped: the bundles of the package.
        path: the index, for messages.
        recorded: what it was made with; when it is made anew, what the old one was made with; ``None``: it is new, or
            cannot say.
        available: which of the recorded models can be had; not asked where documents have settled them.
        holds: what it holds. Only a document settles a model.

    Raises:
        ModelMismatchError: a requested model is of another vector space than what the index holds.
        UnsupportedInputError: the requested model for images embeds none, or words could not find them.
    """
    if recorded is not None and holds is not Holds.NOTHING:
        return _settled(requested.by_kind(), recorded, path, has_images=holds is Holds.IMAGES)
    if requested.by_kind() != requested:
        return _images_only(requested.by_kind(), shipped)
    available = available or AvailableInfo()
    if requested.text is not None:
        text, reason = requested.text, "the model is the one asked for"
    elif recorded is not None and available.text is not None:
        text, reason = available.text, "the model is the recorded one"
    else:
        text, reason = shipped.default(), "the model is the shipped default"
    return Decision(RecordedModels(text.record, _image(requested, recorded, available, text)), reason)


def _images_only(requested: RequestedInfo, shipped: ShippedModels) -> Decision:
    """With an image tower goes the shipped text model of its space, so that words find images."""
    image = requested.image
    assert isinstance(image, ModelInfo)
    partner = shipped.partner(image.record, "text")
    text = image.record if partner is None else partner.record
    return Decision(RecordedModels(text, image.record), "an image model was asked for; its texts are the partner's")


def _image(
    requested: RequestedInfo, recorded: RecordedModels | None, available: AvailableInfo, text: ModelInfo
) -> ModelRecord | NoModel:
    """The model for images of an index without documents whose texts ``text`` embeds."""
    if isinstance(requested.image, ModelInfo):
        check_image_model(requested.image, text.record)
        return requested.image.record
    if requested.image is not None or recorded is None:
        return requested.image or NoModel.UNDECIDED
    if not isinstance(recorded.image, ModelRecord):
        return recorded.image
    is_one_model = recorded.image.encoder == recorded.text.encoder  # it goes with the texts', or not at all
    image = available.image
    if image is None or is_one_model or not (text.record.space == recorded.image.space or image.embeds_texts):
        return NoModel.UNDECIDED
    check_image_model(image, text.record)
    return image.record


def _settled(requested: RequestedInfo, recorded: RecordedModels, path: Path, *, has_images: bool) -> Decision:
    """The models of an index that holds documents: those recorded; before the first image that model may change."""
    if requested.text is not None:
        check_space("text", recorded.text, requested.text, path)
    image = recorded.image if has_images and isinstance(recorded.image, ModelRecord) else None
    if requested.image is None:
        return Decision(recorded, "the models are those recorded")
    if isinstance(requested.image, NoModel):
        if image is not None:
            raise ModelMismatchError(path, image.label, "no model for pictures", option=OPTIONS["image"])
        return Decision(replace(recorded, image=NoModel.LEFT_OUT), "images are to be left out")
    check_image_model(requested.image, recorded.text)
    if image is None:
        return Decision(replace(recorded, image=requested.image.record), "the image model is the one asked for")
    check_space("image", image, requested.image, path)
    return Decision(recorded, "the models are those recorded; the image model asked for has the same space")


def implied_image_model(text: ModelInfo, recorded: ModelRecord, shipped: ShippedModels) -> ModelRecord | None:
    """The model for images where none was chosen: the text model itself, or a shipped one of the recorded space."""
    if text.embeds_images:
        return text.record
    partner = shipped.partner(recorded, "image")
    return None if partner is None else partner.record


def continues(begun: RecordedModels | None, decided: RecordedModels, requested: RequestedInfo) -> bool:
    """Whether an index that was begun with ``begun`` can be gone on with after a decision for ``decided``."""
    if begun is None or begun.text.encoder != decided.text.encoder:
        return False
    if isinstance(begun.image, ModelRecord) and isinstance(decided.image, ModelRecord):
        return begun.image.encoder == decided.image.encoder
    return begun.image == decided.image or (decided.image is NoModel.UNDECIDED and requested.image is None)


def check_image_model(info: ModelInfo, text: ModelRecord) -> None:
    """Refuse a model for images that embeds none, or whose images no words could find.

    Raises:
        UnsupportedInputError: with the reason.
    """
    if not info.embeds_images:
        raise path_error(
            info.path, UnsupportedInputError, "embeds text only; name a bundle that embeds pictures, or none"
        )
    if not info.record.shares_space_with(text) and not info.embeds_texts:
        reason = (
            f"its pictures are in the space {info.record.space}, the texts of {text.name} in {text.space}, and it "
            "embeds no texts itself, so that no words could find them; name a bundle of the same space, one that "
            "embeds texts as well, or none"
        )
        raise path_error(info.path, UnsupportedInputError, reason)


def check_space(kind: str, record: ModelRecord, info: ModelInfo, path: Path) -> None:
    """Refuse a model of another vector space than the recorded one of its kind.

    Raises:
        ModelMismatchError: it is.
    """
    if not info.record.shares_space_with(record):
        raise ModelMismatchError(path, record.label, info.record.label, option=OPTIONS[kind])
