"""What an index remembers of the models that it was made with: one for its texts, one for its images."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from ..bundle.bundle import Bundle, is_shipped
from ..catalog import settings
from ..catalog.database import Catalog
from ..catalog.snapshot import Snapshot
from ..errors import EdgeEmbedError, IndexCorruptError

_MAX_DIM = 1 << 16


class NoModel(Enum):
    """Why an index has no model for images. The value of ``LEFT_OUT`` is what callers and catalogs say."""

    LEFT_OUT = "none"
    """Images are left out, for good."""
    UNDECIDED = "undecided"
    """There are no images yet, and nobody chose a model for them."""


@dataclass(frozen=True)
class ModelRecord:
    """What an index remembers of the model of one kind of its documents."""

    name: str
    encoder: str
    """Digest of what decides a vector; see :attr:`edgeembed.Manifest.encoder`."""
    space: str
    dim: int
    location: str | None
    """Path of the bundle; ``None``: it ships with edgeembed."""

    @classmethod
    def of(cls, bundle: Bundle) -> ModelRecord:
        """The record of a bundle."""
        manifest = bundle.manifest
        location = None if is_shipped(bundle) else str(bundle.path.absolute())
        return cls(manifest.name, manifest.encoder, manifest.space, manifest.dim, location)

    @property
    def label(self) -> str:
        """Name and the start of the encoder's digest, for messages."""
        return f"{self.name} ({self.encoder[:12]})"

    @property
    def source(self) -> str:
        """What to load it by: a name or a path."""
        return self.location or self.name

    def shares_space_with(self, other: ModelRecord) -> bool:
        """Whether vectors of both may be compared."""
        return (self.space, self.dim) == (other.space, other.dim)


@dataclass(frozen=True)
class RecordedModels:
    """Which model embeds what in an index."""

    text: ModelRecord
    image: ModelRecord | NoModel = NoModel.UNDECIDED

    def dims(self) -> dict[str, int]:
        """Length of the vectors of each kind."""
        # A model that is chosen without being named is of the same space, and so of the same length.
        image = self.image if isinstance(self.image, ModelRecord) else self.text
        return {"text": self.text.dim, "image": image.dim}

    def without_locations(self) -> RecordedModels:
        """Without the paths of bundles, which say nothing on another machine."""
        image = replace(self.image, location=None) if isinstance(self.image, ModelRecord) else self.image
        return RecordedModels(replace(self.text, location=None), image)

    def to_setting(self) -> str:
        """As it is stored in the catalog, under :data:`settings.MODELS`."""
        if isinstance(self.image, ModelRecord):
            image: dict[str, Any] = {"image": vars(self.image)}
        else:
            image = {"image": self.image.value} if self.image is NoModel.LEFT_OUT else {}
        return json.dumps({**vars(self.text), **image})

    @classmethod
    def from_setting(cls, setting: str | None, path: Path) -> RecordedModels:
        """The reverse of :meth:`to_setting`.

        Raises:
            IndexCorruptError: it is not what ``to_setting`` gives; ``path`` is the index.
        """
        try:
            text = dict(json.loads(setting or ""))
            image = text.pop("image", None)
            models = cls(ModelRecord(**text), _image_from(image))
        except (TypeError, ValueError, RecursionError) as error:
            raise IndexCorruptError(path, "does not say which model it was made with") from error
        for record in (models.text, models.image):
            if isinstance(record, ModelRecord):
                _check(record, path)
        return models


def _image_from(value: Any) -> ModelRecord | NoModel:
    if value is None:
        return NoModel.UNDECIDED
    return NoModel.LEFT_OUT if value == NoModel.LEFT_OUT.value else ModelRecord(**value)


def _check(record: ModelRecord, path: Path) -> None:
    texts: tuple[Any, ...] = (record.name, record.encoder, record.space, record.location or "")
    is_dim = type(record.dim) is int and 1 <= record.dim <= _MAX_DIM
    if not is_dim or not all(isinstance(text, str) for text in texts):
        raise IndexCorruptError(path, "its model record is invalid")
    if (record.location or "").startswith(("\\\\", "//")):
        raise IndexCorruptError(path, "names a model on another machine, which is not opened")


@dataclass(frozen=True)
class Unavailable:
    """A model that cannot be had."""

    reason: str


def has_images(snapshot: Snapshot) -> bool:
    """Whether an index holds images; takes no longer the more texts there are."""

    def look() -> bool:
        return bool(snapshot.segments("image")) or snapshot.unsegmented_count("image") > 0

    return snapshot.kept("has images", look)


def recorded_models(snapshot: Snapshot, path: Path) -> RecordedModels:
    """The models that the index at ``path`` was made with.

    Raises:
        IndexCorruptError: it does not say.
    """
    models = RecordedModels.from_setting(snapshot.setting(settings.MODELS), path)
    if models.image is NoModel.UNDECIDED and has_images(snapshot):
        return RecordedModels(models.text, models.text)  # made when an index had one model for both
    return models


def models_at(path: Path) -> RecordedModels | None:
    """The models of the index at ``path``, of whatever layout; ``None``: there is none, or it cannot be read."""
    try:
        catalog = Catalog(path, read_only=True, only_settings=True)
        try:
            with catalog.read() as snapshot:
                return recorded_models(snapshot, path)
        finally:
            catalog.close()
    except EdgeEmbedError:
        return None
