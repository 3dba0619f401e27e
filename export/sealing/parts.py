"""The towers of a bundle to be: a graph each, its float reference, and the inputs that it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder
from edgeembed.bundle.manifest import ImageSection, TextSection
from edgeembed.embedder import Role

from ..graphs.external_weights import graph_files
from ..quantization.choose import Trial
from ..quantization.schemes import FLOAT32, Scheme
from ..types import Feed, Vectors
from .proof.golden import ImageReference, TextReference, golden_arrays, golden_image_arrays

_JOINED = 8
"""Ordinary texts that are put together for measuring speed: documents are cut into passages of that length."""
_TIMED = 16
"""Inputs that speed is measured on."""
_CALIBRATING = 3
"""Ranges of activations are learnt from every third ordinary picture: each has many patches."""


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """The text tower of a bundle to be."""

    kind: ClassVar[str] = "text"
    what: ClassVar[str] = "texts"
    section: TextSection
    """How texts are encoded; names the files ``graph`` and ``tokenizer`` in the bundle."""
    graph: Path
    """Of the bundle; or, as long as nobody has chosen how its weights are stored, an optimised float graph."""
    scheme: Scheme = FLOAT32
    """How the weights of ``graph`` are stored, and how close to the reference it must stay."""
    tokenizer: bytes
    """Of ``tokenizer.json``."""
    reference: TextReference
    """The float model that the bundle is measured against."""
    golden: Sequence[str]
    background: Sequence[str]
    """Ordinary texts."""
    masked: bool = True
    """Whether the graph takes an attention mask."""

    def contents(self) -> dict[str, Path | bytes]:
        """Files of the bundle."""
        graph = graph_files(self.graph, self.section.graph, self.graph.parent)
        return {**graph, self.section.tokenizer: self.tokenizer}

    def feeds(self, texts: Sequence[str], role: Role = "document") -> list[Feed]:
        """What the graph takes of each text."""
        rows = self.reference.token_ids(texts, role=role)
        section = self.section
        return [feed(ids, pad_to=section.pad_to, pad_id=section.pad_id, masked=self.masked) for ids in rows]

    def calibration(self) -> list[Feed]:
        """Ordinary inputs, from which the ranges of activations are learnt."""
        return self.feeds(self.background)

    def exact(self) -> Vectors:
        """What the float model makes of the ordinary texts, ``(N, dim)``."""
        return self.reference.embed(self.background)

    def found(self, embedder: Embedder, *, first: int | None = None) -> Vectors:
        """What a bundle makes of the ordinary texts, or of the first ones, ``(N, dim)``."""
        return embedder.embed_texts(self.background[:first])

    def golden_arrays(self, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
        """Its arrays of ``golden.npz``."""
        return golden_arrays(self.golden, self.reference, embedder)

    def trial(self) -> Trial:
        """What other forms of the graph, which is a float one, are measured by."""
        ordinary = self.feeds(self.background)
        groups = [self.background[i : i + _JOINED] for i in range(0, len(self.background), _JOINED)]
        timed = self.feeds([" ".join(group) for group in groups[:_TIMED]])
        return Trial(
            graph=self.graph,
            what=self.what,
            unit="tokens",
            ordinary=ordinary,
            golden=self.feeds(self.golden),
            exact=self.reference.embed([*self.background, *self.golden]),
            calibration=ordinary,
            timed=timed,
            units=sum(item["input_ids"].size for item in timed),
        )


@dataclass(frozen=True, kw_only=True)
class ImagePart:
    """The image tower of a bundle to be."""

    kind: ClassVar[str] = "image"
    what: ClassVar[str] = "pictures"
    section: ImageSection
    """How pictures are encoded; names the file ``graph`` in the bundle."""
    graph: Path
    """As :attr:`TextPart.graph`."""
    scheme: Scheme = FLOAT32
    """As :attr:`TextPart.scheme`."""
    reference: ImageReference
    golden: Sequence[bytes]
    """Contents of image files."""
    background: Sequence[bytes]
    """Contents of files with ordinary pictures."""

    def contents(self) -> dict[str, Path | bytes]:
        """Files of the bundle."""
        return {**graph_files(self.graph, self.section.graph, self.graph.parent)}

    def feeds(self, pictures: Sequence[bytes]) -> list[Feed]:
        """What the graph takes of each picture."""
        return [{"pixel_values": self.reference.pixels(picture)[None]} for picture in pictures]

    def calibration(self) -> list[Feed]:
        """Ordinary inputs, from which the ranges of activations are learnt."""
        return self.feeds(self.background[::_CALIBRATING])

    def exact(self) -> Vectors:
        """What the float model makes of the ordinary pictures, ``(N, dim)``."""
        return self.reference.embed_images(self.background)

    def found(self, embedder: Embedder, *, first: int | None = None) -> Vectors:
        """What a bundle makes of the ordinary pictures, or of the first ones, ``(N, dim)``."""
        return embedder.embed_images(self.background[:first])

    def golden_arrays(self, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
        """Its arrays of ``golden.npz``."""
        return golden_image_arrays(self.golden, self.reference, embedder)

    def trial(self) -> Trial:
        """What other forms of the graph, which is a float one, are measured by."""
        ordinary = self.feeds(self.background)
        timed = ordinary[:_TIMED]
        return Trial(
            graph=self.graph,
            what=self.what,
            unit="pictures",
            ordinary=ordinary,
            golden=self.feeds(self.golden),
            exact=self.reference.embed_images([*self.background, *self.golden]),
            calibration=ordinary[::_CALIBRATING],
            timed=timed,
            units=len(timed),
        )


Part = TextPart | ImagePart


def feed(
    ids: Sequence[int], *, pad_to: int | None = None, pad_id: int = 0, masked: bool = True
) -> dict[str, npt.NDArray[np.int64]]:
    """What a graph takes of one text, as the text section of a manifest says it."""
    padding = max(0, (pad_to or 0) - len(ids))
    taken = {"input_ids": np.array([[*ids, *[pad_id] * padding]], np.int64)}  # (1, T)
    if masked:
        taken["attention_mask"] = np.array([[*[1] * len(ids), *[0] * padding]], np.int64)
    return taken
