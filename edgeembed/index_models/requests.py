"""The models that an opener asks for, looked up: names, paths and loaded embedders to :class:`ModelInfo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ..bundle.bundle import Bundle, read_bundle, shipped_partner
from ..embedder import Embedder
from ..errors import EdgeEmbedError
from .choice import (
    AvailableInfo,
    Decision,
    ModelInfo,
    RequestedInfo,
    ShippedModels,
    resolve,
)
from .records import ModelRecord, NoModel, RecordedModels

Model: TypeAlias = "str | os.PathLike[str] | Embedder | None"
"""Name of a shipped bundle, path of a bundle folder, or a loaded ``Embedder``; ``None``: not said."""


class RequestedModels(NamedTuple):
    """The models that whoever opened an index asked for."""

    text: Model = None
    image: Model = None
    """Also ``"none"``: images are to be left out."""

    def info(self) -> RequestedInfo:
        """What a choice must know of them.

        Raises:
            BundleError: one cannot be read.
        """
        text = None if self.text is None else info_of(bundle_of(self.text))
        if self.image is None or self.image == NoModel.LEFT_OUT.value:
            return RequestedInfo(text, None if self.image is None else NoModel.LEFT_OUT)
        return RequestedInfo(text, info_of(bundle_of(self.image)))

    def by_kind(self) -> RequestedModels:
        """A model that embeds images only is the one of images, wherever it was named."""
        if self.text is None or self.image is not None or bundle_of(self.text).manifest.text is not None:
            return self
        return RequestedModels(None, self.text)

    def completed_by(self, models: RecordedModels) -> RequestedModels:
        """With what was decided in place of what was not said, so that opening a new index decides the same."""
        if self.by_kind() != self:
            return self
        image: Model = models.image.source if isinstance(models.image, ModelRecord) else None
        if models.image is NoModel.LEFT_OUT:
            image = NoModel.LEFT_OUT.value
        return RequestedModels(
            models.text.source if self.text is None else self.text, image if self.image is None else self.image
        )


def bundle_of(model: Model) -> Bundle:
    """The bundle of a model, its files not hashed yet; of the default with ``None``."""
    return model.bundle if isinstance(model, Embedder) else read_bundle(model, verify=False)


def info_of(bundle: Bundle) -> ModelInfo:
    """What a choice must know of a bundle."""
    manifest = bundle.manifest
    return ModelInfo(
        bundle.path,
        ModelRecord.of(bundle),
        embeds_texts=manifest.text is not None,
        embeds_images=manifest.image is not None,
    )


def _partner(record: ModelRecord, kind: str) -> ModelInfo | None:
    bundle = shipped_partner(record.space, record.dim, kind)
    return None if bundle is None else info_of(bundle)


SHIPPED = ShippedModels(lambda: info_of(bundle_of(None)), _partner)
"""The bundles that are installed with this package."""


def models_for_new(requested: RequestedModels, path: Path) -> Decision:
    """The models of an index that is made now. Raises as :func:`resolve`, and ``BundleError``."""
    return resolve(requested.info(), SHIPPED, path=path)


def models_for_rebuild(recorded: RecordedModels | None, requested: RequestedModels, path: Path) -> Decision:
    """The models to make an index anew with: what was asked for, else what it was made with if that can be had.

    Raises:
        As :func:`models_for_new`.
    """
    available = AvailableInfo() if recorded is None else AvailableInfo(_found(recorded.text), _found(recorded.image))
    return resolve(requested.info(), SHIPPED, path=path, recorded=recorded, available=available)


def models_before_documents(recorded: RecordedModels, requested: RequestedModels, path: Path) -> Decision:
    """The models of an index that holds no document yet: what was asked for, else as recorded, if that model works.

    Raises:
        As :func:`models_for_new`.
    """
    is_kept = requested.text is not None or _works(recorded.text)
    return models_for_rebuild(recorded if is_kept else None, requested, path)


def _found(record: ModelRecord | NoModel) -> ModelInfo | None:
    """``None``: there is no such bundle."""
    try:
        return info_of(bundle_of(record.source)) if isinstance(record, ModelRecord) else None
    except EdgeEmbedError:
        return None


def _works(record: ModelRecord) -> bool:
    """Whether a model can be loaded; those in the package can."""
    if record.location is None:
        return _found(record) is not None
    try:
        Embedder.load(record.source, threads=1).close()
    except EdgeEmbedError:
        return False
    return True
