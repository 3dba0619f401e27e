"""The models of an index at work: which one embeds what, each loaded when it is first needed.

Texts and pictures have a model each. Where both embed into one vector space (a picture tower that was trained into a
text model's space, or one bundle with two towers) any query is compared with both kinds. Otherwise words are embedded
twice, by the text model for texts and by the text side of the picture model for pictures, and a picture is compared
with pictures only. Either way scores are calibrated for each kind by itself (see ``scores``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle, read_bundle, shipped_partner
from ..bundle.manifest import BACKGROUND_NAME
from ..catalog.schema import KINDS
from ..embedder import Embedder
from ..errors import BundleError, ModelMismatchError, UnsupportedInputError, path_error
from ..inference.image_preprocess import decode_request
from ..reading.sandbox.protocol import DecodeRequest
from .calibration import Calibration, calibrate, calibrate_for_query, read_background
from .choice import RequestedModels, bundle_of, check_picture_model
from .records import LEFT_OUT, ModelRecord, RecordedModels

if TYPE_CHECKING:
    from ..segments.int8 import Floats

_OPTIONS = {"text": "--model (model=)", "image": "--image-model (image_model=)"}
"""How a model is named, by people and by programs."""


class LoadedModels:
    """The models of one index. May be used from several threads."""

    def __init__(
        self, path: Path, stored: RecordedModels, given: RequestedModels, *, has_pictures: bool, threads: int | None
    ) -> None:
        """
        Args:
            path: the index, for messages.
            stored: what it was made with.
            given: what it was opened with.
            has_pictures: whether it holds pictures, whose model then cannot be another.
            threads: as :class:`Embedder` takes it.

        Raises:
            ModelMismatchError: a given model is of another vector space than what the index holds.
            UnsupportedInputError: the given model for pictures embeds none, or words could not find them.
            BundleError: a given model cannot be used.
        """
        self._path = path
        self._threads = threads
        self._given = given.by_kind()
        self._loaded: dict[str, Embedder] = {}
        self._backgrounds: dict[str, Mapping[str, Floats]] = {}
        self._scales: dict[str, Calibration] = {}
        self._guard = threading.RLock()
        self.stored = stored
        if self._given.text is not None:
            self._check_space("text", stored.text, bundle_of(self._given.text))
        self.models = self._with_given_image(has_pictures)
        """What the index is to be made with from now on; differs from what is stored until that is written."""

    def facts(self, kind: str) -> ModelRecord | None:
        """The model of documents of a kind; ``None``: nothing embeds them."""
        if kind == "text":
            return self.models.text
        if self.models.image is None:
            return self._partner
        return None if self.models.image == LEFT_OUT else self.models.image

    def embedder(self, kind: str) -> Embedder:
        """The model of a kind, for queries.

        Raises:
            BundleError: it is not at hand.
            UnsupportedInputError: the index has none.
        """
        with self._guard:
            if kind not in self._loaded:
                self._loaded[kind] = self._load(kind)
            return self._loaded[kind]

    def document_embedder(self, kind: str) -> Embedder:
        """The model for documents of a kind, whose vectors must all come from one encoder.

        Raises:
            ModelMismatchError: the one at hand is another, though of the same space.
            As :meth:`embedder`.
        """
        embedder, facts = self.embedder(kind), self.facts(kind)
        assert facts is not None
        if embedder.manifest.encoder != facts.encoder:
            raise ModelMismatchError(self._path, facts.label, embedder.manifest.label, option=_OPTIONS[kind])
        return embedder

    def query_embedder(self, item: str, kind: str) -> Embedder | None:
        """What brings a query to the vectors of a kind of documents.

        Args:
            item: what the query is, ``text`` or ``image``.
            kind: what it is compared with.

        Returns:
            ``None``: such a query cannot be compared with such documents.
        """
        own, other = self.facts(item), self.facts(kind)
        if own is not None and other is not None and (own.space, own.dim) == (other.space, other.dim):
            return self.embedder(item)
        return self.embedder("image") if item == "text" and other is not None else None

    def kinds_like(self, kind: str) -> tuple[str, ...]:
        """The kinds whose vectors may be compared with those of ``kind``."""
        spaces = {name: (facts.space, facts.dim) for name in KINDS if (facts := self.facts(name)) is not None}
        return tuple(name for name, space in spaces.items() if space == spaces.get(kind))

    def calibration(self, item: str, kind: str, query: Floats) -> Calibration:
        """What is ordinary between a query and documents of a kind.

        Args:
            item, kind: as in :meth:`query_embedder`.
            query: ``(dim,)`` of length 1.
        """
        with self._guard:
            if item == "image":
                return calibrate_for_query(query, self._background(kind).get(kind))
            if kind not in self._scales:
                # Where words find pictures through a model of its own, that model knows ordinary texts as well.
                by = item if kind == item or kind in self.kinds_like(item) else kind
                self._scales[kind] = calibrate(self._background(by).get(item), self._background(kind).get(kind))
            return self._scales[kind]

    @property
    def pictures(self) -> DecodeRequest | None:
        """What the model needs of a picture; ``None``: pictures are left out."""
        facts = self.facts("image")
        if facts is None:
            return None
        try:
            section = self._bundle("image", facts).manifest.image
        except BundleError:  # said where something must be embedded
            return DecodeRequest(None, upright=True)
        return None if section is None else decode_request(section)

    def follow(self, stored: RecordedModels, *, has_pictures: bool) -> LoadedModels:
        """The models after another process made the index anew, or chose a model for pictures.

        Raises:
            ModelMismatchError: the application's own embedder does not fit any more.
        """
        given = self._given
        if stored.text != self.stored.text and not isinstance(given.text, Embedder):
            given = given._replace(text=None)
        if stored.image not in (self.models.image, None) and not isinstance(given.image, Embedder):
            given = given._replace(image=None)
        after = LoadedModels(self._path, stored, given, has_pictures=has_pictures, threads=self._threads)
        after._loaded = {kind: held for kind, held in self._loaded.items() if after.facts(kind) == self.facts(kind)}
        return after

    def close(self) -> None:
        """End the threads of the models that were loaded here."""
        for embedder in self._loaded.values():
            if embedder not in self._given:
                embedder.close()

    @cached_property
    def _partner(self) -> ModelRecord | None:
        """The model for pictures where none was chosen: the text model itself, or a shipped one of its space."""
        text = self.models.text
        try:
            bundle = self._bundle("text", text)
        except BundleError:  # the first text to be embedded will say so
            return None
        if bundle.manifest.image is not None:
            return ModelRecord.of(bundle)
        partner = shipped_partner(text.space, text.dim, "image")
        return None if partner is None else ModelRecord.of(partner)

    def _with_given_image(self, has_pictures: bool) -> RecordedModels:
        stored, given = self.stored, self._given.image
        if given is None:
            return stored
        facts = stored.image if has_pictures and isinstance(stored.image, ModelRecord) else None
        if given == LEFT_OUT:
            if facts is not None:
                raise ModelMismatchError(self._path, facts.label, "no model for pictures", option=_OPTIONS["image"])
            return replace(stored, image=LEFT_OUT)
        bundle = bundle_of(given)
        check_picture_model(bundle, stored.text)
        if facts is None:
            return replace(stored, image=ModelRecord.of(bundle))
        self._check_space("image", facts, bundle)
        return stored

    def _source(self, kind: str, facts: ModelRecord) -> str | os.PathLike[str] | Embedder:
        """What to load the model of a kind by: what was given for it, or for texts if it embeds both."""
        given = self._given.text if kind == "text" else self._given.image
        if given is not None:
            return given
        if self._given.text is not None and bundle_of(self._given.text).manifest.encoder == facts.encoder:
            return self._given.text
        return facts.source

    def _bundle(self, kind: str, facts: ModelRecord) -> Bundle:
        source = self._source(kind, facts)
        return source.bundle if isinstance(source, Embedder) else read_bundle(source, verify=False)

    def _load(self, kind: str) -> Embedder:
        facts = self.facts(kind)
        if facts is None:
            advice = f"name a model for pictures with {_OPTIONS[kind]}"
            if self.models.image == LEFT_OUT:
                reason = f"this index leaves pictures out; to let them in, {advice}"
                raise path_error(self._path, UnsupportedInputError, reason)
            raise UnsupportedInputError(f"{self.models.text.name} embeds text only; {advice}")
        source = self._source(kind, facts)
        if isinstance(source, Embedder):
            return source
        try:
            bundle = read_bundle(source)
        except BundleError as error:
            if Path(error.path).exists():
                raise
            advice = f"this index was made with {facts.label}; name its bundle with {_OPTIONS[kind]}"
            raise BundleError(error.path, error.reason, advice) from error
        self._check_space(kind, facts, bundle)
        for held in self._loaded.values():
            if held.manifest.encoder == bundle.manifest.encoder:
                return held  # a bundle with two towers
        return Embedder(bundle, threads=self._threads)

    def _background(self, kind: str) -> Mapping[str, Floats]:
        """Ordinary vectors of the model of a kind; empty: it is not known what is ordinary."""
        if kind not in self._backgrounds:
            self._backgrounds[kind] = self._read_background(kind)
        return self._backgrounds[kind]

    def _read_background(self, kind: str) -> Mapping[str, Floats]:
        facts = self.facts(kind)
        if facts is None:
            return {}
        try:
            bundle = self._bundle(kind, facts)
            if BACKGROUND_NAME in bundle.manifest.files:
                bundle.verified_file(BACKGROUND_NAME)  # the graph of another kind may not be needed, and not be opened
        except BundleError:
            return {}
        return read_background(bundle)

    def _check_space(self, kind: str, facts: ModelRecord, bundle: Bundle) -> None:
        found = bundle.manifest
        if (found.space, found.dim) != (facts.space, facts.dim):
            raise ModelMismatchError(self._path, facts.label, found.label, option=_OPTIONS[kind])
