"""The models of an index at work: which one embeds what, each loaded when it is first needed.

Texts and images have a model each. Where both embed into one vector space (an image tower that was trained into a
text model's space, or one bundle with two towers) any query is compared with both kinds. Otherwise words are embedded
twice, by the text model for texts and by the text side of the image model for images, and an image is compared
with images only. Either way scores are calibrated for each kind by itself (see ``calibration.py``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundle.bundle import Bundle, read_bundle
from ..bundle.manifest import BACKGROUND_NAME
from ..catalog.schema import KINDS
from ..embedder import Embedder
from ..errors import BundleError, ModelMismatchError, UnsupportedInputError, path_error
from ..inference.image_preprocess import decode_request
from ..reading.sandbox.protocol import DecodeRequest
from .calibration import Calibration, calibrate, calibrate_for_query, read_background, words_factor
from .choice import OPTIONS, Holds, check_space, implied_image_model, resolve
from .embedder_pool import POOL
from .records import ModelRecord, NoModel, RecordedModels
from .requests import SHIPPED, RequestedModels, bundle_of, info_of

if TYPE_CHECKING:
    from ..segments.int8 import Floats


class LoadedModels:
    """The models of one index. May be used from several threads."""

    def __init__(
        self,
        path: Path,
        recorded: RecordedModels,
        requested: RequestedModels,
        *,
        has_images: bool,
        threads: int | None,
    ) -> None:
        """
        Args:
            path: the index, for messages.
            recorded: what it was made with.
            requested: what it was opened with.
            has_images: whether it holds images, whose model then cannot be another.
            threads: as :class:`Embedder` takes it.

        Raises:
            ModelMismatchError: a requested model is of another vector space than what the index holds.
            UnsupportedInputError: the requested model for images embeds none, or words could not find them.
            BundleError: a requested model cannot be used.
        """
        self._path = path
        self._threads = threads
        self._requested = requested.by_kind()
        self._embedders: dict[str, Embedder] = {}
        self._backgrounds: dict[str, Mapping[str, Floats]] = {}
        self._calibrations: dict[str, Calibration] = {}
        self._guard = threading.RLock()
        self.recorded = recorded
        holds = Holds.IMAGES if has_images else Holds.TEXTS
        decision = resolve(self._requested.info(), SHIPPED, path=path, recorded=recorded, holds=holds)
        self.models = decision.models
        """What the index is to be made with from now on; differs from what is recorded until that is written."""

    def record(self, kind: str) -> ModelRecord | None:
        """The model of documents of a kind; ``None``: nothing embeds them."""
        if kind == "text":
            return self.models.text
        if self.models.image is NoModel.UNDECIDED:
            return self._implied
        return self.models.image if isinstance(self.models.image, ModelRecord) else None

    def embedder(self, kind: str) -> Embedder:
        """The model of a kind, for queries.

        Raises:
            BundleError: its bundle cannot be had.
            UnsupportedInputError: the index has none.
        """
        with self._guard:
            if kind not in self._embedders:
                self._embedders[kind] = self._load(kind)
            return self._embedders[kind]

    def document_embedder(self, kind: str) -> Embedder:
        """The model for documents of a kind, whose vectors must all come from one encoder.

        Raises:
            ModelMismatchError: the one that was loaded is another, though of the same space.
            As :meth:`embedder`.
        """
        embedder, record = self.embedder(kind), self.record(kind)
        assert record is not None
        if embedder.manifest.encoder != record.encoder:
            raise ModelMismatchError(self._path, record.label, embedder.manifest.label, option=OPTIONS[kind])
        return embedder

    def query_embedder(self, item: str, kind: str) -> Embedder | None:
        """What brings a query to the vectors of a kind of documents.

        Args:
            item: what the query is, ``text`` or ``image``.
            kind: what it is compared with.

        Returns:
            ``None``: such a query cannot be compared with such documents.
        """
        own, other = self.record(item), self.record(kind)
        if own is not None and other is not None and own.shares_space_with(other):
            return self.embedder(item)
        return self.embedder("image") if item == "text" and other is not None else None

    def kinds_like(self, kind: str) -> tuple[str, ...]:
        """The kinds whose vectors may be compared with those of ``kind``."""
        own = self.record(kind)
        records = {name: self.record(name) for name in KINDS}
        return tuple(name for name, record in records.items() if record and own and record.shares_space_with(own))

    def calibration(self, item: str, kind: str, query: Floats | None) -> Calibration:
        """Mean and deviation of similarities between ordinary queries like this one and ordinary documents of ``kind``.

        Args:
            item, kind: as in :meth:`query_embedder`.
            query: ``(dim,)`` of length 1; ``None``: words that the model cannot read.
        """
        with self._guard:
            if item == "image" and query is not None:
                return calibrate_for_query(query, self._background(kind).get(kind))
            if kind not in self._calibrations:
                # Where words find images through a model of its own, that model knows ordinary texts as well.
                by = item if kind == item or kind in self.kinds_like(item) else kind
                calibration = calibrate(self._background(by).get(item), self._background(kind).get(kind))
                self._calibrations[kind] = calibration._replace(words=self._words_factor(by))
            return self._calibrations[kind]

    @property
    def decode_request(self) -> DecodeRequest | None:
        """What the image model needs of an image; ``None``: images are left out."""
        record = self.record("image")
        if record is None:
            return None
        try:
            section = self._bundle("image", record).manifest.image
        except BundleError:  # raised again where something must be embedded
            return DecodeRequest(None, upright=True)
        return None if section is None else decode_request(section)

    def follow(self, recorded: RecordedModels, *, has_images: bool) -> LoadedModels:
        """The models after another process made the index anew, or chose a model for images.

        Raises:
            ModelMismatchError: the application's own embedder does not fit any more.
        """
        requested = self._requested
        if recorded.text != self.recorded.text and not isinstance(requested.text, Embedder):
            requested = requested._replace(text=None)
        is_other_image = recorded.image not in (self.models.image, NoModel.UNDECIDED)
        if is_other_image and not isinstance(requested.image, Embedder):
            requested = requested._replace(image=None)
        newer = LoadedModels(self._path, recorded, requested, has_images=has_images, threads=self._threads)
        newer._embedders = {
            kind: embedder for kind, embedder in self._embedders.items() if newer.record(kind) == self.record(kind)
        }
        return newer

    def renew_lock(self) -> None:
        """For the child of a fork, in which nobody is left to release it."""
        self._guard = threading.RLock()

    def close(self) -> None:
        """End the threads of the models that were loaded here."""
        for embedder in {id(embedder): embedder for embedder in self._embedders.values()}.values():
            if embedder not in self._requested:
                POOL.give_back(embedder)

    @cached_property
    def _implied(self) -> ModelRecord | None:
        """The model for images where none was chosen."""
        text = self.models.text
        try:
            bundle = self._bundle("text", text)
        except BundleError:  # the first text to be embedded will say so
            return None
        return implied_image_model(info_of(bundle), text, SHIPPED)

    def _source(self, kind: str, record: ModelRecord) -> str | os.PathLike[str] | Embedder:
        """What to load the model of a kind by: what was requested for it, or for texts if it embeds both."""
        requested = self._requested.text if kind == "text" else self._requested.image
        if requested is not None:
            return requested
        if self._requested.text is not None and bundle_of(self._requested.text).manifest.encoder == record.encoder:
            return self._requested.text
        return record.source

    def _bundle(self, kind: str, record: ModelRecord) -> Bundle:
        return bundle_of(self._source(kind, record))

    def _load(self, kind: str) -> Embedder:
        record = self.record(kind)
        if record is None:
            advice = f"name a model for pictures with {OPTIONS[kind]}"
            if self.models.image is NoModel.LEFT_OUT:
                reason = f"this index leaves pictures out; to let them in, {advice}"
                raise path_error(self._path, UnsupportedInputError, reason)
            raise UnsupportedInputError(f"{self.models.text.name} embeds text only; {advice}")
        source = self._source(kind, record)
        if isinstance(source, Embedder):
            return source
        try:
            bundle = read_bundle(source)
        except BundleError as error:
            if Path(error.path).exists():
                raise
            advice = f"this index was made with {record.label}; name its bundle with {OPTIONS[kind]}"
            raise BundleError(error.path, error.reason, advice) from error
        check_space(kind, record, info_of(bundle), self._path)
        for embedder in self._embedders.values():
            if embedder.manifest.encoder == bundle.manifest.encoder:
                return embedder  # a bundle with two towers
        return POOL.take(bundle, self._threads)

    def _words_factor(self, kind: str) -> float:
        record = self.record(kind)
        try:
            return 1.0 if record is None else words_factor(self._bundle(kind, record).manifest.quality)
        except BundleError:
            return 1.0

    def _background(self, kind: str) -> Mapping[str, Floats]:
        """Ordinary vectors of the model of a kind; empty: it is not known what is ordinary."""
        if kind not in self._backgrounds:
            self._backgrounds[kind] = self._read_background(kind)
        return self._backgrounds[kind]

    def _read_background(self, kind: str) -> Mapping[str, Floats]:
        record = self.record(kind)
        if record is None:
            return {}
        try:
            bundle = self._bundle(kind, record)
            if BACKGROUND_NAME in bundle.manifest.files:
                bundle.verified_file(BACKGROUND_NAME)  # the graph of another kind may not be needed, and not be opened
        except BundleError:
            return {}
        return read_background(bundle)
