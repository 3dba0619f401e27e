"""Which models go together in an index: the one of its texts and the one of its pictures."""

from __future__ import annotations

import os
from typing import NamedTuple, TypeAlias

from ..bundle.bundle import Bundle, read_bundle, shipped_partner
from ..embedder import Embedder
from ..errors import EdgeEmbedError, UnsupportedInputError, path_error
from .records import LEFT_OUT, ModelRecord, RecordedModels, is_available

Model: TypeAlias = "str | os.PathLike[str] | Embedder | None"
"""Name of a shipped bundle, path of a bundle folder, or a loaded ``Embedder``; ``None``: not said."""


class RequestedModels(NamedTuple):
    """The models that whoever opened an index asked for."""

    text: Model = None
    image: Model = None
    """Also ``"none"``: pictures are to be left out."""

    def by_kind(self) -> RequestedModels:
        """A model that embeds pictures only is the one of pictures, wherever it was named."""
        if self.text is None or self.image is not None or bundle_of(self.text).manifest.text is not None:
            return self
        return RequestedModels(None, self.text)


def chosen_models(given: RequestedModels) -> RecordedModels:
    """What a new index is made with.

    Raises:
        As :class:`Towers`.
    """
    by_kind = given.by_kind()
    if by_kind != given:
        return _of_pictures_only(bundle_of(by_kind.image))
    text = ModelRecord.of(bundle_of(given.text))
    if given.image is None or given.image == LEFT_OUT:
        return RecordedModels(text, LEFT_OUT if given.image == LEFT_OUT else None)
    bundle = bundle_of(given.image)
    check_picture_model(bundle, text)
    return RecordedModels(text, ModelRecord.of(bundle))


def _of_pictures_only(bundle: Bundle) -> RecordedModels:
    """With a picture tower goes the shipped text model of its space, so that words find pictures."""
    facts = ModelRecord.of(bundle)
    partner = shipped_partner(facts.space, facts.dim, "text")
    return RecordedModels(facts if partner is None else ModelRecord.of(partner), facts)


def models_for_rebuild(before: RecordedModels | None, given: RequestedModels) -> RequestedModels:
    """What to make an index anew with: what is given, else what it was made with, as far as that can be had.

    Args:
        before: the models of the old index; ``None``: it cannot say.
    """
    by_kind, image = given.by_kind(), given.image
    if before is None or by_kind != given:
        return given
    text: Model = given.text
    if text is None and is_available(before.text):
        text = before.text.source
    if image is None and isinstance(before.image, ModelRecord) and is_available(before.image):
        kept, found = bundle_of(before.image.source), bundle_of(text).manifest
        one_model = before.image.encoder == before.text.encoder  # goes with the other, or not at all
        if (found.space == before.image.space or kept.manifest.text is not None) and not one_model:
            image = before.image.source
    return RequestedModels(text, LEFT_OUT if before.image == LEFT_OUT and image is None else image)


def models_before_documents(before: RecordedModels, given: RequestedModels) -> RecordedModels:
    """What an index is made with that holds no document yet: what is given, else as before, if that model works.

    Raises:
        As :class:`Towers`.
    """
    kept = before if given.text is not None or _works(before.text) else None
    return chosen_models(models_for_rebuild(kept, given))


def _works(facts: ModelRecord) -> bool:
    """Whether a model can be loaded; those in the package can."""
    if facts.location is None:
        return is_available(facts)
    try:
        Embedder.load(facts.source, threads=1).close()
    except EdgeEmbedError:
        return False
    return True


def is_made_with(models: RecordedModels | None, given: RequestedModels) -> bool:
    """Whether an index that was begun with ``models`` can be gone on with."""
    wanted = chosen_models(given)
    if models is None or models.text.encoder != wanted.text.encoder:
        return False
    if isinstance(models.image, ModelRecord) and isinstance(wanted.image, ModelRecord):
        return models.image.encoder == wanted.image.encoder
    return models.image == wanted.image or (wanted.image is None and given.image is None)


def check_picture_model(bundle: Bundle, text: ModelRecord) -> None:
    """Refuse a model for pictures that embeds none, or whose pictures no words could find.

    Raises:
        UnsupportedInputError: with the reason.
    """
    found = bundle.manifest
    if found.image is None:
        raise path_error(
            bundle.path, UnsupportedInputError, "embeds text only; name a bundle that embeds pictures, or none"
        )
    if (found.space, found.dim) != (text.space, text.dim) and found.text is None:
        reason = (
            f"its pictures are in the space {found.space}, the texts of {text.name} in {text.space}, and it embeds no "
            "texts itself, so that no words could find them; name a bundle of the same space, one that embeds texts as "
            "well, or none"
        )
        raise path_error(bundle.path, UnsupportedInputError, reason)


def bundle_of(model: Model) -> Bundle:
    """The bundle of a model, its files not hashed yet; of the default with ``None``."""
    return model.bundle if isinstance(model, Embedder) else read_bundle(model, verify=False)
