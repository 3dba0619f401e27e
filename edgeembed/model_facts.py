"""What an index remembers of the model that it was made with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .bundle import read_bundle
from .catalog import Catalog
from .errors import EdgeEmbedError, IndexCorruptError
from .snapshot import Snapshot

_MAX_DIM = 1 << 16


@dataclass(frozen=True)
class ModelFacts:
    """What an index remembers of the model of one kind of its documents."""

    name: str
    encoder: str
    space: str
    dim: int
    location: str | None
    """Path of the bundle; ``None``: it ships with edgeembed."""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.encoder[:12]})"


def stored_model(snapshot: Snapshot, path: Path) -> ModelFacts:
    """The model that the index at ``path`` was made with."""
    try:
        facts = ModelFacts(**json.loads(snapshot.setting("model") or ""))
    except (TypeError, ValueError, RecursionError) as error:
        raise IndexCorruptError(path, "does not say which model it was made with") from error
    texts = (facts.name, facts.encoder, facts.space, facts.location or "")
    if type(facts.dim) is not int or not 1 <= facts.dim <= _MAX_DIM or not all(isinstance(text, str) for text in texts):
        raise IndexCorruptError(path, "says of its model what cannot be")
    if (facts.location or "").startswith(("\\\\", "//")):
        raise IndexCorruptError(path, "names a model on another machine, which is not opened")
    return facts


def model_of(path: Path, *, encoder: str | None = None) -> str | None:
    """What to give as ``model`` to embed as the index at ``path`` does.

    Args:
        encoder: answer only if the index was made with this one; ``None``: with any.

    Returns:
        Name or path of a bundle; ``None``: there is no such index, it cannot be read, or its model is not at hand.
    """
    try:
        catalog = Catalog(path, read_only=True, only_settings=True)
        with catalog.read() as snapshot:
            facts = stored_model(snapshot, path)
        catalog.close()
        model = facts.location or facts.name
        read_bundle(model, verify=False)
    except EdgeEmbedError:
        return None
    return model if encoder in (None, facts.encoder) else None
