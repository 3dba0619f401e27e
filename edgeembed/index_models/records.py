"""What an index remembers of the models that it was made with: one for its texts, one for its pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ..bundle.bundle import Bundle, is_shipped, read_bundle
from ..catalog.database import Catalog
from ..catalog.snapshot import Snapshot
from ..errors import EdgeEmbedError, IndexCorruptError

LEFT_OUT: Final = "none"
"""Said of pictures: no model embeds them."""
_MAX_DIM = 1 << 16


@dataclass(frozen=True)
class ModelRecord:
    """What an index remembers of the model of one kind of its documents."""

    name: str
    encoder: str
    space: str
    dim: int
    location: str | None
    """Path of the bundle; ``None``: it ships with edgeembed."""

    @classmethod
    def of(cls, bundle: Bundle) -> ModelRecord:
        """What is to be remembered of a bundle."""
        facts = bundle.manifest
        location = None if is_shipped(bundle) else str(bundle.path.absolute())
        return cls(facts.name, facts.encoder, facts.space, facts.dim, location)

    @property
    def label(self) -> str:
        return f"{self.name} ({self.encoder[:12]})"

    @property
    def source(self) -> str:
        """What to load it by: a name or a path."""
        return self.location or self.name


@dataclass(frozen=True)
class RecordedModels:
    """Which model embeds what in an index."""

    text: ModelRecord
    image: ModelRecord | Literal["none"] | None = None
    """``"none"``: pictures are left out, for good; ``None``: there are none yet, and nobody chose a model for them."""

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
        """As it is kept in the catalog, under ``model``."""
        image = vars(self.image) if isinstance(self.image, ModelRecord) else self.image
        return json.dumps({**vars(self.text), **({} if image is None else {"image": image})})

    @classmethod
    def from_setting(cls, setting: str | None, path: Path) -> RecordedModels:
        """What :meth:`to_setting` gave.

        Raises:
            IndexCorruptError: it was not given by it; ``path`` is the index.
        """
        try:
            facts = dict(json.loads(setting or ""))
            image = facts.pop("image", None)
            found = cls(ModelRecord(**facts), image if image in (None, LEFT_OUT) else ModelRecord(**image))
        except (TypeError, ValueError, RecursionError) as error:
            raise IndexCorruptError(path, "does not say which model it was made with") from error
        for model in (found.text, found.image):
            if isinstance(model, ModelRecord):
                _check(model, path)
        return found


def _check(facts: ModelRecord, path: Path) -> None:
    texts: tuple[Any, ...] = (facts.name, facts.encoder, facts.space, facts.location or "")
    if type(facts.dim) is not int or not 1 <= facts.dim <= _MAX_DIM or not all(isinstance(text, str) for text in texts):
        raise IndexCorruptError(path, "says of its model what cannot be")
    if (facts.location or "").startswith(("\\\\", "//")):
        raise IndexCorruptError(path, "names a model on another machine, which is not opened")


def has_images(snapshot: Snapshot) -> bool:
    """Whether an index holds pictures; takes no longer the more texts there are."""
    return bool(snapshot.segments("image")) or snapshot.fresh_count("image") > 0


def stored_models(snapshot: Snapshot, path: Path) -> RecordedModels:
    """The models that the index at ``path`` was made with.

    Raises:
        IndexCorruptError: it does not say.
    """
    models = RecordedModels.from_setting(snapshot.setting("model"), path)
    if models.image is None and has_images(snapshot):
        return RecordedModels(models.text, models.text)  # made when an index had one model for both
    return models


def models_at(path: Path) -> RecordedModels | None:
    """The models of the index at ``path``, of whatever layout; ``None``: there is none, or it cannot be read."""
    try:
        catalog = Catalog(path, read_only=True, only_settings=True)
        try:
            with catalog.read() as snapshot:
                return stored_models(snapshot, path)
        finally:
            catalog.close()
    except EdgeEmbedError:
        return None


def is_available(facts: ModelRecord) -> bool:
    """Whether the bundle can be had."""
    try:
        read_bundle(facts.source, verify=False)
    except EdgeEmbedError:
        return False
    return True
